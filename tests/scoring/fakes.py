"""AWS as scoring files uses it, in memory, called by a process that may be killed at any call."""

from __future__ import annotations

import copy
import csv
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from tests.lambdas.fakes.client import Killed, client_error
from tests.measurements.dynamodb import FakeDynamoDB

BUCKET, ARTIFACTS = "contender-inference", "contender-artifacts"
PART_BYTES = 100


class Calls:
    """Every call to AWS: counted, and perhaps the one at which the process is killed, before or after it is done."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.kill_at: tuple[int, bool] | None = None
        self.before: Callable[[str], None] = lambda name: None

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        self.before(name)
        self.made.append(name)
        number = len(self.made)
        if self.kill_at == (number, True):
            raise Killed
        try:
            yield
        finally:
            # an error is an answer, too
            if self.kill_at == (number, False):
                raise Killed


class FakeS3:
    """A bucket with versions, of which each object's newest is last."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.versions: dict[tuple[str, str], list[tuple[str, bytes | None]]] = {}
        self.more_bytes = 0
        """What objects seem to have beside those that are here."""
        self.calls_at_parts: list[int] = []
        """How many calls had been made at each part of an upload in parts."""
        self._count = 0

    def put(self, bucket: str, key: str, body: bytes | None) -> str:
        self._count += 1
        self.versions.setdefault((bucket, key), []).append((f"version-{self._count}", body))
        return f"version-{self._count}"

    def listed(self, bucket: str = BUCKET) -> list[str]:
        """Of the objects that a listing shows."""
        return sorted(
            key
            for (owner, key), found in self.versions.items()
            if owner == bucket and found and found[-1][1] is not None
        )

    def body(self, key: str) -> bytes:
        body = self.versions[BUCKET, key][-1][1]
        assert body is not None
        return body

    def get_object(self, *, Bucket: str, Key: str, VersionId: str = "", Range: str = "") -> dict[str, Any]:
        with self._calls.call("GetObject"):
            body = self._find("GetObject", Bucket, Key, VersionId)[1]
            if not Range:
                return {"Body": io.BytesIO(body)}
            first, last = map(int, Range.removeprefix("bytes=").split("-"))
            return {"Body": io.BytesIO(body[first : last + 1]), "ContentRange": f"bytes {first}-{last}/{len(body)}"}

    def head_object(self, *, Bucket: str, Key: str, VersionId: str = "") -> dict[str, Any]:
        with self._calls.call("HeadObject"):
            version, body = self._find("HeadObject", Bucket, Key, VersionId)
            return {"VersionId": version, "ContentLength": len(body) + self.more_bytes}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> dict[str, Any]:
        with self._calls.call("PutObject"):
            return {"VersionId": self.put(Bucket, Key, Body)}

    def upload_fileobj(self, Fileobj: Any, Bucket: str, Key: str, ExtraArgs: dict[str, str]) -> None:
        body = b""
        while part := Fileobj.read(PART_BYTES):
            body += part
            self.calls_at_parts.append(len(self._calls.made))
        with self._calls.call("PutObject"):
            self.put(Bucket, Key, body)

    def copy_object(self, *, Bucket: str, Key: str, CopySource: dict[str, str]) -> dict[str, Any]:
        with self._calls.call("CopyObject"):
            body = self._find("CopyObject", CopySource["Bucket"], CopySource["Key"], CopySource.get("VersionId", ""))[1]
            if len(body) + self.more_bytes > 5 * 1024**3:
                raise client_error("CopyObject", "InvalidRequest", "The specified copy source is too large")
            return {"VersionId": self.put(Bucket, Key, body)}

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str = "") -> dict[str, Any]:
        with self._calls.call("DeleteObject"):
            if VersionId:
                kept = [each for each in self.versions.get((Bucket, Key), []) if each[0] != VersionId]
                self.versions[Bucket, Key] = kept
            else:
                self.put(Bucket, Key, None)
            return {}

    def _find(self, operation: str, bucket: str, key: str, version: str) -> tuple[str, bytes]:
        found = self.versions.get((bucket, key), [])
        missing = "NoSuchVersion" if version else "NoSuchKey"
        chosen = next((each for each in reversed(found) if version in ("", each[0])), None)
        if chosen is None or chosen[1] is None:
            raise client_error(operation, "404" if operation == "HeadObject" else missing, "not there", 404)
        return chosen[0], chosen[1]


class FakeSqs:
    """Queues by URL; a message that is received stays until it is deleted."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.queues: dict[str, list[dict[str, Any]]] = {"files": [], "rows": [], "dead": []}
        self.delays: list[int] = []
        self.busy = 0
        """How many batches of messages are not taken, before they are."""

    def send_message(self, *, QueueUrl: str, MessageBody: str, MessageAttributes: Any = None) -> dict[str, Any]:
        with self._calls.call("SendMessage"):
            attributes = MessageAttributes or {}
            assert len(attributes.get("Reason", {}).get("StringValue", "")) <= 1000
            self.queues[QueueUrl].append({"Body": MessageBody, "MessageAttributes": attributes, "receives": 0})
            return {}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        with self._calls.call("SendMessageBatch"):
            assert 1 <= len(Entries) <= 10
            assert sum(len(entry["MessageBody"].encode()) for entry in Entries) <= 262_144
            if self.busy:
                self.busy -= 1
                return {"Failed": [{"Id": Entries[0]["Id"], "Message": "try again"}]}
            self.queues[QueueUrl] += [{"Body": each["MessageBody"], "receives": 0} for each in Entries]
            return {"Successful": Entries}

    def receive_message(
        self, *, QueueUrl: str, MaxNumberOfMessages: int, WaitTimeSeconds: int = 0, VisibilityTimeout: int, **_: Any
    ) -> dict[str, Any]:
        assert VisibilityTimeout >= 60, "it is somebody else's before it is looked at"
        if not WaitTimeSeconds:
            return {}  # a short poll asks some of the servers, and those may have nothing
        shown = [each for each in self.queues[QueueUrl] if not each.get("hidden")][:MaxNumberOfMessages]
        for message in shown:
            message |= {"hidden": True, "ReceiptHandle": str(id(message)), "MessageId": str(id(message))}
        return {"Messages": shown} if shown else {}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> dict[str, Any]:
        self.queues[QueueUrl] = [each for each in self.queues[QueueUrl] if each.get("ReceiptHandle") != ReceiptHandle]
        return {}

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> dict[str, Any]:
        self.delays.append(VisibilityTimeout)
        for message in self.queues[QueueUrl]:
            if message.get("ReceiptHandle") == ReceiptHandle:
                message["hidden"] = False
        return {}


class FakeTable(FakeDynamoDB):
    """The table of predictions. No item of a row is ever changed by being written again."""

    def __init__(self, calls: Calls) -> None:
        super().__init__(predictions=("pk", "sk"))
        self._aws = calls
        self.leaves: Callable[[list[Any]], list[Any]] = lambda requests: []
        """Which requests of a batch are left unprocessed."""

    @property
    def items(self) -> dict[tuple[str, ...], dict[str, Any]]:
        return self.tables["predictions"]

    @property
    def rows(self) -> dict[tuple[str, ...], dict[str, Any]]:
        return {key: item for key, item in self.items.items() if key[0].startswith("row#")}

    def get_item(self, **request: Any) -> dict[str, Any]:
        with self._aws.call("GetItem"):
            return super().get_item(**request)

    def put_item(
        self,
        *,
        TableName: str,
        Item: dict[str, Any],
        ConditionExpression: str,
        ReturnValuesOnConditionCheckFailure: str,
    ) -> dict[str, Any]:
        assert (ConditionExpression, ReturnValuesOnConditionCheckFailure) == ("attribute_not_exists(pk)", "ALL_OLD")
        with self._aws.call("PutItem"):
            self.before("put_item")
            key = self._key(TableName, Item)
            if key in self.items:
                error = client_error("PutItem", "ConditionalCheckFailedException", "The conditional request failed")
                error.response["Item"] = copy.deepcopy(self.items[key])
                raise error
            self.items[key] = copy.deepcopy(Item)
            return {}

    def update_item(self, *, TableName: str, **request: Any) -> dict[str, Any]:
        with self._aws.call("UpdateItem"):
            super().update_item(TableName=TableName, **request)
            return {"Attributes": copy.deepcopy(self.items[self._key(TableName, request["Key"])])}

    def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:
        with self._aws.call("BatchWriteItem"):
            ((table, requests),) = RequestItems.items()
            assert 1 <= len(requests) <= 25
            left = self.leaves(requests)
            for request in requests:
                if request in left:
                    continue
                item = request["PutRequest"]["Item"]
                assert self.items.get(self._key(table, item), item) == item, "an item was changed"
                self.items[self._key(table, item)] = copy.deepcopy(item)
            return {"UnprocessedItems": {table: left} if left else {}}

    def query(self, *, KeyConditionExpression: str, ConsistentRead: bool, **request: Any) -> dict[str, Any]:
        assert ConsistentRead
        with self._aws.call("Query"):
            partition, _, prefix = KeyConditionExpression.partition(" AND begins_with(sk, ")
            answer = super().query(KeyConditionExpression=partition, **request)
            wanted = request["ExpressionAttributeValues"][":prefix"]["S"] if prefix else ""
            return {**answer, "Items": [item for item in answer["Items"] if item["sk"]["S"].startswith(wanted)]}


COLUMNS = ("Plan", "Mins")


class FakeRuntime:
    """An endpoint whose model takes Plan and Mins: `probability` says what it makes of Mins, by variant.

    Mins that is no number is refused by row, or without a word if `names_the_row` is False; a Plan `crash` breaks it.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.variants = {"v1"}
        self.failures: list[Exception] = []
        self.names_the_row = True
        self.requests: list[int] = []

    def invoke_endpoint(
        self, *, EndpointName: str, TargetVariant: str, ContentType: str, Accept: str, Body: bytes
    ) -> dict[str, Any]:
        with self._calls.call("InvokeEndpoint"):
            if self.failures:
                raise self.failures.pop(0)
            if TargetVariant not in self.variants:
                raise client_error("InvokeEndpoint", "ValidationError", f"Variant {TargetVariant} not found")
            header, *rows = csv.reader(io.StringIO(Body.decode(), newline=""))
            assert header == list(COLUMNS)
            self.requests.append(len(rows))
            answers = []
            for number, (plan, mins) in enumerate(rows, 1):
                if plan == "crash":
                    raise model_error(500, "KeyError")
                try:
                    answers.append(probability(TargetVariant, float(mins)))
                except ValueError:
                    said = f"row {number}, column 'Mins': {mins!r} is not a number"
                    raise model_error(400, said if self.names_the_row else "no") from None
            return {"Body": io.BytesIO("".join(f"{answer:.9g}\n" for answer in answers).encode())}


def probability(variant: str, mins: float) -> float:
    return float(f"{(mins % 97) / 97 * (0.5 if variant == 'v1' else 0.9):.9g}")


def model_error(status: int, text: str) -> Exception:
    error = client_error("InvokeEndpoint", "ModelError", f"Received error ({status})", 424)
    error.response |= {"OriginalStatusCode": status, "OriginalMessage": text}  # type: ignore[typeddict-unknown-key]
    return error


class Paginator:
    """Pages are asked for when they are looked at, and not before."""

    def __init__(self, pages: Callable[..., Iterator[dict[str, Any]]]) -> None:
        self.paginate = pages


class FakeSageMaker:
    """A registry of one dimension, D, whose newest version is champion; and its endpoint."""

    def __init__(self, calls: Calls, s3: FakeS3) -> None:
        self._calls = calls
        self.champion = 1
        self.has_endpoint = True
        self.started: list[dict[str, Any]] = []
        self.status = "Succeeded"
        self.has_pipeline = True
        s3.put(ARTIFACTS, "model.tar.gz", artifact())

    def get_paginator(self, operation: str) -> Paginator:
        return Paginator(getattr(self, f"_{operation}"))

    def _list_model_packages(self, *, ModelPackageGroupName: str, MaxResults: int) -> Iterator[dict[str, Any]]:
        with self._calls.call("ListModelPackages"):
            if ModelPackageGroupName != "contender-D":
                raise client_error("ListModelPackages", "ValidationException", "no such group")
            yield {"ModelPackageSummaryList": [self._package(self.champion)] if self.champion else []}

    def describe_model_package(self, *, ModelPackageName: str) -> dict[str, Any]:
        with self._calls.call("DescribeModelPackage"):
            container = {"ModelDataUrl": f"s3://{ARTIFACTS}/model.tar.gz"}
            return {"InferenceSpecification": {"Containers": [container]}}

    def describe_endpoint(self, *, EndpointName: str) -> dict[str, Any]:
        with self._calls.call("DescribeEndpoint"):
            if not self.has_endpoint:
                raise client_error("DescribeEndpoint", "ValidationException", "Could not find endpoint")
            return {"EndpointName": EndpointName}

    def describe_pipeline_definition_for_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        with self._calls.call("DescribePipelineDefinitionForExecution"):
            return {"PipelineDefinition": json.dumps({"Steps": [{"Name": "Collect", "Type": "Processing"}]})}

    def _list_pipeline_parameters_for_execution(self, *, PipelineExecutionArn: str) -> Iterator[dict[str, Any]]:
        with self._calls.call("ListPipelineParametersForExecution"):
            yield {"PipelineParameters": self.started[0]["PipelineParameters"]}

    def describe_pipeline_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        with self._calls.call("DescribePipelineExecution"):
            return {"PipelineExecutionStatus": self.status, "FailureReason": "the job failed"}

    def _list_pipeline_execution_steps(self, *, PipelineExecutionArn: str) -> Iterator[dict[str, Any]]:
        with self._calls.call("ListPipelineExecutionSteps"):
            job = {"Arn": "arn:aws:sagemaker:us-east-1:000000000000:processing-job/collect"}
            step = {"StepName": "Collect", "StepStatus": self.status, "Metadata": {"ProcessingJob": job}}
            yield {"PipelineExecutionSteps": [step]}

    def describe_processing_job(self, *, ProcessingJobName: str) -> dict[str, Any]:
        with self._calls.call("DescribeProcessingJob"):
            return {"ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": f"s3://{ARTIFACTS}/result"}}]}}

    def start_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        with self._calls.call("StartPipelineExecution"):
            if not self.has_pipeline:
                raise client_error("StartPipelineExecution", "ResourceNotFound", "no such pipeline")
            if not any(each["ClientRequestToken"] == request["ClientRequestToken"] for each in self.started):
                self.started.append(request)
            return {"PipelineExecutionArn": "arn:execution"}

    def _package(self, number: int) -> dict[str, Any]:
        return {
            "ModelPackageArn": f"arn:aws:sagemaker:us-east-1:000000000000:model-package/contender-D/{number}",
            "ModelPackageVersion": number,
            "ModelPackageStatus": "Completed",
            "ModelLifeCycle": {"Stage": "Champion", "StageStatus": "InService", "StageDescription": ""},
            "ModelApprovalStatus": "Approved",
            "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
        }


def artifact(*columns: str) -> bytes:
    """A model's, that reads these columns or Plan and Mins; archived as `tar` does with `.`."""
    encoder = json.dumps({"columns": columns or ["Plan", "Phone", "Mins"], "dropped": ["Phone"]}).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in (("./code/inference.py", b"pass"), ("./encoder.json", encoder), ("./model.ubj", b"{}")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()
