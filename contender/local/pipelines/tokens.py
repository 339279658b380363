"""ClientRequestTokens: an operation that is asked for twice with one token happens once."""

from __future__ import annotations

from contender.local.context import Context
from contender.local.store import Filter

KIND = "pipeline-token"


def find(context: Context, subject: str, token: str) -> str | None:
    """The ARN that the operation on that subject answered to this token, if it did."""
    found = context.store.find(KIND, f"{subject}/{token}")
    return found["Arn"] if found else None


def keep(context: Context, subject: str, token: str, arn: str) -> None:
    """Remember the answer, inside the transaction that did the work."""
    body = {"Arn": arn, "Token": token}
    context.store.insert(KIND, f"{subject}/{token}", body, now=context.clock(), parent=subject)


def forget(context: Context, *subjects: str) -> None:
    """The things of these subjects are gone: their tokens may do new work."""
    for subject in subjects:
        for entry in context.store.page(KIND, Filter(parent=subject)):
            context.store.delete(KIND, f"{subject}/{entry['Token']}")
