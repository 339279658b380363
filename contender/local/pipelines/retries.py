"""Retry policies: which failures of a step are tried again, after how long, and how often.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SERVICE_FAULT = "Step.SERVICE_FAULT"
THROTTLING = "Step.THROTTLING"
JOB_INTERNAL_ERROR = "SageMaker.JOB_INTERNAL_ERROR"
CAPACITY_ERROR = "SageMaker.CAPACITY_ERROR"
RESOURCE_LIMIT = "SageMaker.RESOURCE_LIMIT"
EXCEPTION_TYPES = (SERVICE_FAULT, THROTTLING, JOB_INTERNAL_ERROR, CAPACITY_ERROR, RESOURCE_LIMIT)

MAX_ATTEMPTS = 20
MAX_EXPIRE_AFTER_MIN = 14_400


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Tries again after `interval_s`, then `backoff_rate` times as long each time, until a limit is reached."""

    exception_types: frozenset[str]
    interval_s: float = 1.0
    backoff_rate: float = 2.0
    max_attempts: int | None = None
    expire_after_min: float | None = None

    def delay_s(self, attempt: int, elapsed_s: float) -> float | None:
        """Seconds to wait before the retry that follows attempt number `attempt`; None once a limit is reached."""
        if self.max_attempts is not None and attempt > self.max_attempts:
            return None
        delay_s = float(self.interval_s * self.backoff_rate ** (attempt - 1))
        if self.expire_after_min is not None and elapsed_s + delay_s > self.expire_after_min * 60:
            return None
        return delay_s


# AWS retries these two without being asked; a policy of the step's own replaces it.
DEFAULT = RetryPolicy(frozenset({SERVICE_FAULT, THROTTLING}), max_attempts=3)


def next_delay_s(
    policies: Sequence[RetryPolicy], exception_type: str | None, attempt: int, elapsed_s: float
) -> float | None:
    """How long to wait before trying again, by the first policy that names the failure; None to give up."""
    for policy in (*policies, DEFAULT):
        if exception_type in policy.exception_types:
            return policy.delay_s(attempt, elapsed_s)
    return None


def of_job(failure_reason: str) -> str | None:
    """The exception type of a job that failed for this reason; None for a fault of the job's own code."""
    for start, exception_type in (
        ("InternalServerError", JOB_INTERNAL_ERROR),
        ("CapacityError", CAPACITY_ERROR),
        ("InsufficientCapacity", CAPACITY_ERROR),
        ("ResourceLimitExceeded", RESOURCE_LIMIT),
    ):
        if failure_reason.startswith(start):
            return exception_type
    return None


def of_call(code: str, status: int) -> str | None:
    """The exception type of a refused API call; None for a request that is wrong and stays wrong."""
    if code == "ResourceLimitExceeded":
        return RESOURCE_LIMIT
    if code in ("ThrottlingException", "Throttling", "TooManyRequestsException"):
        return THROTTLING
    return SERVICE_FAULT if status == 500 or status > 501 else None


def parse(body: Any) -> tuple[RetryPolicy | None, list[str]]:
    """One entry of RetryPolicies, or what is wrong with it."""
    if not isinstance(body, dict):
        return None, ["a retry policy is an object"]
    problems = [
        f"{name}: there is no such field"
        for name in body.keys() - {"ExceptionType", "IntervalSeconds", "BackoffRate", "MaxAttempts", "ExpireAfterMin"}
    ]
    types = body.get("ExceptionType")
    if not isinstance(types, list) or not types or set(map(str, types)) - set(EXCEPTION_TYPES):
        problems.append(f"ExceptionType: {types!r} is not a list out of {', '.join(EXCEPTION_TYPES)}")
    problems += [
        f"{name}: {body[name]!r} is not a number of at least 0"
        for name in ("IntervalSeconds", "BackoffRate")
        if name in body and not _is_number(body[name], 0)
    ]
    limits = [
        ("MaxAttempts", MAX_ATTEMPTS),
        ("ExpireAfterMin", MAX_EXPIRE_AFTER_MIN),
    ]
    given = [(name, top) for name, top in limits if name in body]
    if len(given) != 1:
        problems.append("a retry policy has either MaxAttempts or ExpireAfterMin")
    problems += [
        f"{name}: {body[name]!r} is not a number from 1 to {top}"
        for name, top in given
        if not _is_number(body[name], 1) or body[name] > top
    ]
    if problems:
        return None, problems
    return (
        RetryPolicy(
            frozenset(body["ExceptionType"]),
            body.get("IntervalSeconds", 1.0),
            body.get("BackoffRate", 2.0),
            body.get("MaxAttempts"),
            body.get("ExpireAfterMin"),
        ),
        [],
    )


def _is_number(value: Any, least: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= least
