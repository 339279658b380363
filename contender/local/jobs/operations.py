"""The operations of all kinds of job."""

from __future__ import annotations

from contender.local.api.operations import Handler, merge
from contender.local.jobs import processing, training, transform, tuning

OPERATIONS: dict[str, Handler] = merge(
    processing.OPERATIONS, training.OPERATIONS, tuning.OPERATIONS, transform.OPERATIONS
)
