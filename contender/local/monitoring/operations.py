"""The operations on monitoring schedules, their executions and their job definitions."""

from __future__ import annotations

from contender.local.api.operations import Handler, merge
from contender.local.monitoring import definitions, executions, schedules

OPERATIONS: dict[str, Handler] = merge(definitions.OPERATIONS, executions.OPERATIONS, schedules.OPERATIONS)
