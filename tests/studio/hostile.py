"""A project in which everything that somebody can name or write is the same hostile text."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from contender.experiments.goal import Goal
from contender.experiments.verdict import Outcome, Verdict
from contender.naming import Names
from contender.rollout.decision import Decision, Entry, Event
from contender.rollout.documents import dumps
from contender.rollout.observation import Command, HookOutcome, HookResult, Observation, Verb
from contender.rollout.state import Phase, State, Track
from tests.lambdas.world import PATIENT
from tests.studio.recorded import Answer

NAMES = Names("contender")
AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
ACCOUNT = "arn:aws:sagemaker:us-east-1:123456789012"
EXECUTION = f"{ACCOUNT}:pipeline/contender/execution/abcdefabcdef"
ENDPOINT = NAMES.endpoint("north")
BUCKET = "artifacts-bucket-123456789012"
REPORTS = ("evaluation.json", "constraint_violations.json", "analysis.json", "statistics.json")


def hostile_world(text: str) -> dict[str, Answer]:
    """What AWS answers; each text begins with where it stands."""
    return {**_executions(text), **_job(text), **_models(text), **_endpoint(text), **_rollout(text)}


def _executions(text: str) -> dict[str, Answer]:
    steps = [
        {
            "Name": "Prepare",
            "DisplayName": f"title: {text}",
            "Description": f"about: {text}",
            "Type": "Processing",
            "Arguments": {text: text},
        },
        {"Name": text, "Type": text, "DependsOn": ["Prepare"]},
    ]
    parameter = {"Name": text, "Type": "String", "DefaultValue": f"default: {text}"}
    definition = json.dumps({"Version": "2020-12-01", "Parameters": [parameter], "Steps": steps})
    note = json.dumps({"release": text, "commit": text, "by": text, "also": [text], "back_to": None})
    described = {"PipelineExecutionArn": EXECUTION, "PipelineExecutionDisplayName": f"name: {text}"}
    why = f"execution reason: {text}"
    step = {"StartTime": AT, "EndTime": AT, "FailureReason": f"step reason: {text}", "StepStatus": "Failed"}
    done = {"ProcessingJob": {"Arn": f"{ACCOUNT}:processing-job/prepare"}}
    return {
        "DescribePipeline": {
            "PipelineArn": f"{ACCOUNT}:pipeline/contender",
            "PipelineDescription": f"description: {text}",
            "PipelineDefinition": definition,
            "LastModifiedTime": AT,
            "PipelineVersionDescription": note,
        },
        "ListPipelineVersions": {
            "PipelineVersionSummaries": [
                {"PipelineVersionId": 1, "CreationTime": AT, "PipelineVersionDescription": each}
                for each in (note, text)
            ]
        },
        "ListPipelineExecutions": {
            "PipelineExecutionSummaries": [
                {
                    **described,
                    "PipelineExecutionStatus": "Failed",
                    "PipelineExecutionFailureReason": why,
                    "StartTime": AT,
                }
            ]
        },
        "DescribePipelineDefinitionForExecution": {"PipelineDefinition": definition},
        "ListPipelineParametersForExecution": {
            "PipelineParameters": [{"Name": name, "Value": f"{name}: {text}"} for name in (text, "InputDataUri")]
        },
        "DescribePipelineExecution": {
            **described,
            "PipelineExecutionStatus": "Failed",
            "FailureReason": why,
            "CreationTime": AT,
            "LastModifiedTime": AT,
            "PipelineVersionId": 1,
        },
        "ListPipelineExecutionSteps": {
            "PipelineExecutionSteps": [
                {"StepName": "Prepare", "Metadata": done, **step},
                {"StepName": text, "Metadata": {text: {text: text}}, **step},
            ]
        },
        "Search": {"Results": []},
        "DescribeTrialComponent": _absent("DescribeTrialComponent"),
        "ListTags": {"Tags": []},
    }


def _job(text: str) -> dict[str, Answer]:
    captured = {
        "captureData": {
            "endpointInput": {"data": f"asked: {text}", "encoding": "CSV"},
            "endpointOutput": {"data": f"answered: {text}", "encoding": "CSV"},
        },
        "eventMetadata": {"inferenceTime": "2026-11-30T12:00:00Z", "inferenceId": text},
    }
    rules = {text: {"verdict": text, "sentence": f"rule: {text}", "figure": 1, "limit": 1}}
    measured = {"auc": {"value": 0.9}, "confusion_matrix": {text: {text: 1}}, text: {"value": 1}}
    document = {
        "binary_classification_metrics": measured,
        "champion": {"version": text, **measured},
        "gate": {"passed": False, "reason": f"gate: {text}", "rules": rules},
        "violations": [{"feature_name": text, "constraint_check_type": text, "description": text}],
        "explanations": {"kernel_shap": {text: {"global_shap_values": {text: 1.0, "other": 2.0}}}},
        "features": [{"name": text, "inferred_type": text}],
        "note": f"in the file: {text}",
    }

    def objects(request: Mapping[str, Any]) -> Mapping[str, Any]:
        folder = request["Prefix"]
        if request.get("Delimiter"):
            return {"CommonPrefixes": [{"Prefix": f"{folder}12/"}]}
        names = [*REPORTS, text, f"{text}/{text}.csv", "report.json"]
        return {"Contents": [{"Key": f"{folder}{name}", "Size": 10, "LastModified": AT} for name in names]}

    def found(request: Mapping[str, Any]) -> Mapping[str, Any]:
        if request["Bucket"].startswith("captured"):
            body = json.dumps(captured)
        elif request["Key"].endswith(".csv"):
            body = 'name\n"in the file: {}"\n'.format(text.replace('"', '""'))
        else:
            body = json.dumps(document, ensure_ascii=False)
        return {"Body": io.BytesIO(body.encode())}

    return {
        "DescribeProcessingJob": {
            "ProcessingJobName": "prepare",
            "ProcessingJobStatus": "Failed",
            "FailureReason": f"job reason: {text}",
            "ProcessingResources": {"ClusterConfig": {"InstanceType": text, "InstanceCount": 1}},
            "AppSpecification": {"ImageUri": text, "ContainerArguments": [f"--{text}={text}"]},
            "Environment": {text: text},
            "ProcessingInputs": [{"InputName": text, "S3Input": {"S3Uri": f"s3://{BUCKET}/{text}"}}],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {"OutputName": name, "S3Output": {"S3Uri": f"s3://{BUCKET}/out/{number}"}}
                    for number, name in enumerate(("train", text))
                ]
            },
        },
        "DescribeLogStreams": {"logStreams": [{"logStreamName": "prepare/algo-1"}]},
        "GetLogEvents": {"events": [{"timestamp": AT.timestamp() * 1000, "message": f"said: {text}"}]},
        "ListObjectsV2": objects,
        "HeadObject": {"ContentLength": 10, "LastModified": AT, "ETag": '"0"'},
        "GetObject": found,
    }


def _models(text: str) -> dict[str, Answer]:
    def package(number: int) -> dict[str, Any]:
        return {
            "ModelPackageVersion": number,
            "ModelPackageArn": f"{ACCOUNT}:model-package/{NAMES.group('north')}/{number}",
            "ModelPackageGroupName": NAMES.group("north"),
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": "PendingManualApproval",
            "CreationTime": AT,
            "ModelLifeCycle": {
                "Stage": "Challenger",
                "StageStatus": "Pending",
                "StageDescription": f"why it stands: {text}",
            },
        }

    def described(request: Mapping[str, Any]) -> Mapping[str, Any]:
        address = f"s3://{BUCKET}/report.json"
        return {
            **package(int(request["ModelPackageName"].rpartition("/")[2])),
            "ApprovalDescription": f"approved: {text}",
            "CustomerMetadataProperties": {text: f"metadata: {text}", "executionArn": EXECUTION, "dataUri": text},
            "ModelMetrics": {"ModelQuality": {"Statistics": {"S3Uri": address}}, "Bias": {"Report": {"S3Uri": text}}},
            "InferenceSpecification": {"Containers": [{"Image": text}]},
            "ModelCard": {"ModelCardStatus": text, "ModelCardContent": f"card: {text}"},
        }

    return {
        "ListModelPackages": {"ModelPackageSummaryList": [package(2), package(1)]},
        "DescribeModelPackage": described,
    }


def _endpoint(text: str) -> dict[str, Answer]:
    variants = ("v1", "v2", text)
    alarm = {"StateValue": "ALARM", "StateReason": f"alarm: {text}", "StateUpdatedTimestamp": AT}
    return {
        "DescribeEndpoint": {
            "EndpointName": ENDPOINT,
            "EndpointConfigName": f"{ENDPOINT}-1",
            "EndpointStatus": "InService",
            "FailureReason": f"failure: {text}",
            "CreationTime": AT,
            "LastModifiedTime": AT,
            "ProductionVariants": [
                {"VariantName": name, "CurrentWeight": 1.0, "DesiredWeight": 1.0, "CurrentInstanceCount": 1}
                for name in variants
            ],
        },
        "DescribeEndpointConfig": {
            "EndpointConfigName": f"{ENDPOINT}-1",
            "CreationTime": AT,
            "ProductionVariants": [
                {"VariantName": name, "ModelName": text, "InstanceType": text, "InitialVariantWeight": 1.0}
                for name in variants
            ],
            "DataCaptureConfig": {
                "EnableCapture": True,
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": "s3://captured-bucket-123456789012/here",
            },
        },
        "ListEndpointConfigs": {"EndpointConfigs": [{"EndpointConfigName": f"{ENDPOINT}-1"}]},
        "DescribeAlarms": {
            "MetricAlarms": [
                {"AlarmName": f"{ENDPOINT}-errors", "AlarmDescription": f"{ENDPOINT}: {text}. See {text}", **alarm}
            ]
        },
        "DescribeMonitoringSchedule": _absent("DescribeMonitoringSchedule"),
    }


def _rollout(text: str) -> dict[str, Answer]:
    track = Track(2, Phase.RAMPING, 1, AT, AT, AT, code="holds", reason=f"track: {text}", by=text)
    state = State(
        ENDPOINT,
        "north",
        revision=1,
        experiment=1,
        champion=1,
        shares={1: 0.7, 2: 0.3},
        served=True,
        tracks=(track,),
        notes=(f"note: {text}",),
    )
    seen = Observation(
        versions=(1, 2),
        live={1: 0.7, 2: 0.3},
        failed={3: f"failed: {text}"},
        trouble=f"trouble: {text}",
        hooks=(HookResult(2, 1, text, HookOutcome.FAILED, f"hook: {text}"),),
        command=Command(Verb.PAUSE, text, None, f"command: {text}"),
    )
    verdict = Verdict(next(iter(Outcome)), text, {text: 1.0}, f"verdict: {text}")
    decision = Decision(state, {2: verdict}, (Event(text, f"decided: {text}", 2),))
    entry = Entry(AT, text, replace(state, shares={1: 1.0}), seen, decision)
    bodies = {"state": dumps(state), ENDPOINT: dumps(entry), "spec": dumps(replace(PATIENT, goal=Goal()))}

    def row(key: str) -> dict[str, Any]:
        more = {"at": {"S": AT.isoformat()}} if key == ENDPOINT else {}
        return {"sk": {"S": ENDPOINT}, "body": {"S": bodies[key]}, **more}

    def item(request: Mapping[str, Any]) -> Mapping[str, Any]:
        key = request["Key"]["pk"]["S"]
        return {"Item": row(key)} if key in ("state", "spec") else {}

    def items(request: Mapping[str, Any]) -> Mapping[str, Any]:
        asked = [value["S"] for value in request["ExpressionAttributeValues"].values()]
        return {"Items": [row(key) for key in ("state", ENDPOINT) if key in asked]}

    rehearsed = {"Decided": [f"rehearsed: {text}"], "Done": [text], "Reason": text, "Refused": ""}
    return {
        "GetItem": item,
        "Query": items,
        "Invoke": lambda _: {"Payload": io.BytesIO(json.dumps(rehearsed).encode())},
        "GetCallerIdentity": {"Arn": f"arn:aws:iam::123456789012:user/{text}"},
    }


def _absent(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "ResourceNotFound", "Message": "it is not there"}}, operation)
