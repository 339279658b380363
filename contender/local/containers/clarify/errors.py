"""Why an analysis cannot be made."""

from __future__ import annotations


class ClarifyError(Exception):
    """One line: what cannot be used, its name, and what to do."""
