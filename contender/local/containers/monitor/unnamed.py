"""Captured CSV has no header: its columns get the baseline's names, by position, as AWS's image gives them.

So a baseline of training data, whose label comes first, fits what an endpoint captured, whose answer does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

import pyarrow

from contender.local.containers.monitor.profile import Read

UNNAMED = re.compile(r"_c\d+")


def named(read: Read, names: Sequence[str]) -> Read:
    """Reads the same rows; those that have a name of their own in any column stay as they are."""
    new = {f"_c{place}": name for place, name in enumerate(names)}
    old = {name: unnamed for unnamed, name in new.items()}

    def again(only: Collection[str] | None) -> Iterator[pyarrow.RecordBatch]:
        for batch in read(None if only is None else {*only, *(old[name] for name in only if name in old)}):
            if all(map(UNNAMED.fullmatch, batch.schema.names)):
                yield batch.rename_columns([new.get(name, name) for name in batch.schema.names])
            else:
                yield batch

    return again


def without(read: Read, names: Collection[str]) -> Read:
    """Reads the same rows without the columns of these names."""

    def again(only: Collection[str] | None) -> Iterator[pyarrow.RecordBatch]:
        for batch in read(only):
            yield batch.select([name for name in batch.schema.names if name not in names])

    return again
