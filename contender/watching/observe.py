"""Reading what there is to watch and what watches it: lists for many endpoints at once, the rest one by one."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from contender import endpoints, registry
from contender.baselines import DATA_QUALITY, MODEL_QUALITY
from contender.naming import Names
from contender.scaling import SCALED, is_absent
from contender.watching import alarms
from contender.watching.definitions import OPERATIONS
from contender.watching.view import Alarmed, Baseline, Champion, Scheduled, View
from contender.watching.wishes import KINDS, Kind, Scaling, Wishes

CHECKS: Mapping[Kind, Any] = {"data": DATA_QUALITY, "quality": MODEL_QUALITY}
TRACKED = "TargetTracking-endpoint/"
"""How the names of alarms begin that automatic scaling makes for a target of its own."""
PAGE = 100


@dataclass(frozen=True, slots=True)
class Watching:
    """What lists tell of many endpoints, by endpoint. `lacking`: why nothing is known of what is scaled; or ""."""

    schedules: Mapping[str, Mapping[str, Scheduled]]
    definitions: Mapping[str, Mapping[Kind, frozenset[str]]]
    alarms: Mapping[str, Mapping[str, Alarmed]]
    targets: Mapping[str, Mapping[str, Scaling]]
    lacking: str = ""

    @property
    def endpoints(self) -> frozenset[str]:
        """Whatever is watched, be it there or not."""
        return frozenset({*self.schedules, *self.definitions, *self.alarms, *self.targets})


class Lookout:
    """Reads with boto3 clients; `scaling` is asked only where something is scaled, or is to be."""

    def __init__(self, sagemaker: Any, cloudwatch: Any, scaling: Any, names: Names) -> None:
        self._sagemaker = sagemaker
        self._cloudwatch = cloudwatch
        self._scaling = scaling
        self._names = names

    def image(self) -> str:
        """The analyser's image, from the deployed pipeline: the one that made the baselines."""
        described = endpoints.found(lambda: self._sagemaker.describe_pipeline(PipelineName=self._names.pipeline))
        if described is None:
            return ""
        steps = json.loads(described["PipelineDefinition"]).get("Steps", [])
        images = (step["Arguments"]["AppSpecification"]["ImageUri"] for step in steps if step["Type"] == "QualityCheck")
        return next((image for image in images if isinstance(image, str)), "")

    def dimensions(self) -> tuple[str, ...]:
        """All that have versions."""
        groups = registry.list_groups(self._sagemaker, f"{self._names.project}-")
        return tuple(sorted(name for group in groups if (name := self._names.dimension_of_group(group)) is not None))

    def watching(self, wishes: Wishes, part: str) -> Watching:
        """What watches endpoints of the last stage whose names contain `part`, one of them or all."""
        targets, lacking = self._targets(wishes, part)
        return Watching(self._schedules(part), self._definitions(part), self._alarms(part), targets, lacking)

    def view(self, endpoint: str, dimension: str, watching: Watching) -> View:
        """One endpoint with all that is known of it."""
        return View(
            endpoint,
            dimension,
            serving=endpoints.read(self._sagemaker, endpoint),
            champion=self._champion(dimension),
            schedules=watching.schedules.get(endpoint, {}),
            definitions=watching.definitions.get(endpoint, {}),
            alarms=watching.alarms.get(endpoint, {}),
            targets=watching.targets.get(endpoint, {}),
        )

    def _champion(self, dimension: str) -> Champion | None:
        version = registry.champion(registry.list_versions(self._sagemaker, self._names.group(dimension)))
        if version is None:
            return None
        package = self._sagemaker.describe_model_package(ModelPackageName=version.arn)
        registered = package.get("DriftCheckBaselines", {})
        baselines: dict[Kind, Baseline] = {}
        for kind in KINDS:
            statistics, constraints = (_address(registered, path) for path in CHECKS[kind].paths)
            baselines[kind] = Baseline(statistics, constraints)
        return Champion(version.number, registry.model_data_uri(package), baselines)

    def _ours(self, endpoint: str | None) -> bool:
        return endpoint is not None and self._names.dimension_of(endpoint) is not None

    def _schedules(self, part: str) -> dict[str, dict[str, Scheduled]]:
        found: dict[str, dict[str, Scheduled]] = defaultdict(dict)
        pages = self._sagemaker.get_paginator("list_monitoring_schedules").paginate(NameContains=part, MaxResults=PAGE)
        for each in (each for page in pages for each in page["MonitoringScheduleSummaries"]):
            name = each["MonitoringScheduleName"]
            place = self._names.schedule_of(name)
            if place is not None and self._ours(place.endpoint):
                found[place.endpoint][name] = Scheduled(
                    name,
                    place.kind,
                    each.get("MonitoringJobDefinitionName", ""),
                    each["CreationTime"],
                    place.once,
                )
        return found

    def _definitions(self, part: str) -> dict[str, dict[Kind, frozenset[str]]]:
        found: dict[str, dict[Kind, frozenset[str]]] = defaultdict(dict)
        for kind in KINDS:
            pages = self._sagemaker.get_paginator(f"list_{OPERATIONS[kind]}s").paginate(
                NameContains=part, MaxResults=PAGE
            )
            for each in (each for page in pages for each in page["JobDefinitionSummaries"]):
                name = each["MonitoringJobDefinitionName"]
                endpoint = self._names.endpoint_of_job_definition(name)
                if endpoint is not None and self._ours(endpoint):
                    found[endpoint][kind] = found[endpoint].get(kind, frozenset()) | {name}
        return found

    def _alarms(self, part: str) -> dict[str, dict[str, Alarmed]]:
        found: dict[str, dict[str, Alarmed]] = defaultdict(dict)
        for alarm in self._described_alarms(part):
            endpoint = alarms.endpoint_of(self._names, alarm)
            if endpoint is not None and self._ours(endpoint):
                found[endpoint][alarm["AlarmName"]] = Alarmed(
                    alarm["AlarmDescription"], tuple(alarm.get("AlarmActions", ()))
                )
        return found

    def _described_alarms(self, prefix: str) -> list[Mapping[str, Any]]:
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"], MaxRecords=PAGE
        )
        return [alarm for page in pages for alarm in page["MetricAlarms"]]

    def _targets(self, wishes: Wishes, part: str) -> tuple[dict[str, dict[str, Scaling]], str]:
        """What is scaled. A project that scales nothing asks nobody, unless alarms tell that something still is."""
        if wishes.scaling is None and not self._described_alarms(f"{TRACKED}{part}"):
            return {}, ""
        try:
            return self._read_targets(), ""
        except ClientError as error:
            if not is_absent(error):
                raise
            return {}, "there is no Application Auto Scaling here: variants keep the instances that they have"

    def _read_targets(self) -> dict[str, dict[str, Scaling]]:
        invocations: dict[str, int] = {}
        for page in self._scaling.get_paginator("describe_scaling_policies").paginate(**SCALED):
            for policy in page["ScalingPolicies"]:
                tracked = policy.get("TargetTrackingScalingPolicyConfiguration", {})
                if policy["PolicyName"] == policy_name(self._names):
                    invocations[policy["ResourceId"]] = round(tracked.get("TargetValue", 0))
        found: dict[str, dict[str, Scaling]] = defaultdict(dict)
        for page in self._scaling.get_paginator("describe_scalable_targets").paginate(**SCALED):
            for target in page["ScalableTargets"]:
                _, endpoint, _, variant = target["ResourceId"].split("/")
                if self._ours(endpoint):
                    found[endpoint][variant] = Scaling(
                        target["MinCapacity"], target["MaxCapacity"], invocations.get(target["ResourceId"], 0)
                    )
        return found


def policy_name(names: Names) -> str:
    return f"{names.project}-invocations"


def _address(baselines: Mapping[str, Any], path: str) -> str:
    part, _, name = path.partition(".")
    return str(baselines.get(part, {}).get(name, {}).get("S3Uri", ""))
