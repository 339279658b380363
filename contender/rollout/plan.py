"""What to do next about one dimension: what its state wants and what is there go in, instructions come out.

The order, for an endpoint in service:

1. Away from a variant: the API sends it nobody any more. This needs no endpoint, so it does not wait for one.
2. Versions on their way are settled by what serves. Marked Deploying and on the endpoint with its own model:
   InService. Marked, and the endpoint changed since without it (SageMaker rolls back silently and stays InService on
   the old config) or failed: Failed, with the reason. Marked, but the endpoint did not change since: Pending again.
3. Shares of variants that serve are shifted, then published.
4. The registry is told: the new champion before the old one is retired, so that a reader never sees none.
5. The oldest version that is wanted and missing joins, without traffic; variants that nobody wants and that have no
   share leave with the same update. One version at a time, so that a failure is the failure of one version.
6. What no longer serves is deleted (`cleanup`), and other instances are taken over (`renewal`).

An endpoint that is changing is waited for. Each plan ends with the first change of the endpoint, which is verified by
making the next plan from what serves then. So a tick may be killed between any two instructions, and run twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from contender.endpoints import SHARE_DIGITS, Serving
from contender.measurements.settings import Owner
from contender.naming import parse_variant, variant_name
from contender.registry import Role, Status, Version
from contender.rollout.actions import (
    Action,
    Capture,
    CreateConfig,
    CreateEndpoint,
    CreateModel,
    DeleteConfig,
    DeleteEndpoint,
    DeleteModel,
    MarkVersion,
    PublishShares,
    ShiftShares,
    UpdateEndpoint,
    Variant,
)
from contender.rollout.spec import Spec
from contender.rollout.state import Phase, State
from contender.rollout.view import View

SAME_SHARE = 5e-6
UNUSED_FOR = timedelta(hours=1)
"""An endpoint config that nothing serves and nobody has begun to use by then belongs to no update."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now.

    `changes`: it ends with a change of the endpoint, which takes its time. `subject` is the version that a refusal is
    the failure of; `reason` says what is waited for when there is nothing to do yet.
    """

    actions: tuple[Action, ...] = ()
    changes: bool = False
    subject: Version | None = None
    reason: str = ""


def plan(spec: Spec, state: State, view: View) -> Plan:
    """The next change to a dimension, in the order above."""
    serving = view.serving
    publishing = _published(spec, state, view)
    if serving is None:
        barred = tuple(_barred(state, view))
        return Plan(barred) if barred else _creation(spec, state, view)
    if serving.busy:
        return Plan(publishing, reason=f"endpoint {serving.name} is {serving.status}")
    settling = tuple(_settled(state, view))
    if serving.status == "Failed":
        again = tuple(_to_serve_again(state, view, serving))
        return Plan(
            (*settling, *again, DeleteEndpoint(serving.name)), True, reason=f"endpoint {serving.name} had failed"
        )
    if not serving.in_service:
        return Plan(settling, reason=f"endpoint {serving.name} is {serving.status}: it needs a person")
    if shift := _shift(state, view):
        first, last = (publishing, ()) if _leaves_a_variant(state, view) else ((), publishing)
        return Plan((*first, *settling, shift, *last), True)
    if told := (*publishing, *settling, *_roles(state, view)):
        return Plan(told)
    return _membership(spec, state, view, serving)


def trouble(state: State, view: View) -> str:
    """Why the endpoint of a champion can neither be served by nor changed until a person does something; or "".

    One that has failed is made again.
    """
    serving = view.serving
    if serving is None:
        lacks = state.served and not _is_to_be_made(state, view)
        return f"endpoint {view.endpoint} was deleted: the next version to come makes it again" if lacks else ""
    if serving.busy or serving.in_service or serving.status == "Failed":
        return ""
    return f"endpoint {serving.name} is {serving.status}, it needs a person" + (
        f": {serving.failure}" if serving.failure else ""
    )


def failures(view: View) -> dict[int, str]:
    """Versions that were to come into service and did not, or never can, with the reason."""
    serving = view.serving
    if serving is None or serving.busy:
        return dict(view.refused)
    return dict(view.refused) | {
        version.number: _failure(serving)
        for version in view.versions
        if version.status is Status.DEPLOYING and not _came(view, version) and not _never_began(serving, version)
    }


def cleanup(view: View, configs: Mapping[str, datetime], models: Collection[str], now: datetime) -> tuple[Action, ...]:
    """Delete what only past changes used. Call it for a view that has nothing under way.

    A config newer than the serving one may be that of an update about to start elsewhere, so it stays until it is
    certain that nobody does. A model goes when its version has left or failed and the serving config does not name it.
    """
    serving = view.serving
    if serving is None or serving.config_created_at is None:
        return ()
    born = max(serving.config_created_at, now - UNUSED_FOR)
    past = [name for name, created in configs.items() if name != serving.config and created < born]
    in_use = {slot.model for slot in serving.slots}
    gone = {
        view.names.model(view.dimension, version.number)
        for version in view.versions
        if version.role is Role.RETIRED or version.status is Status.FAILED
    }
    return (
        *(DeleteConfig(name) for name in sorted(past)),
        *(DeleteModel(name) for name in sorted(models) if name in gone and name not in in_use),
    )


def mark(version: Version, role: Role, status: Status, reason: str) -> MarkVersion:
    return MarkVersion(version.number, version.arn, role, status, reason)


def _published(spec: Spec, state: State, view: View) -> tuple[Action, ...]:
    """What the API is to be told: the wanted shares while something is rolled out, otherwise to follow the weights.

    Nobody is sent to a variant that does not serve yet.
    """
    known, number = view.published, state.experiment
    if not view.experiments or any(share > 0 and number not in view.live for number, share in state.shares.items()):
        return ()
    if known is not None:
        # An endpoint that was deleted and made again has begun another experiment; one that is closed begins one soon.
        number = max(number, known.number)
        if not known.open and known.number == number:
            return ()
    if not (state.active or (known is not None and known.owner is Owner.ROLLOUT)):
        return ()
    wanted = PublishShares(
        endpoint=view.endpoint,
        experiment=view.names.experiment(view.dimension, number),
        shares={variant_name(version): round(share, SHARE_DIGITS) for version, share in sorted(state.shares.items())},
        revision=state.revision,
        strategy=spec.strategy,
        sticky=spec.sticky,
        bucket_s=round(spec.bucket_s),
        following=not state.active,
    )
    return () if known is not None and wanted.agrees_with(known) else (wanted,)


def _leaves_a_variant(state: State, view: View) -> bool:
    return any(share > 0 and not state.shares.get(number) for number, share in view.live.items())


def _shift(state: State, view: View) -> ShiftShares | None:
    """The wanted shares of the variants that serve; None when they have them, or when all that is wanted is missing."""
    live = view.live
    wanted = {number: state.shares.get(number, 0.0) for number in live}
    total = sum(wanted.values())
    if total <= 0:
        return None
    shares = {number: round(share / total, SHARE_DIGITS) for number, share in wanted.items()}
    if all(abs(shares[number] - live[number]) < SAME_SHARE for number in live):
        return None
    return ShiftShares(view.endpoint, {variant_name(number): shares[number] for number in sorted(shares)})


def _membership(spec: Spec, state: State, view: View, serving: Serving) -> Plan:
    """One update: the next missing version joins without traffic, and who is not wanted leaves."""
    live = view.live
    missing = [version for version in view.versions if version.number in state.shares and version.number not in live]
    newcomer = min(missing, key=lambda version: (version.number != state.champion, version.number), default=None)
    staying = {number: share for number, share in live.items() if number in state.shares}
    if not (staying or newcomer) or (newcomer is None and len(staying) == len(live)):
        return Plan()
    joining = {newcomer.number: 0.0 if staying else 1.0} if newcomer else {}
    config = config_of(spec, view, staying | joining)
    return Plan(
        (
            *models_of(view, staying | joining),
            config,
            *((_on_its_way(newcomer, config.name),) if newcomer else ()),
            UpdateEndpoint(
                serving.name,
                config.name,
                counts=other_counts(spec, view, staying),
                released=released(spec, view, staying),
            ),
        ),
        changes=True,
        subject=newcomer,
    )


def _creation(spec: Spec, state: State, view: View) -> Plan:
    """An endpoint with one variant: the champion's, or the first version's. Others join it later.

    One that somebody deleted stays deleted until a version comes that has not served yet. A champion that could not be
    served the last time leaves the first place to another one that is wanted.
    """
    wanted = [version for version in view.versions if version.number in state.shares]
    if not wanted or not _is_to_be_made(state, view):
        return Plan(reason=f"there is no endpoint {view.endpoint}, and no version that waits for one")
    first = min(
        wanted,
        key=lambda version: (version.status is Status.FAILED, version.number != state.champion, version.number),
    )
    config = config_of(spec, view, {first.number: 1.0})
    return Plan(
        (
            *models_of(view, [first.number]),
            config,
            _on_its_way(first, config.name),
            CreateEndpoint(view.endpoint, config.name, experiments=view.experiments),
        ),
        changes=True,
        subject=first,
    )


def _is_to_be_made(state: State, view: View) -> bool:
    """Whether a version waits for the endpoint that there is none of: a wanted one, or one that is to begin later."""
    coming = (Status.PENDING, Status.DEPLOYING)
    return any(
        (version.number in state.shares and version.status in coming)
        or (version.deployable and version.number not in state.barred)
        for version in view.versions
    )


def _to_serve_again(state: State, view: View, serving: Serving) -> Iterator[Action]:
    """The champion of an endpoint that failed while it served waits again, so that the endpoint is made again, once."""
    for version in view.versions:
        if version.number == state.champion and version.status is Status.IN_SERVICE:
            why = serving.failure or "SageMaker gave no reason"
            yield mark(
                version, version.role, Status.PENDING, f"endpoint {serving.name} failed, it is made again: {why}"
            )


def other_counts(spec: Spec, view: View, versions: Iterable[int]) -> bool:
    """Whether the settings ask for other numbers of instances than the serving config, for any of these versions."""
    asked = {number: slot.instance_count for number in versions if (slot := view.slot(number)) is not None}
    return any(count not in (0, spec.instance_of(view.dimension, number).count) for number, count in asked.items())


def released(spec: Spec, view: View, staying: Collection[int]) -> tuple[str, ...]:
    """Variants that automatic scaling, if there is any, has to let go of before the endpoint is changed."""
    slots = view.serving.slots if view.serving is not None else ()
    return tuple(
        slot.variant
        for slot in slots
        if (number := parse_variant(slot.variant)) not in staying
        or number is None
        or slot.instance_type not in ("", spec.instance_of(view.dimension, number).type)
    )


def models_of(view: View, numbers: Collection[int]) -> tuple[CreateModel, ...]:
    """The models that a config of these versions names: a person may have deleted even one that serves."""
    return tuple(
        CreateModel(view.names.model(view.dimension, version.number), version.arn)
        for version in view.versions
        if version.number in numbers
    )


def config_of(spec: Spec, view: View, shares: Mapping[int, float]) -> CreateConfig:
    """The endpoint config with these versions' variants, as the settings ask for it."""
    variants = tuple(
        Variant(
            variant_name(number),
            view.names.model(view.dimension, number),
            share,
            spec.instance_of(view.dimension, number).type,
            spec.instance_of(view.dimension, number).count,
        )
        for number, share in sorted(shares.items())
    )
    content = [variant.content for variant in variants]
    capture = None
    if spec.data_capture_percent and view.capture_uri:
        capture = Capture(spec.data_capture_percent, view.capture_uri)
        content.append(f"{capture.percent} {capture.uri}")
    return CreateConfig(view.names.config(view.dimension, content), variants, capture)


def _settled(state: State, view: View) -> Iterator[Action]:
    """What became of the versions that were on their way."""
    serving = view.serving
    for version in view.versions:
        if serving is None or version.status is not Status.DEPLOYING:
            continue
        if _came(view, version):
            yield _in_service(state, version, serving)
        elif _never_began(serving, version):
            yield mark(version, version.role, Status.PENDING, "the deployment was interrupted before it began")
        else:
            yield mark(version, version.role, Status.FAILED, _failure(serving))


def _roles(state: State, view: View) -> Iterator[Action]:
    """What the registry does not say yet of who serves, who has left and why; the champion first."""
    serving = view.serving
    if serving is None:
        return
    for version in sorted(view.versions, key=lambda version: version.number != state.champion):
        serves, wanted = _came(view, version), version.number in state.shares
        role = Role.CHAMPION if version.number == state.champion else Role.CHALLENGER
        if serves and wanted:
            settled = version.status is Status.DEPLOYING or (version.role, version.status) == (role, Status.IN_SERVICE)
            if not settled:
                yield _in_service(state, version, serving)
        elif version.status is Status.IN_SERVICE and not wanted:
            if not serves:
                yield mark(version, Role.RETIRED, Status.REMOVED, _why_gone(state, version, serving))
            elif version.role is not Role.RETIRED:
                yield mark(version, Role.RETIRED, Status.IN_SERVICE, _why_gone(state, version, serving))
    yield from _barred(state, view)


def _barred(state: State, view: View) -> Iterator[Action]:
    """Versions that were to serve and never did."""
    for version in view.versions:
        under_way = version.status in (Status.PENDING, Status.DEPLOYING)
        if version.number in state.barred and under_way and not _came(view, version):
            track = state.track(version.number)
            why = view.refused.get(version.number) or (track.reason if track else "it could not serve")
            yield mark(version, version.role, Status.FAILED, why)


def _on_its_way(version: Version, config: str) -> MarkVersion:
    role = Role.CHAMPION if version.role is Role.CHAMPION else Role.CHALLENGER
    return mark(version, role, Status.DEPLOYING, f"with endpoint config {config}")


def _in_service(state: State, version: Version, serving: Serving) -> MarkVersion:
    role = Role.CHAMPION if version.number == state.champion else Role.CHALLENGER
    name = variant_name(version.number)
    return mark(version, role, Status.IN_SERVICE, f"serves as {name} of endpoint config {serving.config}")


def _why_gone(state: State, version: Version, serving: Serving) -> str:
    track = state.track(version.number)
    if track is not None and track.phase is Phase.ROLLED_BACK:
        return track.reason
    if version.role is Role.CHAMPION and state.champion is not None:
        return f"{variant_name(state.champion)} is champion now"
    if version.role is Role.RETIRED:
        return version.reason
    return f"no longer wanted on the endpoint, which serves {serving.config}"


def _came(view: View, version: Version) -> bool:
    return view.serving is not None and view.serving.in_service and view.slot(version.number) is not None


def _never_began(serving: Serving, version: Version) -> bool:
    """The change begins after the mark, so an endpoint last modified before the mark was never changed. Both times are
    SageMaker's own."""
    return version.changed_at is not None and serving.modified_at < version.changed_at


def _failure(serving: Serving) -> str:
    logs = f"see log group /aws/sagemaker/Endpoints/{serving.name}"
    if serving.in_service:
        why = serving.failure or f"SageMaker gave no reason, {logs}"
        return f"rolled back to endpoint config {serving.config}: {why}"
    return f"endpoint {serving.name} is {serving.status}: {serving.failure or logs}"
