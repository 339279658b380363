"""What a column holds, and which of its rows a set of values means: by the rules of AWS's open-source Clarify library.

A column is categorical or continuous. Text and true/false are categorical, decimals continuous; whole numbers are
continuous when at least a twentieth of them differ. Several values always mean categories. One value of a continuous
column is a lower bound that does not belong to the group: `(bound, highest]`.

One exception: two whole numbers are categories however few the rows. That library takes 0 and 1 in 40 rows or fewer for
a quantity, and then finds no row above 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from contender.local.containers.clarify.errors import ClarifyError
from contender.local.containers.clarify.fields import Value

UNIQUENESS_THRESHOLD = 0.05
MISSING_TEXTS = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "#N/A"})
TRUTH = {"true": True, "false": False, "1": True, "0": False}

Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one set of values; `name` is how AWS's files write it."""

    name: str
    rows: Rows


def typed(cells: pd.Series[Any]) -> pd.Series[Any]:
    """The cells as numbers or true/false where all of them are such, as text otherwise; NaN where missing."""
    texts = cells.astype(object).map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
    known = texts.where(texts.notna() & ~texts.isin(MISSING_TEXTS))
    if known.isna().all():
        return known.astype(float)
    try:
        return pd.to_numeric(known)
    except (ValueError, TypeError):
        words = known.map(str, na_action="ignore").astype(object)
    truths = words.str.lower().map({"true": True, "false": False})
    return words if truths.isna().any() else truths.astype(bool)


def is_numeric(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def is_continuous(column: pd.Series[Any], values: Sequence[Value]) -> bool:
    """For a column that `typed` returned."""
    if len(values) > 1 or not is_numeric(column):
        return False
    known = column.dropna()
    # pandas makes decimals of whole numbers between which one is missing
    if pd.api.types.is_float_dtype(column) and not (len(known) < len(column) and (known % 1 == 0).all()):
        return True
    different = known.nunique()
    return bool(different > 2 and different / len(known) >= UNIQUENESS_THRESHOLD)


def select(column: pd.Series[Any], values: Sequence[Value]) -> Group:
    """The rows that `values` means. Raises ClarifyError for values that cannot be in such a column."""
    if is_continuous(column, values):
        return _above(column, _number(column, values[0]))
    return Group(",".join(map(str, values)), among(column, values))


def each_value(column: pd.Series[Any]) -> list[Group]:
    """Every value by itself, in the order in which they occur."""
    return [Group(str(value), np.asarray(column == value, dtype=bool)) for value in column.dropna().unique()]


def _above(column: pd.Series[Any], bound: float) -> Group:
    rows = np.asarray(column > bound, dtype=bool)
    return Group(f"({_short(bound)}, {_short(float(column.max()))}]", rows)


def among(column: pd.Series[Any], values: Sequence[Value]) -> Rows:
    """The rows whose value is one of `values`, whether these are written as numbers or as text."""
    if is_numeric(column):
        rows = column.isin([_number(column, value) for value in values])
    elif pd.api.types.is_bool_dtype(column):
        wanted = [TRUTH.get(str(value).strip().lower()) for value in values]
        rows = column.isin([value for value in wanted if value is not None])
    else:
        rows = column.map(str, na_action="ignore").isin([str(value) for value in values])
    return np.asarray(rows, dtype=bool)


def _number(column: pd.Series[Any], value: Value) -> float:
    try:
        return float(value)
    except ValueError:
        raise ClarifyError(f"{value!r} cannot be a value of {column.name!r}, whose values are numbers") from None


def _short(number: float) -> str:
    return str(int(number)) if number.is_integer() else str(number)
