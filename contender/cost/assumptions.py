"""What no setting says and the cost depends on, with defaults. Each is an option of `contender cost`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

HOURS_PER_MONTH = 730
"""AWS's own month: a twelfth of a year."""
DAYS_PER_MONTH = HOURS_PER_MONTH / 24
MINUTES_PER_MONTH = HOURS_PER_MONTH * 60


def _assumed(default: float | None, meaning: str) -> Any:
    """A field whose meaning is its option's help."""
    return field(default=default, metadata={"help": meaning})


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Numbers that a month is computed from."""

    requests_per_day: float = _assumed(1_000, "Requests of a dimension, in each stage.")
    request_kb: float = _assumed(2, "Request and answer together.")
    conversions_per_request: float = _assumed(0.1, "Rewards reported to the API.")
    retrainings_per_month: float = _assumed(4, "Uploads that retrain a dimension.")
    minutes_per_job: float = _assumed(5, "Billed for a job, AWS's own start included.")
    challenger_days: float | None = _assumed(None, "A retrained version's rollout takes; computed where not given.")
    rows_per_file: float = _assumed(5_000, "Rows of an uploaded file, also of one to predict.")
    row_bytes: float = _assumed(200, "Size of a row.")
    months_kept: float = _assumed(12, "Uploads, files and what jobs wrote stay in S3.")
    files_per_day: float = _assumed(1, "Files to predict, of a dimension.")
    pushes_per_month: float = _assumed(0, "Pushes that CodePipeline builds; 0: no delivery stack.")
    minutes_per_build: float = _assumed(15, "Billed for a push.")
