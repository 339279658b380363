"""An execution of the full definition, its jobs, logs and files, behind the calls that its pages make."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from starlette.testclient import TestClient

from contender.config import load
from contender.studio.access import Access
from contender.studio.app import studio
from contender.studio.desk import Clients, Desk
from tests.conftest import REPOSITORY
from tests.executions.fakes import NAMES, START, FakeExecutions
from tests.lambdas.fakes import client_error, operation
from tests.pipelines.full_definition import full_definition
from tests.studio.fakes import FakeClient

ARN = f"arn:aws:sagemaker:us-east-1:000000000000:pipeline/{NAMES.pipeline}"
FOLDER = "s3://contender-artifacts/runs/north/1"
ODD = "\"><script>alert('x')</script> & Söhne, a name of sixty characters …"


def job(kind: str, name: str) -> dict[str, Any]:
    return {kind: {"Arn": f"arn:aws:sagemaker:us-east-1:000000000000:{kind.lower()}/{name}"}}


class FakeSageMaker(FakeExecutions, FakeClient):
    """Executions, the pipeline that they are of, and jobs by name as their description has them."""

    def __init__(self) -> None:
        super().__init__()
        self.definition = full_definition()
        self.jobs: dict[str, dict[str, Any]] = {}

    @operation
    def describe_pipeline(self, *, PipelineName: str, PipelineVersionId: int | None = None) -> dict[str, Any]:
        if PipelineName not in self.deployed:
            raise client_error("DescribePipeline", "ResourceNotFound", "no such pipeline")
        return {
            "PipelineArn": f"{ARN.rpartition('/')[0]}/{PipelineName}",
            "PipelineDescription": "Trains. Commit 0123456789, by ada.",
            "PipelineDefinition": json.dumps(self.definition),
            "LastModifiedTime": START,
            "PipelineVersionDescription": self._note("0123456789abcdef"),
        }

    @operation
    def list_pipeline_versions(self, *, PipelineName: str, **request: Any) -> dict[str, Any]:
        notes = [self._note("0123456789abcdef", "fedcba98765432"), "somebody else's words"]
        found = [
            {"PipelineVersionId": 2 - place, "CreationTime": START, "PipelineVersionDescription": note}
            for place, note in enumerate(notes)
        ]
        return {"PipelineVersionSummaries": found}

    @operation
    def describe_pipeline_definition_for_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        self._found(PipelineExecutionArn)
        return {"PipelineDefinition": json.dumps(self.definition)}

    @operation
    def describe_pipeline_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        described = super().describe_pipeline_execution(PipelineExecutionArn=PipelineExecutionArn)
        return {**described, "PipelineVersionId": 1}

    @operation
    def describe_processing_job(self, *, ProcessingJobName: str) -> dict[str, Any]:
        return self._job("DescribeProcessingJob", ProcessingJobName)

    @operation
    def describe_training_job(self, *, TrainingJobName: str) -> dict[str, Any]:
        return self._job("DescribeTrainingJob", TrainingJobName)

    @operation
    def describe_transform_job(self, *, TransformJobName: str) -> dict[str, Any]:
        return self._job("DescribeTransformJob", TransformJobName)

    @operation
    def describe_hyper_parameter_tuning_job(self, *, HyperParameterTuningJobName: str) -> dict[str, Any]:
        return self._job("DescribeHyperParameterTuningJob", HyperParameterTuningJobName)

    @operation
    def list_training_jobs_for_hyper_parameter_tuning_job(self, **request: Any) -> dict[str, Any]:
        return self._job("ListTrainingJobsForHyperParameterTuningJob", "trainings")

    def _job(self, operation: str, name: str) -> dict[str, Any]:
        if name not in self.jobs:
            raise client_error(operation, "ValidationException", "Requested resource not found.")
        return self.jobs[name]

    def _found(self, arn: str) -> None:
        if arn not in {each["arn"] for each in self.executions}:
            raise client_error("DescribePipelineDefinitionForExecution", "ResourceNotFound", "no such execution")

    @staticmethod
    def _note(commit: str, *also: str) -> str:
        return json.dumps({"release": "r", "commit": commit, "by": "ada", "also": list(also), "back_to": None})


class FakeFiles(FakeClient):
    """S3, which takes keys for keys: what would be a way out of a folder is just another name."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.read: list[tuple[str, str]] = []

    def list_objects_v2(self, *, Bucket: str, Prefix: str, MaxKeys: int) -> dict[str, Any]:
        found = sorted(uri for uri in self.objects if uri.startswith(f"s3://{Bucket}/{Prefix}"))
        contents = [
            {"Key": key.removeprefix(f"s3://{Bucket}/"), "Size": len(self.objects[key]), "LastModified": START}
            for key in found[:MaxKeys]
        ]
        return {"Contents": contents, "IsTruncated": len(found) > MaxKeys}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        uri = f"s3://{Bucket}/{Key}"
        if uri not in self.objects:
            raise client_error("HeadObject", "404", "Not Found", 404)
        return {"ETag": '"0"', "ContentLength": len(self.objects[uri]), "LastModified": START}

    def get_object(self, *, Bucket: str, Key: str, Range: str) -> dict[str, Any]:
        uri = f"s3://{Bucket}/{Key}"
        self.read.append((uri, Range))
        first, _, last = Range.removeprefix("bytes=").partition("-")
        if int(first) >= len(self.objects[uri]):
            raise client_error("GetObject", "InvalidRange", "not satisfiable", 416)
        return {"Body": io.BytesIO(self.objects[uri][int(first) : int(last) + 1])}


class FakeLogs(FakeClient):
    """Streams of each group by name, and their lines, the oldest first."""

    def __init__(self) -> None:
        self.streams: dict[str, list[str]] = {}
        self.asked: list[Mapping[str, Any]] = []

    def describe_log_streams(self, *, logGroupName: str, logStreamNamePrefix: str, limit: int) -> dict[str, Any]:
        if not self.streams:
            raise client_error("DescribeLogStreams", "ResourceNotFoundException", "no such group")
        found = [name for name in sorted(self.streams) if name.startswith(logStreamNamePrefix)]
        return {"logStreams": [{"logStreamName": name} for name in found[:limit]]}

    def get_log_events(
        self, *, logGroupName: str, logStreamName: str, limit: int, startFromHead: bool
    ) -> dict[str, Any]:
        assert not startFromHead
        begin = START.timestamp() * 1000
        lines = list(enumerate(self.streams[logStreamName]))[-limit:]
        return {"events": [{"timestamp": int(begin + number), "message": text} for number, text in lines]}

    def get_paginator(self, name: str) -> Any:
        fake = self

        class Paginator:
            @staticmethod
            def paginate(**request: Any) -> Iterator[dict[str, Any]]:
                assert name == "filter_log_events"
                fake.asked.append(request)
                yield {"events": []}

        return Paginator()


class World:
    """What pages are asked for, and what they are answered from."""

    def __init__(self) -> None:
        self.sagemaker, self.s3, self.logs = FakeSageMaker(), FakeFiles(), FakeLogs()
        self.now = START + timedelta(hours=1)
        self.settings = load(REPOSITORY / "contender.yaml", environ={})

    @contextmanager
    def browser(self) -> Iterator[TestClient]:
        desk = Desk(self.settings, Clients(lambda name, _: self.client(name), "us-east-1"), clock=self.clock)
        yield TestClient(studio(desk, Access()), base_url="http://127.0.0.1")
        desk.pool.shutdown()

    def client(self, service: str) -> Any:
        return {"sagemaker": self.sagemaker, "s3": self.s3, "logs": self.logs}[service]

    def clock(self) -> datetime:
        return self.now

    def execution(self, status: str = "Succeeded", name: str = "north-89abcdef", **more: Any) -> str:
        """The address of a new one."""
        arn = self.sagemaker.add(name, status, **more)
        return f"/executions/{NAMES.pipeline}/{arn.rpartition('/')[2]}"

    def processing(self, name: str, outputs: Mapping[str, str], **more: Any) -> None:
        self.sagemaker.jobs[name] = {
            "ProcessingJobName": name,
            "ProcessingJobArn": f"arn:aws:sagemaker:us-east-1:000000000000:processing-job/{name}",
            "ProcessingJobStatus": "Completed",
            "CreationTime": START,
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
            },
            "AppSpecification": {"ImageUri": "image:1", "ContainerArguments": ["--label=Churn?", "--quiet"]},
            "ProcessingInputs": [
                {"InputName": "data", "S3Input": {"S3Uri": "s3://contender-data/a.csv", "S3DataType": "S3Prefix"}}
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": output,
                        "S3Output": {"S3Uri": uri, "LocalPath": f"/opt/ml/{output}", "S3UploadMode": "EndOfJob"},
                    }
                    for output, uri in outputs.items()
                ]
            },
            **more,
        }
