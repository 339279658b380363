"""The rollout controllers of a project, made of what the stack tells a function: one for each stage."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config

from contender.errors import NotFoundError, SettingsError
from contender.lambdas.settings import RolloutSettings
from contender.measurements.store import Store
from contender.rollout.execute import Apply
from contender.rollout.hooks import LambdaHooks
from contender.rollout.ledger import Ledger
from contender.rollout.observe import Sight
from contender.rollout.spec import Spec
from contender.rollout.sweep import THREADS
from contender.rollout.tick import Controller
from contender.stages import StageVersions

CAPTURED = "capture"
"""Where in the bucket of artifacts endpoints keep what they are asked and answer, each in a folder of its name."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients of AWS; `hooks` makes one of Lambda that waits so many seconds for an answer.

    `scaling` is None where no variant is scaled automatically.
    """

    sagemaker: Any
    dynamodb: Any
    cloudwatch: Any
    hooks: Callable[[float], Any]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    scaling: Any = None


def controllers(settings: RolloutSettings, clients: Clients) -> tuple[Controller, ...]:
    """One for each stage, in the order that versions go through them; SettingsError where none has settings."""
    names = settings.names
    ledger = Ledger(clients.dynamodb, names.table("rollouts"))
    store = Store(clients.dynamodb, names.table("experiments")) if settings.experiments else None
    ask = LambdaHooks(clients.hooks)
    made = []
    for spec in in_order(ledger.specs()):
        versions = StageVersions(clients.sagemaker, clients.dynamodb, names.at(spec.stage), spec.follows, clients.clock)
        sight = Sight(
            clients.sagemaker,
            clients.cloudwatch,
            versions,
            store,
            capture_uri=f"s3://{settings.artifact_bucket}/{CAPTURED}",
        )
        executor = Apply(clients.sagemaker, settings.model_role_arn, versions, store, clients.scaling)
        made.append(Controller(spec, sight, ledger, executor, ask, clients.clock))
    if not made:
        raise SettingsError(f"table {names.table('rollouts')} has no settings of rollouts: deploy the project again")
    return tuple(made)


def of_stage(made: Sequence[Controller], stage: str) -> Controller:
    for controller in made:
        if controller.spec.stage == stage:
            return controller
    known = ", ".join(repr(controller.spec.stage) for controller in made)
    raise NotFoundError(f"there is no stage {stage!r}, only {known}: add it to contender.yaml and deploy again")


def in_order(specs: Mapping[str, Spec]) -> tuple[Spec, ...]:
    """The first stage first, then whichever follows it."""
    following = {spec.follows.stage if spec.follows else None: spec for spec in specs.values()}
    found: list[Spec] = []
    spec = following.get(None)
    while spec is not None and spec not in found:
        found.append(spec)
        spec = following.get(spec.stage)
    return tuple(found)


@functools.cache
def from_environment() -> tuple[RolloutSettings, Clients]:
    """Settings and clients of this function; the connections are kept from one event to the next."""
    settings = RolloutSettings.from_environ(os.environ)
    many = Config(max_pool_connections=2 * THREADS, retries={"max_attempts": 8, "mode": "standard"})
    return settings, Clients(
        sagemaker=boto3.client("sagemaker", config=many),
        dynamodb=boto3.client("dynamodb", config=many),
        cloudwatch=boto3.client("cloudwatch", config=many),
        hooks=_lambda_client,
        scaling=boto3.client("application-autoscaling", config=many) if settings.autoscaling else None,
    )


@functools.cache
def _lambda_client(timeout_s: float) -> Any:
    """A call that took too long is not made again: the function may have done something."""
    return boto3.client("lambda", config=Config(read_timeout=timeout_s, retries={"total_max_attempts": 1}))
