"""Rollouts: the tick that looks at every dimension once a minute, and what it reads."""

from __future__ import annotations

from collections.abc import Iterator

from contender.cost.assumptions import MINUTES_PER_MONTH
from contender.cost.case import Case, Line
from contender.cost.serving import challengers

PART = "rollouts"
TICK_MS = 500
TICK_MS_PER_ENDPOINT = 20
"""Most of it waiting for AWS, sixteen dimensions at once."""
TICK_MB = 512
READS = 2
"""Of an endpoint, a tick: its state, and the counts under way."""
METRICS = 2
"""Requests and failures of a variant, which CloudWatch is asked for where no API counts them."""


def lines(case: Case) -> Iterator[Line]:
    ms = TICK_MS + TICK_MS_PER_ENDPOINT * case.endpoints
    yield from case.computing(PART, "tick", MINUTES_PER_MONTH, ms, TICK_MB)
    yield case.line(PART, "reads of states and counts", MINUTES_PER_MONTH * case.endpoints * READS, "table_reads")
    if not case.settings.experiment.enabled:
        asked = sum(_asked(challengers(stage, case.assumed)) for _, stage in case.settings.stages_in_order)
        yield case.line(
            PART,
            "metrics of rollouts under way",
            MINUTES_PER_MONTH * case.dimensions * asked,
            "metric_reads",
            lower="shorter rollouts, or experiment.enabled, which counts without CloudWatch",
        )


def _asked(beside: float) -> float:
    """Metrics that a tick asks of a dimension, on average: of each challenger, and of the champion while there are
    any."""
    return METRICS * (beside + min(1.0, beside))
