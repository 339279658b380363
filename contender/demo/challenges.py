"""Three dimensions whose challengers all pass the offline gate, and are better, equal and worse where it counts.

The gate compares challenger and champion on held-out rows of the upload. It cannot know whether that upload looks like
the customers of today; only their answers to live requests can. `drift` (see `contender/sample_data.py`) makes such an
upload: rows of customers who leave for other reasons.

    better   the champion learned from last year's customers, the challenger from today's
    equal    the challenger learned from the champion's rows and a few more
    worse    the challenger's upload is an old export: it is judged on held-out rows that are as old
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from contender.demo.main_job import Uploads
from contender.sample_data import COLUMNS, generate

LABEL, POSITIVE, PHONE = "Churn?", "True.", "Phone"
LAST_YEAR = 0.45
OLD_EXPORT = 0.85
MORE_ROWS = 0.1
"""Of the rows that are there, in an upload that hardly differs."""


class Truth(StrEnum):
    """What a challenger is against its champion, for the customers of today."""

    BETTER = "better"
    EQUAL = "equal"
    WORSE = "worse"


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody about whom the application asks: one raw row without label, and whether they will leave."""

    user: str
    row: str
    leaves: bool


@dataclass(frozen=True, slots=True)
class Challenge:
    """A dimension of the demo: its two uploads, today's customers, and what is true of the challenger."""

    dimension: str
    truth: Truth
    story: str
    uploads: Uploads
    customers: tuple[Customer, ...]


STORIES = {
    Truth.BETTER: "the champion learned from last year's customers, the challenger from today's",
    Truth.EQUAL: "the challenger learned from the champion's rows and a few more",
    Truth.WORSE: "the challenger learned from an old export, uploaded by mistake",
}


def challenges(rows: int, customers: int, seed: int) -> tuple[Challenge, ...]:
    """region-1 better, region-2 equal, region-3 worse; the same arguments give the same bytes.

    `rows` are of each first upload; `customers` is how many people of each dimension may send requests.
    """
    return tuple(
        Challenge(
            dimension,
            truth,
            STORIES[truth],
            _uploads(dimension, truth, rows, seed),
            _customers(generate(dimension, customers, seed + 2)),
        )
        for dimension, truth in zip(("region-1", "region-2", "region-3"), Truth, strict=True)
    )


def _uploads(dimension: str, truth: Truth, rows: int, seed: int) -> Uploads:
    if truth is Truth.EQUAL:
        first = generate(dimension, rows, seed)
        second = [*first, *generate(dimension, max(100, int(MORE_ROWS * rows)), seed + 1)]
    else:
        first = generate(dimension, rows, seed, LAST_YEAR if truth is Truth.BETTER else 0.0)
        second = generate(dimension, rows, seed + 1, OLD_EXPORT if truth is Truth.WORSE else 0.0)
    return Uploads((f"churn-{seed}.csv", _csv(first)), (f"churn-{seed + 1}.csv", _csv(second)))


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue().encode()


def _customers(rows: Sequence[Sequence[str]]) -> tuple[Customer, ...]:
    label, phone = COLUMNS.index(LABEL), COLUMNS.index(PHONE)
    return tuple(
        Customer(
            user=row[phone],
            row=",".join([*row[:label], *row[label + 1 :]]),
            leaves=row[label] == POSITIVE,
        )
        for row in rows
    )
