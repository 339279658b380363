"""The secondary statuses of a training job, each with its time and message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "Failed": "Training job failed",
}
LAST = frozenset({"Completed", "Failed", "Stopped", "MaxRuntimeExceeded"})


def begin(now: datetime) -> dict[str, Any]:
    """The fields of a new job."""
    return {"SecondaryStatus": "Starting", "SecondaryStatusTransitions": [_entry("Starting", now, None)]}


def move(body: Mapping[str, Any], status: str, now: datetime, message: str | None = None) -> dict[str, Any]:
    """The fields of `body` after the move to `status`; the one before ends now."""
    *before, last = body["SecondaryStatusTransitions"]
    return {
        "SecondaryStatus": status,
        "SecondaryStatusTransitions": [*before, {**last, "EndTime": now}, _entry(status, now, message)],
    }


def _entry(status: str, now: datetime, message: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"Status": status, "StartTime": now, "StatusMessage": message or MESSAGES[status]}
    if status in LAST:
        entry["EndTime"] = now
    return entry
