"""What must not get worse, whatever the goal says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Action = Literal["roll_back", "hold", "warn"]


@dataclass(frozen=True, slots=True)
class Guardrail:
    """How much worse than the champion a challenger may be, and what is done about one that is worse still.

    metric and limit: `error_rate`, the share of failed requests above the champion's (0.01 is one point);
    `latency_p95`, times the champion's 95th percentile; `reward:<name>`, reward per request below the champion's.
    minimum_sample: requests the challenger answers before this is asked.
    alpha: probability that a challenger within the limit is ever taken for one beyond it.
    """

    metric: str
    limit: float
    action: Action = "roll_back"
    minimum_sample: int = 100
    alpha: float = 0.05
