"""Versions beside one another: which parameters differ, and who has the best figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contender import baselines
from contender.trials.record import Value

BETTER: Mapping[str, Callable[[Sequence[float]], float]] = {
    "evaluation.auc": max,
    "evaluation.accuracy": max,
    "evaluation.log_loss": min,
    "gate.latency_ms": min,
    "gate.size_mb": min,
}
"""Figures of which it is known which is better."""
SHOWN = ("evaluation.", "champion.version", "champion.auc", "difference.auc", *BETTER, "gate.bias")
"""Figures that are shown without being asked for, by how they begin."""

FIRST_RUN = frozenset(f"pipeline.{name}" for check in baselines.CHECKS for name in (check.skip, check.register))
"""Parameters that whoever starts a dimension's first execution sets, because no check has a baseline yet."""


@dataclass(frozen=True, slots=True)
class Column:
    """A version, or a challenger that was refused; `parameters` is None where they were never recorded."""

    head: str
    about: Mapping[str, str | datetime]
    parameters: Mapping[str, Value] | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A field with a value for each column; `best` are the columns that have the best."""

    name: str
    values: tuple[Value | datetime | None, ...]
    best: frozenset[int] = frozenset()

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


def rows(columns: Sequence[Column], *, everything: bool = False) -> Iterator[Row]:
    """What the columns are, the parameters that differ, and their figures; with `everything` all that is known."""
    yield from abouts(columns)
    yield from parameters(columns, everything=everything)
    yield from figures(columns, everything=everything)


def abouts(columns: Sequence[Column]) -> Iterator[Row]:
    for name in _names([column.about for column in columns]):
        yield Row(name, tuple(column.about.get(name) for column in columns))


def parameters(columns: Sequence[Column], *, everything: bool = False) -> Iterator[Row]:
    """Those that differ among the columns of which they are known."""
    for name in _names([column.parameters or {} for column in columns]):
        known = [column.parameters.get(name) for column in columns if column.parameters is not None]
        if everything or (name not in FIRST_RUN and any(value != known[0] for value in known)):
            yield Row(name, tuple((column.parameters or {}).get(name) for column in columns))


def figures(columns: Sequence[Column], *, everything: bool = False) -> Iterator[Row]:
    for name in _names([column.metrics for column in columns]):
        if everything or name.startswith(SHOWN):
            values = tuple(column.metrics.get(name) for column in columns)
            yield Row(name, values, _best(name, values))


def _names(found: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """The keys of all, each once, in the order in which they come."""
    yield from dict.fromkeys(name for each in found for name in each)


def _best(name: str, values: Sequence[float | None]) -> frozenset[int]:
    """Nobody is best alone, nor where all are the same."""
    known = {value for value in values if value is not None}
    if name not in BETTER or len(known) < 2:
        return frozenset()
    best = BETTER[name](sorted(known))
    return frozenset(index for index, value in enumerate(values) if value == best)
