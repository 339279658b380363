"""A dataset's statistics in one pass over it, or two where a column of numbers turns out to hold text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import pyarrow

from contender.local.containers.monitor.columns import Column
from contender.local.containers.monitor.errors import MonitorError
from contender.local.containers.monitor.statistics import (
    Feature,
    NumberStatistics,
    Statistics,
    TextStatistics,
)

Read = Callable[[Collection[str] | None], Iterator[pyarrow.RecordBatch]]
"""Reads the dataset from its beginning: all columns, or those named."""


def profile(read: Read, as_text: Collection[str] = ()) -> Statistics:
    """The statistics of every column; those named in `as_text` are counted as text whatever they hold.

    Raises:
        MonitorError: the dataset has no rows.
    """
    columns: dict[str, Column] = {}
    rows = _take(read(None), columns, as_text)
    if not rows:
        raise MonitorError("the dataset has no rows")
    if again := [name for name, column in columns.items() if column.incomplete]:
        whole: dict[str, Column] = {}
        _take(read(again), whole, again)
        columns |= whole
    return Statistics(rows, tuple(_feature(name, column, rows) for name, column in columns.items()))


def _take(batches: Iterator[pyarrow.RecordBatch], columns: dict[str, Column], as_text: Collection[str]) -> int:
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        for name, block in zip(batch.schema.names, batch.columns, strict=True):
            if name not in columns:
                columns[name] = Column(as_text=name in as_text)
            columns[name].update(block)
    return rows


def _feature(name: str, column: Column, rows: int) -> Feature:
    types, numbers, texts = column.types, column.numbers, column.texts
    return Feature(
        name=name,
        inferred_type=types.inferred,
        present=types.present,
        missing=rows - types.present,
        types=types,
        numbers=NumberStatistics(
            mean=numbers.mean,
            sum=numbers.sum,
            std_dev=numbers.std_dev,
            low=numbers.low,
            high=numbers.high,
            negative=numbers.negative,
            sketch=(sketch := numbers.sketch()),
            buckets=sketch.buckets(numbers.lowest_finite, numbers.highest_finite),
        )
        if numbers.count and not types.string
        else None,
        texts=TextStatistics(texts.distinct, texts.counts, texts.other) if texts is not None else None,
    )
