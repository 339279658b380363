"""What a monitoring schedule runs: requests of CreateDataQualityJobDefinition and CreateModelQualityJobDefinition.

A definition cannot be changed, so it is named by its content, and a schedule goes from one to the next. The content
holds the schedule's expression too: listing schedules tells the definition of each, and so all that there is to know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contender.watching.view import Baseline
from contender.watching.wishes import Kind, Wishes

OPERATIONS: Mapping[Kind, str] = {"data": "data_quality_job_definition", "quality": "model_quality_job_definition"}
"""The noun of boto3's methods."""
TYPES: Mapping[Kind, str] = {"data": "DataQuality", "quality": "ModelQuality"}
MAX_RUNTIME_S = 1800
"""An hourly execution that merges the truth first has half an hour for each of its two jobs."""
VOLUME_GB = 20
INPUT = "/opt/ml/processing/input/endpoint"
OUTPUT = "/opt/ml/processing/output"
SCRIPT = "preprocessor.py"
PROBABILITY = "0"
"""Model quality is told from answers in text/csv: the first column, which is the only one."""
THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Definition:
    """What is run, and the folder of the files that it names."""

    name: str
    request: Mapping[str, Any]
    folder: str


def definition(wishes: Wishes, endpoint: str, kind: Kind, baseline: Baseline, artifact: str) -> Definition:
    """What is compared with is prepared from what the champion registered (`baseline.py`)."""
    how = [artifact, wishes.script] if kind == "data" else [f"{wishes.quality_margin:g}"]
    inputs = [baseline.statistics, baseline.constraints, *how]
    digest = hashlib.sha256("\n".join(inputs).encode()).hexdigest()[:16]
    folder = f"s3://{wishes.bucket}/monitoring/{endpoint}/baselines/{digest}"
    type_ = TYPES[kind]
    application: dict[str, Any] = {
        "ImageUri": wishes.image,
        # AWS's image would publish several metrics a column, each of which CloudWatch bills for; nothing reads them.
        "Environment": {"publish_cloudwatch_metrics": "Disabled"},
    }
    source: dict[str, Any] = {
        "EndpointName": endpoint,
        "LocalPath": INPUT,
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
    }
    job_input: dict[str, Any] = {"EndpointInput": source}
    if kind == "data":
        application["RecordPreprocessorSourceUri"] = f"{folder}/{SCRIPT}"
    else:
        application["ProblemType"] = "BinaryClassification"
        source |= {
            "ProbabilityAttribute": PROBABILITY,
            "ProbabilityThresholdAttribute": THRESHOLD,
            "StartTimeOffset": f"-PT{wishes.truth_hours}H",
            "EndTimeOffset": "-PT0H",
        }
        job_input["GroundTruthS3Input"] = {"S3Uri": f"s3://{wishes.bucket}/ground-truth/{endpoint}"}
    compared: dict[str, Any] = {"ConstraintsResource": {"S3Uri": f"{folder}/constraints.json"}}
    if kind == "data":
        compared["StatisticsResource"] = {"S3Uri": f"{folder}/statistics.json"}
    request = {
        f"{type_}BaselineConfig": compared,
        f"{type_}AppSpecification": application,
        f"{type_}JobInput": job_input,
        f"{type_}JobOutputConfig": {
            "MonitoringOutputs": [
                {
                    "S3Output": {
                        # SageMaker adds the endpoint, the schedule and the hour.
                        "S3Uri": f"s3://{wishes.bucket}/monitoring",
                        "LocalPath": OUTPUT,
                        "S3UploadMode": "EndOfJob",
                    }
                }
            ]
        },
        "JobResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": wishes.instance_type, "VolumeSizeInGB": VOLUME_GB}
        },
        "RoleArn": wishes.role_arn,
        "StoppingCondition": {"MaxRuntimeInSeconds": MAX_RUNTIME_S},
    }
    content = [kind, wishes.schedule, json.dumps(request, sort_keys=True)]
    return Definition(wishes.names.job_definition(endpoint, content), request, folder)
