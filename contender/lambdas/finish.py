"""Finishes what deploy began: verifies, tells the registry, cleans up, and deploys whatever waits.

Woken by three kinds of event, each only a hint to look (they come late, repeated and out of order):

    SageMaker Endpoint State Change         the dimension of detail.EndpointName
    SageMaker Model Package State Change    the dimension of detail.ModelPackageGroupName: a late approval deploys.
                                            Our own marks raise this event too; it needs no look then
    Scheduled Event                         every dimension: picks up what was interrupted or whose event was lost,
                                            and deletes the candidates that no execution needs any more

Endpoints and groups that are not this project's are left alone.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3

from contender import candidates, registry
from contender.errors import DeploymentError
from contender.lambdas.log_line import log_line
from contender.lambdas.settings import RolloutSettings
from contender.naming import Names
from contender.registry import Status
from contender.rollout.actions import DeleteModel, describe
from contender.rollout.execute import Apply, Executor
from contender.rollout.tick import Result, reconcile

SWEEP = "Scheduled Event"


def dimensions_of(sagemaker: Any, names: Names, event: Mapping[str, Any]) -> tuple[str, ...]:
    """The dimensions an event asks to look at."""
    if event.get("detail-type") == SWEEP:
        groups = registry.list_groups(sagemaker, f"{names.project}-")
    else:
        detail = event.get("detail", {})
        status = detail.get("ModelLifeCycle", {}).get("StageStatus", Status.PENDING)
        groups = (detail.get("EndpointName") or detail.get("ModelPackageGroupName") or "",)
        if status != Status.PENDING:
            groups = ()
    dimensions = (names.dimension_of(group) for group in groups)
    return tuple(dimension for dimension in dimensions if dimension is not None)


def answer(
    sagemaker: Any, executor: Executor, settings: RolloutSettings, event: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Reconcile each dimension, and raise at the end if one could not be: the others must not wait for it."""
    outcomes: dict[str, dict[str, Any]] = {}
    failures: list[Exception] = []
    for dimension in dimensions_of(sagemaker, settings.names, event):
        try:
            outcomes[dimension] = _outcome(reconcile(sagemaker, executor, settings.names, dimension, settings.policy))
        except Exception as error:
            failures.append(error)
            outcomes[dimension] = {"Error": f"{type(error).__name__}: {error}"}
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise DeploymentError(f"{len(failures)} dimensions could not be reconciled: {outcomes}")
    return outcomes


def forget_candidates(sagemaker: Any, executor: Executor, settings: RolloutSettings, now: datetime) -> tuple[str, ...]:
    """Delete the candidates that nobody needs, and name them."""
    names = candidates.leftovers(sagemaker, settings.names, now)
    for name in names:
        executor.run(DeleteModel(name))
    return names


def finish(
    sagemaker: Any,
    executor: Executor,
    settings: RolloutSettings,
    event: Mapping[str, Any],
    now: datetime,
    line: dict[str, Any],
) -> dict[str, dict[str, Any]]:
    """All that an event asks for, told to `line`; candidates are forgotten even if a dimension cannot be reconciled."""
    try:
        line["dimensions"] = outcomes = answer(sagemaker, executor, settings, event)
        return outcomes
    finally:
        if event.get("detail-type") == SWEEP:
            line["forgotten"] = forget_candidates(sagemaker, executor, settings, now)


def handler(event: Mapping[str, Any], context: object) -> dict[str, dict[str, Any]]:
    with log_line("finish") as line:
        line["event"] = event.get("detail-type")
        settings = RolloutSettings.from_environ(os.environ)
        executor = Apply(_sagemaker(), settings.model_role_arn)
        return finish(_sagemaker(), executor, settings, event, datetime.now(UTC), line)


def _outcome(result: Result) -> dict[str, Any]:
    return {
        "Action": result.plan.outcome.value,
        "Reason": result.plan.reason,
        "Done": [describe(action) for action in result.done],
    }


@functools.cache
def _sagemaker() -> Any:
    return boto3.client("sagemaker")
