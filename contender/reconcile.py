"""Bring one dimension's endpoint to what the registry wants, and the registry to what really serves.

    read versions and endpoint ─► plan ─► execute ─► read again … until there is nothing to do, or AWS is busy

Deploy and finish run the same loop. It keeps nothing between two calls: whatever was done or left undone is read
back from AWS, so it may be killed anywhere, run twice, run twice at once, or be woken by late and repeated events.
The rules of `plan`, the first that applies:

1. The endpoint is changing: wait, its state-change event wakes us.
2. A version is settled by what serves. On the endpoint with its own model: InService, and Champion if there is none.
   Marked Deploying, and the endpoint changed since without it (SageMaker rolls back silently and stays InService on
   the old config) or failed: Failed, with the reason. Marked, but the endpoint did not change since: Pending again.
3. A challenger that is no longer on the endpoint: Retired/Removed.
4. The oldest pending version goes next, one at a time, so that a failure is the failure of one version.

Only when none applies, nothing is under way, and then what no longer serves is deleted (`plan_cleanup`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from contender import endpoints, registry
from contender.endpoints import (
    SHARE_DIGITS,
    Action,
    CreateConfig,
    CreateEndpoint,
    CreateModel,
    DeleteConfig,
    DeleteEndpoint,
    DeleteModel,
    Executor,
    MarkVersion,
    Overtaken,
    Refused,
    Serving,
    Slot,
    UpdateEndpoint,
    Variant,
)
from contender.naming import Names, variant_name
from contender.registry import Role, Status, Version

MAX_PASSES = 25


class Outcome(StrEnum):
    CREATED = "created"
    UPDATING = "updating"
    WAITING = "waiting"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Policy:
    """How new versions enter the endpoint."""

    challenger_share: float
    max_challengers: int
    instance_type: str
    instance_count: int


@dataclass(frozen=True, slots=True)
class View:
    """What is known of a dimension at one moment."""

    names: Names
    dimension: str
    versions: tuple[Version, ...]
    serving: Serving | None

    @property
    def endpoint(self) -> str:
        return self.names.endpoint(self.dimension)

    def slot(self, version: Version) -> Slot | None:
        """The slot in which the endpoint serves this version's own model. A config deleted meanwhile names no model."""
        if self.serving is None or not self.serving.in_service:
            return None
        slot = self.serving.slot(variant_name(version.number))
        own = ("", self.names.model(self.dimension, version.number))
        return slot if slot is not None and slot.model in own else None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now; `subject` is the version that a refusal is the failure of."""

    outcome: Outcome
    actions: tuple[Action, ...] = ()
    subject: Version | None = None
    config: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """How a reconcile ended: the last plan, what the last reading showed, and all that was done on the way."""

    plan: Plan
    view: View
    done: tuple[Action, ...]


def read(sagemaker: Any, names: Names, dimension: str) -> View:
    """Versions are read before the endpoint: a change that another run makes in between is then seen as under way
    or done, never as one that was marked and did not happen."""
    versions = registry.list_versions(sagemaker, names.group(dimension))
    return View(names, dimension, versions, endpoints.read(sagemaker, names.endpoint(dimension)))


def reconcile(sagemaker: Any, executor: Executor, names: Names, dimension: str, policy: Policy) -> Result:
    """Repeat read, plan, execute until a change is under way or nothing is left to do.

    A plan that comes up twice in a row made no difference (always so in a dry run), which ends it too.
    """
    done: list[Action] = []
    previous: Plan | None = None
    for _ in range(MAX_PASSES):
        view = read(sagemaker, names, dimension)
        step = plan(view, policy)
        if step.outcome is Outcome.UNCHANGED and not step.actions and view.serving and view.serving.in_service:
            step = plan_cleanup(view, *endpoints.leftovers(sagemaker, names, dimension))
        if not step.actions or step == previous:
            break
        performed, completed = _execute(executor, step)
        done += performed
        if completed and step.outcome in (Outcome.CREATED, Outcome.UPDATING):
            return Result(step, view, tuple(done))
        previous = step
    if step.actions:
        step = replace(step, outcome=Outcome.WAITING, reason=step.reason or "somebody else keeps changing the endpoint")
    return Result(step, view, tuple(done))


def plan(view: View, policy: Policy) -> Plan:
    """The next change to a dimension, by the rules above."""
    serving = view.serving
    if serving is not None and serving.busy:
        return Plan(Outcome.WAITING, config=serving.target, reason=f"endpoint {serving.name} is {serving.status}")
    if marks := (*_settle(view), *_retire(view)):
        return Plan(Outcome.UNCHANGED, marks)
    following = next((version for version in view.versions if version.deployable), None)
    config = serving.config if serving else ""
    if following is None:
        return Plan(Outcome.UNCHANGED, config=config)
    if serving is None:
        return _creation(view, registry.champion(view.versions) or following, policy)
    if serving.status == "Failed":
        return Plan(Outcome.WAITING, (DeleteEndpoint(serving.name),), reason=f"endpoint {serving.name} had failed")
    if not serving.in_service:
        reason = f"endpoint {serving.name} is {serving.status}: it needs a person, delete or repair it"
        return Plan(Outcome.WAITING, config=config, reason=reason)
    return _addition(view, serving, following, policy)


def plan_cleanup(view: View, configs: Mapping[str, datetime], models: Collection[str]) -> Plan:
    """Delete what only past rollouts used. Call it for a view that has nothing under way.

    A config newer than the serving one may be that of an update about to start elsewhere, so it stays until the next
    success. A model goes when its version has left or failed and the serving config does not name it.
    """
    serving = view.serving
    if serving is None or serving.config_created_at is None:
        return Plan(Outcome.UNCHANGED)
    born = serving.config_created_at
    past = [name for name, created in configs.items() if name != serving.config and created < born]
    in_use = {slot.model for slot in serving.slots}
    gone = {
        view.names.model(view.dimension, version.number)
        for version in view.versions
        if version.role is Role.RETIRED or version.status is Status.FAILED
    }
    actions: list[Action] = [DeleteConfig(name) for name in sorted(past)]
    actions += [DeleteModel(name) for name in sorted(models) if name in gone and name not in in_use]
    return Plan(Outcome.UNCHANGED, tuple(actions), config=serving.config)


def shares(live: Mapping[int, float], champion: int, newcomer: int, policy: Policy) -> dict[int, float]:
    """Shares after a newcomer joins, by version; they sum to 1.

    `live` holds the shares of champion and challengers now. Challengers keep theirs, the champion gives the
    newcomer's, but never more than half of what it has. Beyond the allowed number the oldest challengers leave
    and the champion takes over their shares.
    """
    challengers = sorted(version for version in live if version not in (champion, newcomer))
    staying = challengers[max(0, len(challengers) + 1 - policy.max_challengers) :]
    kept = {version: round(live[version], SHARE_DIGITS) for version in staying}
    held = 1.0 - sum(kept.values())
    given = round(policy.challenger_share if policy.challenger_share < held else held / 2, SHARE_DIGITS)
    return {champion: round(held - given, SHARE_DIGITS), **kept, newcomer: given}


def _settle(view: View) -> tuple[Action, ...]:
    serving = view.serving
    champion = registry.champion(view.versions)
    marks: list[Action] = []
    for version in view.versions:
        if version.status not in (Status.PENDING, Status.DEPLOYING):
            continue
        if serving is not None and (slot := view.slot(version)):
            champion = champion or version
            role = Role.CHAMPION if champion.number == version.number else Role.CHALLENGER
            reason = f"came into service as {slot.variant} with {slot.share:.1%}, endpoint config {serving.config}"
            marks.append(_mark(version, role, Status.IN_SERVICE, reason))
        elif version.status is Status.DEPLOYING:
            marks.append(_unserved(version, serving))
    return tuple(marks)


def _unserved(version: Version, serving: Serving | None) -> Action:
    """A version that was to serve and does not: it failed, or the change never began.

    The change begins after the mark, so an endpoint last modified before the mark was never changed. Both times are
    SageMaker's own.
    """
    if serving is None or (version.changed_at is not None and serving.modified_at < version.changed_at):
        return _mark(version, version.role, Status.PENDING, "the deployment was interrupted before it began")
    logs = f"see log group /aws/sagemaker/Endpoints/{serving.name}"
    if serving.in_service:
        why = serving.failure or f"SageMaker gave no reason, {logs}"
        reason = f"rolled back to endpoint config {serving.config}: {why}"
    else:
        reason = f"endpoint {serving.name} is {serving.status}: {serving.failure or logs}"
    return _mark(version, version.role, Status.FAILED, reason)


def _retire(view: View) -> tuple[Action, ...]:
    serving = view.serving
    if serving is None or not serving.in_service:
        return ()
    return tuple(
        _mark(version, Role.RETIRED, Status.REMOVED, f"no longer on the endpoint, which serves {serving.config}")
        for version in view.versions
        if version.role is Role.CHALLENGER and version.status is Status.IN_SERVICE and view.slot(version) is None
    )


def _creation(view: View, version: Version, policy: Policy) -> Plan:
    """An endpoint with one variant: the champion if there was one before the endpoint went, else the first version."""
    variants, config = _config(view, {version.number: 1.0}, policy)
    return Plan(
        Outcome.CREATED,
        (
            CreateModel(view.names.model(view.dimension, version.number), version.arn),
            CreateConfig(config, variants),
            _mark(version, version.role, Status.DEPLOYING, f"alone, with endpoint config {config}"),
            CreateEndpoint(view.endpoint, config),
        ),
        subject=version,
        config=config,
    )


def _addition(view: View, serving: Serving, version: Version, policy: Policy) -> Plan:
    champion = registry.champion(view.versions)
    live = serving.live_shares()
    if champion is None:
        wanted = {version.number: 1.0}
    else:
        known = {
            other.number
            for other in view.versions
            if other.role is Role.CHALLENGER and other.status is Status.IN_SERVICE
        }
        kept = {number: share for number, share in live.items() if number in known}
        wanted = shares(kept, champion.number, version.number, policy)
    variants, config = _config(view, wanted, policy)
    absent = [other for other in view.versions if other.number in wanted and view.slot(other) is None]
    return Plan(
        Outcome.UPDATING,
        (
            *(CreateModel(view.names.model(view.dimension, other.number), other.arn) for other in absent),
            CreateConfig(config, variants),
            _mark(version, version.role, Status.DEPLOYING, f"with endpoint config {config}"),
            UpdateEndpoint(view.endpoint, config),
        ),
        subject=version,
        config=config,
    )


def _config(view: View, wanted: Mapping[int, float], policy: Policy) -> tuple[tuple[Variant, ...], str]:
    variants = tuple(
        Variant(
            variant_name(number),
            view.names.model(view.dimension, number),
            share,
            policy.instance_type,
            policy.instance_count,
        )
        for number, share in sorted(wanted.items())
    )
    return variants, view.names.config(view.dimension, (variant.content for variant in variants))


def _execute(executor: Executor, step: Plan) -> tuple[list[Action], bool]:
    """Run a plan's actions in order; what was done, and whether that was all of them.

    A refusal is the failure of the version it was about. When somebody else was faster, the version waits again
    and the next reading decides.
    """
    done: list[Action] = []
    for action in step.actions:
        try:
            executor.run(action)
        except Refused as error:
            if step.subject is None:
                raise
            after = _mark(step.subject, step.subject.role, Status.FAILED, str(error))
        except Overtaken:
            if step.subject is None or isinstance(action, MarkVersion):
                return done, False
            after = _mark(step.subject, step.subject.role, Status.PENDING, "waits for the endpoint's current change")
        else:
            done.append(action)
            continue
        executor.run(after)
        return [*done, after], False
    return done, True


def _mark(version: Version, role: Role, status: Status, reason: str) -> MarkVersion:
    return MarkVersion(version.number, version.arn, role, status, reason)
