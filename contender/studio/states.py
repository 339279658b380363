"""How a state is told: by its word, by a mark and by a colour, never by colour alone.

Words are SageMaker's own, and those of rollouts, roles and alarms.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["good", "bad", "busy", "asks", "quiet"]

MARKS: dict[Kind, str] = {"good": "✓", "bad": "✕", "busy": "◌", "asks": "?", "quiet": "–"}

_KINDS: dict[Kind, tuple[str, ...]] = {
    "good": (
        *("Succeeded", "InService", "Completed", "Approved", "Promoted", "Champion", "OK", "passed", "Active"),
        *("registered", "promote"),
    ),
    "bad": (
        *("Failed", "RolledBack", "Rejected", "ALARM", "failed", "refused", "CompletedWithViolations"),
        *("not shown", "roll back"),
    ),
    "busy": (
        *("Executing", "Starting", "Stopping", "Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"),
        *("InProgress", "Ramping", "Promoting", "Baking", "Deploying", "Challenger"),
    ),
    "asks": (
        *("AwaitingApproval", "Inconclusive", "PendingManualApproval", "Pending", "Paused"),
        "inconclusive",
    ),
}
_BY_WORD = {word: kind for kind, words in _KINDS.items() for word in words}


def kind(word: str) -> Kind:
    """What kind of state a word is; `quiet` for what asks nothing of anyone: Waiting, Skipped, Stopped, Retired,
    INSUFFICIENT_DATA."""
    return _BY_WORD.get(word, "quiet")


def mark(word: str) -> str:
    return MARKS[kind(word)]
