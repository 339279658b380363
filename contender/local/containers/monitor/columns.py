"""One column of the dataset while it is read: which of its values are numbers, and what becomes of them.

A column that holds nothing but numbers is Integral or Fractional, any other String; one without a value is Unknown.
That is deequ's rule (awslabs/deequ, `DataType`), with one addition: numbers may have an exponent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy
import pyarrow
import pyarrow.compute as compute

from contender.local.containers.monitor.numbers import Numbers
from contender.local.containers.monitor.texts import Texts

InferredType = Literal["Integral", "Fractional", "String", "Unknown"]

INTEGRAL = r"^\s*[+-]?[0-9]+\s*$"
FRACTIONAL = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$|^\s*[+-]?(?i:inf|infinity)\s*$"


@dataclass(frozen=True, slots=True)
class TypeCounts:
    """How many values can be read as what; an integral value counts as that only."""

    integral: int = 0
    fractional: int = 0
    string: int = 0

    @property
    def present(self) -> int:
        return self.integral + self.fractional + self.string

    @property
    def inferred(self) -> InferredType:
        if self.string:
            return "String"
        if self.fractional:
            return "Fractional"
        return "Integral" if self.integral else "Unknown"

    def __add__(self, other: TypeCounts) -> TypeCounts:
        return TypeCounts(
            self.integral + other.integral, self.fractional + other.fractional, self.string + other.string
        )


class Column:
    """Takes a column block by block.

    Numbers become moments and a sketch. From the first text on, every value is counted as text; what came before it
    is lost then (`incomplete`), and the column must be read again, `as_text` from the beginning.
    """

    def __init__(self, as_text: bool = False) -> None:
        self.types = TypeCounts()
        self.numbers = Numbers()
        self.texts: Texts | None = Texts() if as_text else None
        self.incomplete = False

    def update(self, block: pyarrow.Array) -> None:
        values = block.drop_null()
        if not len(values):
            return
        read = None if self.types.string else read_numbers(values)
        if read is not None:
            numbers, integral = read
            self.types += TypeCounts(integral, len(numbers) - integral)
            self.numbers.update(numbers)
            if self.texts is None:
                return
        if self.texts is None:
            self.incomplete = self.types.present > 0
            self.texts = Texts()
        counted = compute.value_counts(values)
        distinct, counts = counted.field("values"), counted.field("counts").to_numpy()
        if read is None:
            self.types += types_of(distinct, counts)
        self.texts.update(distinct, counts)


def read_numbers(values: pyarrow.Array) -> tuple[Any, int] | None:
    """All `values` as doubles, and how many of them are integral; None if any is no number."""
    try:
        doubles = _doubles(values)
    except pyarrow.ArrowInvalid:
        if not compute.all(compute.match_substring_regex(values, FRACTIONAL)).as_py():
            return None
        doubles = _doubles(compute.utf8_trim_whitespace(values))
    if numpy.isnan(doubles).any():
        return None
    return doubles, compute.sum(compute.match_substring_regex(values, INTEGRAL)).as_py()


def types_of(distinct: pyarrow.Array, counts: Any) -> TypeCounts:
    """The types of values of which each of `distinct` occurs as often as `counts` says."""
    integral = compute.match_substring_regex(distinct, INTEGRAL).to_numpy(zero_copy_only=False)
    numeric = compute.match_substring_regex(distinct, FRACTIONAL).to_numpy(zero_copy_only=False)
    whole, any_number = int(counts[integral].sum()), int(counts[numeric].sum())
    return TypeCounts(whole, any_number - whole, int(counts.sum()) - any_number)


def _doubles(texts: pyarrow.Array) -> Any:
    # a copy, because the sketch takes no array that it might not write to
    return numpy.array(compute.cast(texts, pyarrow.float64()))
