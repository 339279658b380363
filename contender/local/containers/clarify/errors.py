"""Why an analysis cannot be made."""

from __future__ import annotations


class ClarifyError(Exception):
    """One line: what cannot be used, its name, and what to do; also where it quotes a text of several lines."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(line.strip() for line in message.splitlines() if line.strip()))
