"""What to do next about one dimension: its versions and its endpoint in, instructions out.

The rules, the first that applies:

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
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contender import registry
from contender.endpoints import SHARE_DIGITS, Serving, Slot
from contender.naming import Names, variant_name
from contender.registry import Role, Status, Version
from contender.rollout.actions import (
    Action,
    CreateConfig,
    CreateEndpoint,
    CreateModel,
    DeleteConfig,
    DeleteEndpoint,
    DeleteModel,
    MarkVersion,
    UpdateEndpoint,
    Variant,
)


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
            marks.append(mark(version, role, Status.IN_SERVICE, reason))
        elif version.status is Status.DEPLOYING:
            marks.append(_unserved(version, serving))
    return tuple(marks)


def _unserved(version: Version, serving: Serving | None) -> Action:
    """A version that was to serve and does not: it failed, or the change never began.

    The change begins after the mark, so an endpoint last modified before the mark was never changed. Both times are
    SageMaker's own.
    """
    if serving is None or (version.changed_at is not None and serving.modified_at < version.changed_at):
        return mark(version, version.role, Status.PENDING, "the deployment was interrupted before it began")
    logs = f"see log group /aws/sagemaker/Endpoints/{serving.name}"
    if serving.in_service:
        why = serving.failure or f"SageMaker gave no reason, {logs}"
        reason = f"rolled back to endpoint config {serving.config}: {why}"
    else:
        reason = f"endpoint {serving.name} is {serving.status}: {serving.failure or logs}"
    return mark(version, version.role, Status.FAILED, reason)


def _retire(view: View) -> tuple[Action, ...]:
    serving = view.serving
    if serving is None or not serving.in_service:
        return ()
    return tuple(
        mark(version, Role.RETIRED, Status.REMOVED, f"no longer on the endpoint, which serves {serving.config}")
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
            mark(version, version.role, Status.DEPLOYING, f"alone, with endpoint config {config}"),
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
            mark(version, version.role, Status.DEPLOYING, f"with endpoint config {config}"),
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


def mark(version: Version, role: Role, status: Status, reason: str) -> MarkVersion:
    return MarkVersion(version.number, version.arn, role, status, reason)
