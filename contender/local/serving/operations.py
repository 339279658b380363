"""The operations on endpoints and their configs."""

from __future__ import annotations

from contender.local.api.operations import Handler, merge
from contender.local.serving import endpoint_configs, endpoints

OPERATIONS: dict[str, Handler] = merge(endpoint_configs.OPERATIONS, endpoints.OPERATIONS)
