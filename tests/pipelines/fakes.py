"""SageMaker's pipelines and S3 in memory; requests and answers are checked against botocore's model."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.lambdas.fakes import Fake, client_error, operation

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/contender"


def _arn(name: str) -> str:
    return f"{ARN.rpartition('/')[0]}/{name}"


class FakePipelines(Fake):
    """Pipelines by name, and executions of the first that a test makes and moves."""

    service = "sagemaker"

    def __init__(self) -> None:
        super().__init__()
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.tags: dict[str, str] = {}
        self.executions: list[dict[str, Any]] = []

    @property
    def pipeline(self) -> dict[str, Any] | None:
        """The one that trains."""
        return self.pipelines.get("contender")

    def add_execution(self, display_name: str, status: str, reason: str = "", **steps: str) -> dict[str, Any]:
        """The latest execution; `steps` are names and statuses."""
        execution = {
            "arn": f"{ARN}/execution/{len(self.executions):012d}",
            "name": display_name,
            "status": status,
            "reason": reason,
            "steps": steps,
        }
        self.executions.insert(0, execution)
        return execution

    def get_paginator(self, name: str) -> Any:
        fake = self

        class Paginator:
            def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
                yield getattr(fake, name)(**request)

        return Paginator()

    @operation
    def describe_pipeline(self, *, PipelineName: str, PipelineVersionId: int | None = None) -> dict[str, Any]:
        if PipelineName not in self.pipelines:
            raise client_error("DescribePipeline", "ResourceNotFound", "Pipeline does not exist.")
        described = {"PipelineArn": _arn(PipelineName), **self.pipelines[PipelineName]}
        if PipelineVersionId is not None:
            described["PipelineDefinition"] = self.versions[PipelineName][PipelineVersionId - 1]["PipelineDefinition"]
        return described

    @operation
    def create_pipeline(self, **request: Any) -> dict[str, Any]:
        name = request["PipelineName"]
        self.pipelines[name] = {key: value for key, value in request.items() if key != "ClientRequestToken"}
        self._add_version(name, request["PipelineDefinition"])
        return {"PipelineArn": _arn(name)}

    @operation
    def update_pipeline(self, **request: Any) -> dict[str, Any]:
        name = request["PipelineName"]
        self.pipelines[name] |= request
        return {"PipelineArn": _arn(name), "PipelineVersionId": self._add_version(name, request["PipelineDefinition"])}

    @operation
    def list_pipeline_versions(
        self, *, PipelineName: str, SortOrder: str, MaxResults: int, NextToken: str = "0"
    ) -> dict[str, Any]:
        """Pages of two at most, so that a reader of one page misses some."""
        assert (SortOrder, MaxResults) == ("Descending", 100)
        if PipelineName not in self.pipelines:
            raise client_error("ListPipelineVersions", "ResourceNotFound", "Pipeline does not exist.")
        rows = [
            {key: value for key, value in version.items() if key != "PipelineDefinition"}
            for version in reversed(self.versions[PipelineName])
        ]
        end = int(NextToken) + 2
        more = {"NextToken": str(end)} if end < len(rows) else {}
        return {"PipelineVersionSummaries": rows[int(NextToken) : end], **more}

    @operation
    def update_pipeline_version(
        self, *, PipelineArn: str, PipelineVersionId: int, PipelineVersionDescription: str
    ) -> dict[str, Any]:
        version = self.versions[PipelineArn.rpartition("/")[2]][PipelineVersionId - 1]
        version["PipelineVersionDescription"] = PipelineVersionDescription
        return {"PipelineArn": PipelineArn, "PipelineVersionId": PipelineVersionId}

    @operation
    def add_tags(self, *, ResourceArn: str, Tags: list[dict[str, str]]) -> dict[str, Any]:
        self.tags |= {f"{ResourceArn.rpartition('/')[2]}.{tag['Key']}": tag["Value"] for tag in Tags}
        return {"Tags": Tags}

    def _add_version(self, name: str, definition: str) -> int:
        kept = self.versions.setdefault(name, [])
        moment = NOW + timedelta(seconds=sum(len(each) for each in self.versions.values()))
        number = len(kept) + 1
        kept.append({"PipelineVersionId": number, "CreationTime": moment, "PipelineDefinition": definition})
        return number

    @operation
    def list_model_packages(self, *, ModelPackageGroupName: str, **request: Any) -> dict[str, Any]:
        raise client_error("ListModelPackages", "ValidationException", f"{ModelPackageGroupName} does not exist.")

    @operation
    def start_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        if request["PipelineName"] not in self.pipelines:
            raise client_error("StartPipelineExecution", "ResourceNotFound", "Pipeline does not exist.")
        execution = self.add_execution(request["PipelineExecutionDisplayName"], "Executing")
        return {"PipelineExecutionArn": execution["arn"]}

    @operation
    def retry_pipeline_execution(self, *, PipelineExecutionArn: str, ClientRequestToken: str) -> dict[str, Any]:
        self._find(PipelineExecutionArn)["status"] = "Executing"
        return {"PipelineExecutionArn": PipelineExecutionArn}

    @operation
    def list_pipeline_executions(self, *, PipelineName: str, **request: Any) -> dict[str, Any]:
        if PipelineName not in self.pipelines:
            raise client_error("ListPipelineExecutions", "ResourceNotFound", "Pipeline does not exist.")
        return {
            "PipelineExecutionSummaries": [
                {
                    "PipelineExecutionArn": each["arn"],
                    "PipelineExecutionDisplayName": each["name"],
                    "PipelineExecutionStatus": each["status"],
                    "StartTime": NOW,
                }
                for each in self.executions
            ]
        }

    @operation
    def describe_pipeline_definition_for_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        assert self.pipeline is not None
        return {"PipelineDefinition": self.pipeline["PipelineDefinition"]}

    @operation
    def list_pipeline_parameters_for_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        return {"PipelineParameters": [{"Name": "Dimension", "Value": "A"}]}

    @operation
    def describe_pipeline_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        execution = self._find(PipelineExecutionArn)
        return {
            "PipelineExecutionArn": PipelineExecutionArn,
            "PipelineExecutionDisplayName": execution["name"],
            "PipelineExecutionStatus": execution["status"],
            **({"FailureReason": execution["reason"]} if execution["reason"] else {}),
        }

    @operation
    def list_pipeline_execution_steps(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        steps = [
            {
                "StepName": name,
                "StepStatus": status,
                "StartTime": NOW,
                **({"EndTime": NOW + timedelta(seconds=1.5)} if status != "Executing" else {}),
                **({"FailureReason": "it broke"} if status == "Failed" else {}),
            }
            for name, status in self._find(PipelineExecutionArn)["steps"].items()
        ]
        return {"PipelineExecutionSteps": steps}

    def _find(self, arn: str) -> dict[str, Any]:
        return next(each for each in self.executions if each["arn"] == arn)


class FakeS3:
    """Objects by bucket and key."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.order: list[str] = []
        self.modified = NOW

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if (Bucket, Key) not in self.objects:
            raise client_error("HeadObject", "404", "Not Found", 404)
        return {"ETag": '"0123abcd"'}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:
        self.objects[Bucket, Key] = Body
        self.order.append(Key)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if (Bucket, Key) not in self.objects:
            raise client_error("GetObject", "NoSuchKey", "The specified key does not exist.", 404)
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}

    def list_objects_v2(self, *, Bucket: str, Prefix: str, MaxKeys: int) -> dict[str, Any]:
        found = [key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix)][:MaxKeys]
        return {"Contents": [{"Key": key} for key in found]} if found else {}

    def get_paginator(self, name: str) -> Any:
        assert name == "list_objects_v2"
        fake = self

        class Paginator:
            @staticmethod
            def paginate(*, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
                found = [key for bucket, key in fake.objects if bucket == Bucket and key.startswith(Prefix)]
                yield {"Contents": [{"Key": key, "LastModified": fake.modified} for key in found]} if found else {}

        return Paginator()

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        with open(path, "rb") as file:
            self.put_object(Bucket=bucket, Key=key, Body=file.read())


class FakeSts:
    """Somebody who asks."""

    def get_caller_identity(self) -> dict[str, Any]:
        return {"Arn": "arn:aws:iam::000000000000:user/ada"}


class FakeCloudFormation:
    """A deployed core stack."""

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        outputs = {
            "DataBucket": "contender-data",
            "LockTable": "contender-locks",
            "ArtifactBucket": "contender-artifacts",
            "PipelineRoleArn": "arn:aws:iam::000000000000:role/contender-pipeline",
            "ChampionFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:contender-champion",
            "ModelFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:contender-model",
            "DeployFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:contender-deploy",
        }
        return {
            "Stacks": [
                {
                    "StackName": StackName,
                    "StackStatus": "CREATE_COMPLETE",
                    "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
                }
            ]
        }
