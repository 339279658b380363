"""A check: one of AWS's analysers looks at data or at a model, and compares what it finds with an earlier baseline.

The SDK's own check steps upload their files while they are built, one of them under a key made of the time and one
under a key that every compilation overwrites. This one is built from the same request and touches nothing; its files
are `Build.document`s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagemaker.core.workflow.properties import Properties
from sagemaker.mlops.workflow.steps import Step, StepTypeEnum

from contender.baselines import Check
from steps.build import Build, reuse

CONSTRAINTS = "Constraints"
STATISTICS = "Statistics"
VOLUME_GB = 30
DATASET = "/opt/ml/processing/input/baseline_dataset_input"
MONITOR_OUTPUT = "/opt/ml/processing/output"
CLARIFY_CONFIG = "/opt/ml/processing/input/config"
CLARIFY_DATA = "/opt/ml/processing/input/data"
CLARIFY_OUTPUT = "/opt/ml/processing/output"


@dataclass(frozen=True, slots=True)
class Job:
    """A check's processing job: kind of step, image, inputs (name to S3 URI and folder), output and environment."""

    kind: StepTypeEnum
    image: str
    inputs: Mapping[str, tuple[Any, str]]
    output: tuple[str, str]
    environment: Mapping[str, Any]


class CheckStep(Step):  # type: ignore[misc]
    """A QualityCheck or ClarifyCheck step."""

    def __init__(
        self,
        build: Build,
        check: Check,
        *,
        name: str,
        check_type: str,
        title: str,
        description: str,
        job: Job,
        fail_on_violation: bool,
        model_name: Any = None,
    ) -> None:
        super().__init__(name, title, description, job.kind)
        self._arguments = _request(build, name, job)
        self._control = {
            "CheckType": check_type,
            "ModelPackageGroupName": build.group,
            "SkipCheck": build.flag(check.skip, False),
            "RegisterNewBaseline": build.flag(check.register, False),
            "FailOnViolation": build.flag(check.fail, fail_on_violation),
            "SuppliedBaselineConstraints": build.text(check.supplied_constraints, ""),
        }
        files = [CONSTRAINTS]
        if job.kind is StepTypeEnum.QUALITY_CHECK:
            self._control["SuppliedBaselineStatistics"] = build.text(check.supplied_statistics, "")
            files.append(STATISTICS)
        if model_name is not None:
            self._control["ModelName"] = model_name
        self._properties = Properties(step_name=name, step=self)
        for file in files:
            for output in (f"CalculatedBaseline{file}", f"BaselineUsedForDriftCheck{file}"):
                self._properties.__dict__[output] = Properties(step_name=name, step=self, path=output)

    @property
    def arguments(self) -> dict[str, Any]:
        return self._arguments

    @property
    def properties(self) -> Properties:
        return self._properties

    def to_request(self) -> dict[str, Any]:
        return {**super().to_request(), **reuse().config, **self._control}

    def calculated(self, file: str) -> Any:
        """Address of the statistics or constraints that this execution computed."""
        return getattr(self._properties, f"CalculatedBaseline{file}")

    def baseline(self, file: str) -> Any:
        """Address of those that were compared with, or of the calculated ones where they become the baseline."""
        return getattr(self._properties, f"BaselineUsedForDriftCheck{file}")


def monitor_job(build: Build, dataset_uri: Any, *, header: bool, **environment: str) -> Job:
    """Model Monitor's analyser on a folder of CSV files."""
    return Job(
        kind=StepTypeEnum.QUALITY_CHECK,
        image=build.monitor_image,
        inputs={"baseline_dataset_input": (dataset_uri, DATASET)},
        output=("quality_check_output", MONITOR_OUTPUT),
        environment={
            "dataset_format": json.dumps({"csv": {"header": header, "output_columns_position": "START"}}),
            "dataset_source": DATASET,
            "output_path": MONITOR_OUTPUT,
            "publish_cloudwatch_metrics": "Disabled",
            **environment,
        },
    )


def clarify_job(build: Build, dataset_uri: Any, config_uri: str) -> Job:
    """Clarify on a folder of CSV files with a header, by the analysis config at `config_uri`."""
    return Job(
        kind=StepTypeEnum.CLARIFY_CHECK,
        image=build.clarify_image,
        inputs={"analysis_config": (config_uri, CLARIFY_CONFIG), "dataset": (dataset_uri, CLARIFY_DATA)},
        output=("analysis_result", CLARIFY_OUTPUT),
        environment={},
    )


def analysis_config(build: Build, methods: Mapping[str, Any], **more: Any) -> str:
    """The S3 address of a Clarify analysis config for a data set whose columns its header names."""
    report = {"report": {"name": "report", "title": "Analysis Report"}}
    content = {"version": "1.0", "dataset_type": "text/csv", "methods": {**methods, **report}, **more}
    return build.document("analysis_config.json", content)


def bias_question(build: Build) -> dict[str, Any]:
    """Whom an analysis config compares, and what counts as the positive outcome."""
    data, bias = build.settings.data, build.settings.checks.bias
    facet: dict[str, Any] = {"name_or_index": bias.facet}
    if bias.facet_values:
        facet["value_or_threshold"] = list(bias.facet_values)
    question = {"label": data.label, "label_values_or_threshold": [1], "facet": [facet]}
    return {**question, "group_variable": bias.group} if bias.group else question


def predictor(build: Build) -> dict[str, Any]:
    """How Clarify asks the model, whose name it gets from the step: an endpoint of its own, gone when it is done."""
    return {
        "initial_instance_count": 1,
        "instance_type": build.settings.checks.model_instance_type,
        "content_type": "text/csv",
        "accept_type": "text/csv",
        "probability": 0,
    }


def _request(build: Build, step: str, job: Job) -> dict[str, Any]:
    checks = build.settings.checks
    output_name, output_path = job.output
    request: dict[str, Any] = {
        "ProcessingInputs": [
            {
                "InputName": name,
                "S3Input": {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"},
            }
            for name, (uri, path) in job.inputs.items()
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": output_name,
                    "S3Output": {
                        "S3Uri": build.output(step, "report"),
                        "LocalPath": output_path,
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": checks.instance_type,
                "VolumeSizeInGB": VOLUME_GB,
            }
        },
        "AppSpecification": {"ImageUri": job.image},
        "RoleArn": build.role,
        "StoppingCondition": {"MaxRuntimeInSeconds": checks.max_runtime_s},
        "Tags": build.tags,
    }
    return {**request, "Environment": dict(job.environment)} if job.environment else request
