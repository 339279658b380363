"""Executions and logs that a test sets up, behind the calls that following them makes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from click.testing import Result

from contender.errors import ContenderError
from contender.naming import Names
from tests.lambdas.fakes import Fake, client_error, operation
from tests.pipelines.fakes import FakeS3
from tests.pipelines.full_definition import full_definition

NAMES = Names("contender")
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
BUCKET = "contender-data"
JOB = "arn:aws:sagemaker:us-east-1:000000000000:processing-job/check-1"
REPORT = "s3://contender-artifacts/report/constraint_violations.json"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class FakeExecutions(Fake):
    """Executions of the full definition, each with the steps that a test gives it."""

    service = "sagemaker"

    def __init__(self) -> None:
        super().__init__()
        self.executions: list[dict[str, Any]] = []
        self.deployed = {NAMES.pipeline}
        self.interrupted = False

    def add(self, name: str, status: str, started: datetime = START, **more: Any) -> str:
        """Of the training pipeline unless `pipeline` says another; `steps` are the service's own records."""
        owner = more.get("pipeline", NAMES.pipeline)
        identity = f"{len(self.executions):012d}"
        arn = f"arn:aws:sagemaker:us-east-1:000000000000:pipeline/{owner}/execution/{identity}"
        self.executions.append({"arn": arn, "name": name, "status": status, "started": started, "of": owner, **more})
        return arn

    def get_paginator(self, name: str) -> Any:
        fake = self

        class Paginator:
            @staticmethod
            def paginate(**request: Any) -> Iterator[dict[str, Any]]:
                yield getattr(fake, name)(**request)

        return Paginator()

    @operation
    def list_pipeline_executions(self, *, PipelineName: str, **request: Any) -> dict[str, Any]:
        if PipelineName not in self.deployed:
            raise client_error("ListPipelineExecutions", "ResourceNotFound", "Pipeline does not exist.")
        mine = [each for each in self.executions if each["of"] == PipelineName]
        return {
            "PipelineExecutionSummaries": [
                {
                    "PipelineExecutionArn": each["arn"],
                    "PipelineExecutionDisplayName": each["name"],
                    "PipelineExecutionStatus": each["status"],
                    "StartTime": each["started"],
                }
                for each in sorted(mine, key=lambda each: each["started"], reverse=True)
            ]
        }

    @operation
    def describe_pipeline_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        if self.interrupted:
            raise KeyboardInterrupt
        each = self._find(PipelineExecutionArn)
        reason = {"FailureReason": each["reason"]} if "reason" in each else {}
        return {
            "PipelineExecutionArn": each["arn"],
            "PipelineExecutionDisplayName": each["name"],
            "PipelineExecutionStatus": each["status"],
            "CreationTime": each["started"],
            "LastModifiedTime": each["started"] + timedelta(seconds=90),
            **reason,
        }

    @operation
    def describe_pipeline_definition_for_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        return {"PipelineDefinition": json.dumps(full_definition())}

    @operation
    def list_pipeline_parameters_for_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        given = self._find(PipelineExecutionArn).get("parameters", {})
        return {"PipelineParameters": [{"Name": name, "Value": value} for name, value in given.items()]}

    @operation
    def list_pipeline_execution_steps(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        return {"PipelineExecutionSteps": self._find(PipelineExecutionArn).get("steps", [])}

    @operation
    def stop_pipeline_execution(self, *, PipelineExecutionArn: str, ClientRequestToken: str) -> dict[str, Any]:
        self._find(PipelineExecutionArn)["status"] = "Stopping"
        return {"PipelineExecutionArn": PipelineExecutionArn}

    @operation
    def retry_pipeline_execution(self, *, PipelineExecutionArn: str, ClientRequestToken: str) -> dict[str, Any]:
        self._find(PipelineExecutionArn)["status"] = "Executing"
        return {"PipelineExecutionArn": PipelineExecutionArn}

    def _find(self, arn: str) -> dict[str, Any]:
        return next(each for each in self.executions if each["arn"] == arn)


class FakeLogs:
    """Every stream of every group has the same lines."""

    lines = tuple(f"line {number}" for number in range(40))

    def get_paginator(self, name: str) -> Any:
        class Paginator:
            @staticmethod
            def paginate(*, logGroupName: str, logStreamNamePrefix: str, **request: Any) -> list[dict[str, Any]]:
                assert logGroupName == "/aws/sagemaker/ProcessingJobs"
                events = [
                    {"timestamp": number, "message": text, "logStreamName": f"{logStreamNamePrefix}algo-1"}
                    for number, text in enumerate(FakeLogs.lines)
                ]
                return [{"events": events}]

        return Paginator()


def step(name: str, status: str = "Succeeded", ended: float = 1.5, **more: Any) -> dict[str, Any]:
    times: dict[str, Any] = {"StartTime": START}
    if status != "Executing":
        times["EndTime"] = at(ended)
    return {"StepName": name, "StepStatus": status, **times, **more}


def check(**said: Any) -> dict[str, Any]:
    return {"QualityCheck": {"CheckType": "DATA_QUALITY", "CheckJobArn": JOB, **said}}


def upload(s3: FakeS3, key: str, when: datetime) -> str:
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    s3.modified = when
    return f"s3://{BUCKET}/{key}"


Run = Callable[..., Result]


def refusal(result: Result) -> str:
    assert isinstance(result.exception, ContenderError), result.exception
    return str(result.exception)
