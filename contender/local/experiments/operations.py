"""The operations of experiments, trials and trial components."""

from __future__ import annotations

from contender.local.api.operations import Handler, merge
from contender.local.experiments import components, experiments, search, trials

OPERATIONS: dict[str, Handler] = merge(
    experiments.OPERATIONS, trials.OPERATIONS, components.OPERATIONS, search.OPERATIONS
)
