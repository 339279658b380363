"""Names of what a step creates, as AWS makes them: pipelines-<execution>-<step>-<10 random characters>."""

from __future__ import annotations


def resource_name(execution_id: str, step: str, token: str, limit: int, base: str | None = None) -> str:
    """At most `limit` characters of A-Z a-z 0-9 -; the step's name gives way. `base` replaces `pipelines`.

    A tuning job's name has room for 32 characters only, so AWS leaves the first part out there.
    """
    first = [base] if base else ["pipelines"] if limit > 32 else []
    room = limit - sum(len(part) + 1 for part in (*first, execution_id, token))
    middle = step.replace("_", "-")[: max(room, 0)].strip("-")
    return "-".join(part for part in (*first, execution_id, middle, token) if part)[:limit]
