"""The page: every record with its table and figures, in one file that loads nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from contender.report import figures
from contender.report.records import Record
from contender.report.series import Series
from contender.report.template import Picture, filled

COLUMNS = ("requests", "failed", "reward", "reward per request", "right", "AUC", "p50 ms", "p95 ms")


@dataclass(frozen=True, slots=True)
class Row:
    """A variant's figures in the order of COLUMNS."""

    variant: str
    colour: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A record as the page shows it; without requests it has neither rows nor figures."""

    record: Record
    rows: tuple[Row, ...]
    figures: tuple[Picture, ...]


def render(title: str, subtitle: str, records: Sequence[Record]) -> str:
    """The HTML."""
    sections = [_section(record) for record in records]
    return filled("report.html", title=title, about=subtitle, sections=sections, columns=COLUMNS)


def _section(record: Record) -> Section:
    if not record.requests:
        return Section(record, (), ())
    series = Series(record)
    return Section(record, tuple(_rows(series)), tuple(_pictures(series)))


def _rows(series: Series) -> list[Row]:
    rankings = series.rankings()
    arms = series.totals()
    rows = []
    for variant, arm in arms.items():
        latencies = [r.latency_ms for r in series.record.requests if r.variant == variant and r.latency_ms is not None]
        ranking = rankings.get(variant)
        cells = (
            f"{arm.n:,.0f}",
            f"{arm.errors:,.0f}",
            f"{arm.total:,.6g}",
            f"{arm.of(series.record.goal.kind)[0]:.3f}" if arm.n else "",
            f"{ranking.accuracy:.1%}" if ranking else "",
            f"{ranking.auc:.3f}" if ranking and math.isfinite(ranking.auc) else "",
            _quantile(latencies, 0.5),
            _quantile(latencies, 0.95),
        )
        rows.append(Row(variant, figures.colour(series, variant), cells))
    return rows


def _pictures(series: Series) -> list[Picture]:
    goal = series.record.goal
    record = series.record
    pictures = [
        Picture(figures.shares(series), "Shares by which requests were assigned"),
        Picture(figures.reward_rate(series), "Reward per request: so far, and of each tenth of the time (dots)"),
        Picture(figures.cumulative_reward(series), "Cumulative reward"),
        Picture(
            figures.confidence_sequence(series),
            f"{record.challenger} minus {record.champion}: confidence sequence at {1 - goal.alpha:.0%}; "
            "decided when it leaves zero, however often one looks",
        ),
        Picture(figures.posteriors(series), "What is plausible of the reward per request, at four moments"),
    ]
    if series.rankings():
        pictures.append(Picture(figures.confusion(series), "Said at 0.5 and true, of live requests"))
        pictures.append(Picture(figures.roc(series), "ROC of live requests"))
    return pictures


def _quantile(values: Sequence[float], q: float) -> str:
    ordered = sorted(values)
    return f"{ordered[math.ceil(q * len(ordered)) - 1]:.1f}" if ordered else ""
