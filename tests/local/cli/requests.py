"""Requests of the AWS CLI test: the structures that its commands carry, as small as they work."""

from __future__ import annotations

import json
from typing import Any

from botocore import xform_name

from tests.local.cli.aws_cli import Command, ask
from tests.local.serving_models import IMAGE, ROLE

ARN = "arn:aws:sagemaker:us-east-1:000000000000"
SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
MACHINE = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
CLUSTER = {**MACHINE, "VolumeSizeInGB": 1}

TABLE = "\n".join(f"{int(x > 20)},{x},{x % 7}" for x in range(40))  # the label first
FEATURES = "\n".join(f"{x},{x % 7}" for x in range(40))

DOUBLE = """
from pathlib import Path
rows = Path("/opt/ml/processing/input/data/rows.csv").read_text()
Path("/opt/ml/processing/output/rows.csv").write_text(rows * 2)
"""
SLOW_MODEL = """
import time
def model_fn(model_dir): return None
def input_fn(body, content_type): return body
def predict_fn(data, model): time.sleep(60)
"""
SLEEP = ["python3", "-c", "import sys, time; time.sleep(float(sys.argv[1]))"]


def pipeline_definition() -> str:
    """One step that reads the rows at `Data` and sleeps `Seconds`."""
    rows = {"S3Uri": {"Get": "Parameters.Data"}, "LocalPath": "/opt/ml/processing/input/data"}
    step = {
        "Name": "Count",
        "Type": "Processing",
        "Arguments": {
            "AppSpecification": {
                "ImageUri": SKLEARN,
                "ContainerEntrypoint": SLEEP,
                "ContainerArguments": [{"Get": "Parameters.Seconds"}],
            },
            "ProcessingInputs": [
                {"InputName": "data", "S3Input": {**rows, "S3DataType": "S3Prefix", "S3InputMode": "File"}}
            ],
            "ProcessingResources": {"ClusterConfig": CLUSTER},
            "RoleArn": ROLE,
        },
    }
    parameters = [
        {"Name": "Data", "Type": "String"},
        {"Name": "Seconds", "Type": "String", "DefaultValue": "0"},
    ]
    return json.dumps({"Version": "2020-12-01", "Parameters": parameters, "Steps": [step]})


def channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}
    return {"ChannelName": name, "DataSource": source, "ContentType": "text/csv"}


def processing_input(name: str, uri: str) -> dict[str, Any]:
    place = {"LocalPath": f"/opt/ml/processing/input/{name}", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": {"S3Uri": uri, **place}}


def training(bucket: str, data: str) -> dict[str, Any]:
    """What a training job and the trials of a tuning job share."""
    return {
        "RoleArn": ROLE,
        "InputDataConfig": [channel("train", data), channel("validation", data)],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/cli/models"},
        "ResourceConfig": CLUSTER,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }


def tuning(name: str, bucket: str, data: str, rounds: int) -> Command:
    """Two trials, which search for the step size."""
    eta = {"Name": "eta", "MinValue": "0.1", "MaxValue": "0.5"}
    return ask(
        "create-hyper-parameter-tuning-job",
        hyper_parameter_tuning_job_name=name,
        hyper_parameter_tuning_job_config={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:logloss"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"ContinuousParameterRanges": [eta]},
        },
        training_job_definition={
            **training(bucket, data),
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "StaticHyperParameters": {"objective": "binary:logistic", "num_round": str(rounds)},
        },
    )


def options(request: dict[str, Any]) -> dict[str, Any]:
    """A request's fields as the CLI names them."""
    return {xform_name(name): value for name, value in request.items()}


def variant(name: str, weight: float) -> dict[str, Any]:
    return {
        "VariantName": name,
        "ModelName": f"cli-{name}",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": weight,
    }


def callback_definition(queue: str) -> str:
    """Two Callback steps; the second takes what the first was answered."""
    steps = [
        {"Name": name, "Type": "Callback", "SqsQueueUrl": queue, "Arguments": arguments, "OutputParameters": outputs}
        for name, arguments, outputs in (
            ("Ask", {}, [{"OutputName": "rows", "OutputType": "Integer"}]),
            ("Check", {"rows": {"Get": "Steps.Ask.OutputParameters['rows']"}}, []),
        )
    ]
    return json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": steps})
