"""What to do next about an endpoint's watchers: what is wanted and what is there go in, actions come out.

1. Alarms: those whose description is another are put again, those that nobody wants go.
2. Variants that have traffic are scaled. One whose traffic has gone is about to leave, and UpdateEndpoint refuses to
   take away a variant that is scaled: it is given up here, or by the rollout itself if that comes first.
3. Schedules: files, then the definition that names them, then the schedule that names it; schedules that nobody wants
   go, and last the definitions that no schedule names any more.

Nothing is scaled and nothing begins to be compared while an endpoint changes. One that is gone, or has failed, keeps
nothing: SageMaker deletes no endpoint that is being monitored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from contender.naming import parse_variant
from contender.watching import alarms
from contender.watching.actions import (
    Action,
    CreateDefinition,
    CreateSchedule,
    DeleteAlarm,
    DeleteDefinition,
    DeleteSchedule,
    PrepareBaseline,
    RelaxBaseline,
    Scale,
    StopScaling,
    UpdateSchedule,
)
from contender.watching.definitions import Definition, definition
from contender.watching.view import Champion, View
from contender.watching.wishes import Kind, Wishes

ONCE_STAYS = timedelta(days=1)
"""A schedule that ran once is deleted by whoever asked for it; after this time by us."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in order; `reasons` say why something that the settings want is not compared."""

    actions: tuple[Action, ...] = ()
    reasons: tuple[str, ...] = ()


def plan(wishes: Wishes, view: View, now: datetime) -> Plan:
    compared, reasons = _compared(wishes, view)
    return Plan(
        (
            *_alarms(wishes, view, drifts=bool(compared)),
            *_scaling(wishes, view),
            *_schedules(wishes, view, compared, now),
        ),
        reasons,
    )


def _alarms(wishes: Wishes, view: View, *, drifts: bool) -> Iterator[Action]:
    serving = view.serving
    wanted = list(alarms.wanted(wishes, view.dimension, serving, drifts=drifts)) if serving and serving.answers else []
    for alarm in wanted:
        there = view.alarms.get(alarm.name)
        if there is None or (there.description, there.actions) != (alarm.description, (wishes.topic_arn,)):
            yield alarm
    for name in sorted(view.alarms.keys() - {alarm.name for alarm in wanted}):
        yield DeleteAlarm(name)


def _scaling(wishes: Wishes, view: View) -> Iterator[Action]:
    serving = view.serving
    if serving is not None and not serving.in_service:
        return
    wanted = set()
    if serving is not None and wishes.scaling is not None:
        wanted = {slot.variant for slot in serving.slots if slot.share > 0 and parse_variant(slot.variant) is not None}
        for variant in sorted(wanted):
            if view.targets.get(variant) != wishes.scaling:
                yield Scale(view.endpoint, variant, wishes.scaling)
    for variant in sorted(view.targets.keys() - wanted):
        yield StopScaling(view.endpoint, variant)


def _compared(wishes: Wishes, view: View) -> tuple[dict[Kind, Definition], tuple[str, ...]]:
    """What is to be compared, with what; and why other wishes are not met."""
    serving, champion = view.serving, view.champion
    if serving is None or serving.status == "Failed" or not wishes.kinds:
        return {}, ()
    if not view.captures:
        return {}, (f"{view.endpoint} captures nothing: set endpoint.data_capture_percent above 0",)
    if champion is None:
        return {}, (f"{view.endpoint} has no champion yet",)
    if not wishes.image:
        return {}, ("the pipeline has no check of data or model that would tell the analyser's image",)
    found: dict[Kind, Definition] = {}
    reasons = []
    for kind in wishes.kinds:
        baseline = champion.baselines.get(kind)
        if baseline is None or not baseline.complete:
            reasons.append(f"v{champion.version} of {view.dimension} has no baseline of {kind}")
        else:
            found[kind] = definition(wishes, view.endpoint, kind, baseline, champion.artifact)
    return found, tuple(reasons)


def _prepare(wishes: Wishes, made: Definition, kind: Kind, champion: Champion) -> Action:
    baseline = champion.baselines[kind]
    if kind == "quality":
        return RelaxBaseline(made.folder, baseline.constraints, wishes.quality_margin)
    return PrepareBaseline(made.folder, baseline.statistics, baseline.constraints, champion.artifact)


def _schedules(wishes: Wishes, view: View, compared: dict[Kind, Definition], now: datetime) -> Iterator[Action]:
    serving = view.serving
    begins = serving is not None and serving.in_service
    used: set[str] = set()
    for kind, made in compared.items():
        name = wishes.names.schedule(view.endpoint, kind)
        there = view.schedules.get(name)
        if not begins:
            used |= {there.definition} if there is not None else set()
            continue
        used.add(made.name)
        if made.name not in view.definitions.get(kind, frozenset()):
            if view.champion is not None:
                yield _prepare(wishes, made, kind, view.champion)
            yield CreateDefinition(kind, made.name, made.request)
        if there is None:
            yield CreateSchedule(name, kind, made.name, wishes.schedule)
        elif there.definition != made.name:
            yield UpdateSchedule(name, kind, made.name, wishes.schedule)
    wanted = {wishes.names.schedule(view.endpoint, kind) for kind in compared}
    for name, schedule in sorted(view.schedules.items()):
        fresh = schedule.once and schedule.kind in compared and now - schedule.created_at < ONCE_STAYS
        if fresh:
            used.add(schedule.definition)
        elif name not in wanted:
            yield DeleteSchedule(name)
    for kind, names in sorted(view.definitions.items()):
        for name in sorted(names - used):
            yield DeleteDefinition(kind, name)
