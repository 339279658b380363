"""What of a page AWS does not give while the rest can be shown: a sentence in its place, instead of no page at all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from contender.studio.failures import brief, why

log = logging.getLogger(__name__)
T = TypeVar("T")


class Gaps:
    """Of one page; the thread that answers it fills them."""

    def __init__(self) -> None:
        self._said: dict[str, None] = {}

    def fill(self, what: str, otherwise: T, read: Callable[[], T]) -> T:
        """What is read; or `otherwise`, and a sentence that `what` could not be, and why."""
        try:
            return read()
        except (ClientError, BotoCoreError) as error:
            log.warning("%s could not be read: %s", what, brief(error))
            self._said[f"{what} could not be read. {why(error)[1]}"] = None
            return otherwise

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(self._said)
