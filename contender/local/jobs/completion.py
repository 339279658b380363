"""When a tuning job has done enough: its completion criteria, and its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from contender.local.jobs.trials import Objective

SIGNIFICANT = 0.01
"""AWS counts a training job as an improvement when it is better than all before it by one per cent."""


class Completion:
    """Told how each training job ended; knows whether another one should start."""

    def __init__(self, config: Mapping[str, Any], monotonic_s: Callable[[], float] = time.monotonic) -> None:
        criteria = config.get("TuningJobCompletionCriteria", {})
        self.runtime_s: int | None = config["ResourceLimits"].get("MaxRuntimeInSeconds")
        self._monotonic_s = monotonic_s
        self._started_s = monotonic_s()
        self._target: float | None = criteria.get("TargetObjectiveMetricValue")
        self._patience: int | None = criteria.get("BestObjectiveNotImproving", {}).get(
            "MaxNumberOfTrainingJobsNotImproving"
        )
        self._best: float | None = None
        self._not_improving = 0
        self._is_target_reached = False

    @property
    def has_result(self) -> bool:
        """Whether a training job completed with an objective."""
        return self._best is not None

    @property
    def is_late(self) -> bool:
        """Nothing may run any longer."""
        return self.runtime_s is not None and self._monotonic_s() - self._started_s > self.runtime_s

    @property
    def is_enough(self) -> bool:
        """Nothing more should start."""
        tired = self._patience is not None and self.has_result and self._not_improving >= self._patience
        return self._is_target_reached or tired or self.is_late

    def note(self, objective: Objective, value: float | None) -> None:
        """A training job ended, with this objective; None if it failed or was stopped."""
        self._not_improving += 1
        if value is None:
            return
        goodness, best = objective.goodness(value), self._best
        if best is None or (goodness > best and goodness - best >= SIGNIFICANT * abs(best)):
            self._not_improving = 0
        self._best = goodness if best is None else max(best, goodness)
        if self._target is not None and goodness >= objective.goodness(self._target):
            self._is_target_reached = True
