"""The processing jobs of an execution: what AWS's service asks CreateProcessingJob for on a schedule's behalf.

The environment variables are those of docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-contract-inputs.html,
and those that the logs of AWS's own jobs show.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contender.local.monitoring.captured import Folder
from contender.local.monitoring.kinds import MERGE_JOBS, MODEL_QUALITY
from contender.local.monitoring.window import Window
from contender.local.monitoring.work import Work
from contender.local.store import Document

ROOT = "/opt/ml/processing"
LABELS = f"{ROOT}/groundtruth"
MERGE_IMAGE = "sagemaker-model-monitor-groundtruth-merger"
DEFAULT_RUNTIME_S = 3600
SCRIPTS = {
    "RecordPreprocessor": "record_preprocessor_script",
    "PostAnalyticsProcessor": "post_analytics_processor_script",
}
"""The user's own scripts, and the variables that say where they are."""

Request = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a schedule: `number` makes the names of its jobs unique."""

    schedule: str
    scheduled: datetime
    number: str
    window: Window

    def job_name(self, prefix: str) -> str:
        return f"{prefix}-{self.scheduled:%Y%m%d%H%M}-{self.number}"


def analysis(work: Work, execution: Execution, folders: Sequence[Folder]) -> Request:
    """The job that looks at `folders` and compares them with the baseline."""
    inputs = [_input(f"endpoint_input_{place}", each, work) for place, each in enumerate(folders, 1)]
    environment = {
        **_what(work),
        "dataset_source": work.source["LocalPath"],
        "output_path": work.output["MonitoringOutputs"][0]["S3Output"]["LocalPath"],
        "publish_cloudwatch_metrics": "Enabled",
        "sagemaker_monitoring_schedule_name": execution.schedule,
        "start_time": _time(execution.window.start),
        "end_time": _time(execution.window.end),
        "metric_time": _time(execution.window.start),
    }
    if work.endpoint is not None:
        environment["sagemaker_endpoint_name"] = work.endpoint
    for name, uri, folder, variable in _files(work):
        inputs.append(_file(name, uri, folder))
        environment[variable] = f"{folder}/{uri.rpartition('/')[2]}"
    return {
        **_job(work, execution.job_name(work.kind.jobs)),
        "AppSpecification": {
            name: work.application[name]
            for name in ("ImageUri", "ContainerEntrypoint", "ContainerArguments")
            if name in work.application
        },
        "ProcessingInputs": inputs,
        "ProcessingOutputConfig": _outputs(work, execution),
        "Environment": {**environment, **work.environment},
    }


def merge(work: Work, execution: Execution, folders: Sequence[Folder], labels: Sequence[Folder]) -> Request:
    """The job that puts to each captured request the label that came for it."""
    registry = work.application["ImageUri"].rpartition("/")[0]
    source = work.source["LocalPath"]
    output = {"LocalPath": f"{ROOT}/output", "S3Uri": merged_root(work), "S3UploadMode": "EndOfJob"}
    return {
        **_job(work, execution.job_name(MERGE_JOBS)),
        "AppSpecification": {"ImageUri": "/".join(part for part in (registry, MERGE_IMAGE) if part)},
        "ProcessingInputs": [
            *(_input(f"groundtruth_input_{place}", each, work, LABELS) for place, each in enumerate(labels, 1)),
            *(_input(f"endpoint_input_{place}", each, work) for place, each in enumerate(folders, 1)),
        ],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "result", "S3Output": output}]},
        "Environment": {
            "dataset_source": source,
            "ground_truth_source": LABELS,
            "output_path": f"{ROOT}/output",
            "start_time": _time(execution.window.start),
            "end_time": _time(execution.window.end),
        },
    }


def merged_root(work: Work) -> str:
    """Where merged records go, laid out as the captured ones are."""
    return f"{work.output['MonitoringOutputs'][0]['S3Output']['S3Uri'].rstrip('/')}/merge"


def _what(work: Work) -> dict[str, str]:
    """What is analysed, and how it is written."""
    if work.endpoint is None:
        (name, options), *_ = work.source["DatasetFormat"].items()
        form = json.dumps({name.lower(): {key.lower(): value for key, value in options.items()}})
    else:
        form = '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}'
    if work.kind is not MODEL_QUALITY:
        excluded = work.source.get("ExcludeFeaturesAttribute")
        return {"dataset_format": form} | ({"exclude_features_attribute": excluded} if excluded else {})
    attributes = {
        "problem_type": work.application.get("ProblemType"),
        "inference_attribute": work.source.get("InferenceAttribute"),
        "probability_attribute": work.source.get("ProbabilityAttribute"),
        "probability_threshold_attribute": work.source.get("ProbabilityThresholdAttribute"),
    }
    return {
        "analysis_type": "MODEL_QUALITY",
        "dataset_format": '{"sagemakerMergeJson":{"captureIndexNames":["endpointOutput"]}}',
        **{name: str(value) for name, value in attributes.items() if value is not None},
    }


def _files(work: Work) -> list[tuple[str, str, str, str]]:
    """Single files that the job gets: the input's name, the URI, the folder, the variable that says where it is."""
    places = (
        ("constraints", _uri(work.baseline, "Constraints"), "baseline/constraints", "baseline_constraints"),
        ("baseline", _uri(work.baseline, "Statistics"), "baseline/stats", "baseline_statistics"),
        *(
            (variable, work.application.get(f"{name}SourceUri"), f"code/{name.lower()}", variable)
            for name, variable in SCRIPTS.items()
        ),
    )
    return [(name, uri, f"{ROOT}/{folder}", variable) for name, uri, folder, variable in places if uri]


def _uri(baseline: Document, file: str) -> str | None:
    uri: str | None = baseline.get(f"{file}Resource", {}).get("S3Uri")
    return uri


def _job(work: Work, name: str) -> Request:
    request: Request = {
        "ProcessingJobName": name,
        "ProcessingResources": {"ClusterConfig": work.resources["ClusterConfig"]},
        "RoleArn": work.role,
        "StoppingCondition": {"MaxRuntimeInSeconds": work.runtime_s or DEFAULT_RUNTIME_S},
    }
    if work.network is not None:
        request["NetworkConfig"] = work.network
    return request


def _outputs(work: Work, execution: Execution) -> dict[str, Any]:
    output = work.output["MonitoringOutputs"][0]["S3Output"]
    parts = (
        output["S3Uri"].rstrip("/"),
        work.endpoint,
        execution.schedule,
        f"{execution.scheduled:%Y/%m/%d/%H}",
    )
    place = {
        "LocalPath": output["LocalPath"],
        "S3Uri": "/".join(part for part in parts if part),
        "S3UploadMode": output.get("S3UploadMode", "Continuous"),
    }
    found: dict[str, Any] = {"Outputs": [{"OutputName": "result", "S3Output": place}]}
    if key := work.output.get("KmsKeyId"):
        found["KmsKeyId"] = key
    return found


def _input(name: str, folder: Folder, work: Work, root: str | None = None) -> Request:
    return {
        "InputName": name,
        "S3Input": {
            "LocalPath": f"{(root or work.source['LocalPath']).rstrip('/')}/{folder.inside}",
            "S3Uri": folder.uri,
            "S3DataType": folder.kind,
            "S3InputMode": work.source.get("S3InputMode", "File"),
            "S3DataDistributionType": work.source.get("S3DataDistributionType", "FullyReplicated"),
            "S3CompressionType": "None",
        },
    }


def _file(name: str, uri: str, folder: str) -> Request:
    return {
        "InputName": name,
        "S3Input": {
            "LocalPath": folder,
            "S3Uri": uri,
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
        },
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
