"""What an address or a form asks for, read leniently: what makes no sense is as if it was not said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
MOST_DIGITS = 9


def whole(text: str) -> int | None:
    """A whole number above 0; None for all else, and for one of more digits than anything here has."""
    return int(text) or None if text.isdecimal() and len(text) <= MOST_DIGITS else None


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """A page of a list: its rows, its number from 1 on, and how many pages there are."""

    rows: Sequence[T]
    number: int
    pages: int

    @classmethod
    def of(cls, everything: Sequence[T], size: int, number: str) -> Paged[T]:
        """The page of this number, or the nearest that there is."""
        pages = max(math.ceil(len(everything) / size), 1)
        chosen = min(whole(number) or 1, pages)
        return cls(everything[(chosen - 1) * size : chosen * size], chosen, pages)
