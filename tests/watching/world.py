"""One endpoint and its watchers in memory: actions change it as they would change AWS, and in no other order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from contender.endpoints import Serving, Slot
from contender.naming import Names
from contender.watching import actions as act
from contender.watching.plan import plan
from contender.watching.view import Alarmed, Baseline, Champion, Scheduled, View
from contender.watching.wishes import Kind, Scaling, Wishes

NAMES = Names("contender")
ENDPOINT = NAMES.endpoint("SM-1")
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-east-1:000000000000:contender-alerts"
WISHES = Wishes(
    names=NAMES,
    bucket="artifacts",
    role_arn="arn:aws:iam::000000000000:role/contender-monitor-us-east-1",
    topic_arn=TOPIC,
    image="1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer",
    script="0123",
    kinds=("data",),
    schedule="cron(0 * ? * * *)",
    truth_hours=24,
    quality_margin=0.05,
    instance_type="ml.m5.xlarge",
    error_rate=0.05,
    latency_ms=1000,
)
SCALING = Scaling(1, 4, 1000)


def champion(version: int = 1, kinds: tuple[Kind, ...] = ("data", "quality")) -> Champion:
    baselines = {
        kind: Baseline(f"s3://artifacts/{version}/{kind}/statistics.json", f"s3://artifacts/{version}/{kind}/c.json")
        for kind in kinds
    }
    return Champion(version, f"s3://artifacts/{version}/model.tar.gz", baselines)


def serving(shares: Mapping[str, float] | None = None, status: str = "InService", capture: int = 100) -> Serving:
    slots = tuple(Slot(name, f"{ENDPOINT}-{name}", share) for name, share in (shares or {"v1": 1.0}).items())
    return Serving(ENDPOINT, status, f"{ENDPOINT}-0123456789", "", slots, "", NOW, capture_percent=capture)


class World:
    """Refuses what AWS refuses: a definition that a schedule names is not deleted, none is named that is not there."""

    def __init__(self, **values: Any) -> None:
        self.view = replace(View(ENDPOINT, "SM-1", serving(), champion()), **values)
        self.prepared: set[str] = set()

    def look(self, wishes: Wishes = WISHES, now: datetime = NOW) -> tuple[act.Action, ...]:
        """One pass, done; what it did."""
        planned = plan(wishes, self.view, now).actions
        for action in planned:
            self.apply(action)
        return planned

    def apply(self, action: act.Action) -> None:
        view = self.view
        schedules, alarms, targets = dict(view.schedules), dict(view.alarms), dict(view.targets)
        definitions = {kind: set(names) for kind, names in view.definitions.items()}
        match action:
            case act.PrepareBaseline() | act.RelaxBaseline():
                self.prepared.add(action.uri)
            case act.CreateDefinition():
                baseline = {"data": "DataQualityBaselineConfig", "quality": "ModelQualityBaselineConfig"}[action.kind]
                constraints = action.request[baseline]["ConstraintsResource"]["S3Uri"]
                assert constraints.rpartition("/")[0] in self.prepared, "it names files that are not there"
                assert self.view.captures
                definitions.setdefault(action.kind, set()).add(action.name)
            case act.DeleteDefinition():
                assert all(each.definition != action.name for each in schedules.values()), "a schedule names it"
                definitions[action.kind].remove(action.name)
            case act.CreateSchedule():
                assert action.name not in schedules
                assert action.definition in definitions[action.kind]
                schedules[action.name] = Scheduled(action.name, action.kind, action.definition, NOW)
            case act.UpdateSchedule():
                assert action.definition in definitions[action.kind]
                schedules[action.name] = replace(schedules[action.name], definition=action.definition)
            case act.DeleteSchedule():
                del schedules[action.name]
            case act.PutAlarm():
                alarms[action.name] = Alarmed(action.description, tuple(action.request["AlarmActions"]))
            case act.DeleteAlarm():
                del alarms[action.name]
            case act.Scale():
                assert view.serving is not None
                assert view.serving.in_service
                targets[action.variant] = action.scaling
            case act.StopScaling():
                del targets[action.variant]
        found = {kind: frozenset(names) for kind, names in definitions.items() if names}
        self.view = replace(view, schedules=schedules, definitions=found, alarms=alarms, targets=targets)

    @property
    def kept(self) -> tuple[Any, ...]:
        """Everything that watches."""
        view = self.view
        return (view.schedules, view.definitions, view.alarms, view.targets)
