"""A machine that runs jobs: MiniStack, the warm process and the job runner, without the server around them."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from socket import socket
from typing import Any

import pytest

from contender.local.api.operations import Dispatcher, merge
from contender.local.api.protocol import SageMakerModel
from contender.local.aws import Aws
from contender.local.context import Context
from contender.local.experiments.operations import OPERATIONS as EXPERIMENTS
from contender.local.jobs import operations
from contender.local.jobs.runner import JobRunner
from contender.local.resources import model_package_groups, model_packages, models, tags
from contender.local.settings import LocalSettings
from contender.local.store import Store
from contender.local.warm.client import Warm

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
ROLE = "arn:aws:iam::000000000000:role/test"
BUCKET = "jobs"


class Machine:
    """The context, what it published, and shorthands for requests."""

    def __init__(self, home: Path, aws_url: str) -> None:
        self.home = home
        self.events: list[tuple[str, dict[str, Any]]] = []
        settings = LocalSettings(home=home, aws_url=aws_url, job_slots=2)
        handlers = merge(
            operations.OPERATIONS,
            models.OPERATIONS,
            model_packages.OPERATIONS,
            model_package_groups.OPERATIONS,
            tags.OPERATIONS,
            EXPERIMENTS,
        )
        self.context = Context(
            settings=settings,
            store=Store(settings.database),
            aws=Aws(aws_url, settings.region),
            dispatcher=Dispatcher(SageMakerModel(), handlers),
            publish=self._publish,
        )
        self.context.warm = Warm(home)
        self.context.warm.open()
        self.context.jobs = JobRunner(self.context, stop_grace_s=1.0)

    def close(self) -> None:
        self.context.jobs.close()
        self.context.warm.close()
        self.context.store.close()

    def _publish(self, detail_type: str, resources: Sequence[str], detail: dict[str, Any]) -> None:
        self.events.append((detail_type, detail))

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """The operation as a client sees it: the answer goes through its shape."""
        model = self.context.dispatcher.model
        answer = self.context.call(operation, request)
        model.serialise_answer(model.operation(operation), answer)
        return answer

    def put(self, key: str, body: bytes | str) -> str:
        self.context.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def get(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body: bytes = self.context.aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def keys(self, prefix: str) -> list[str]:
        page = self.context.aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for item in page.get("Contents", ())]

    def process(self, name: str, script: str, **changes: Any) -> dict[str, Any]:
        """Run a processing job of one script to its end; the answer is its description."""
        self.start_processing(name, script, **changes)
        self.context.jobs.wait("processing-job", name)
        return self.call("DescribeProcessingJob", ProcessingJobName=name)

    def start_processing(self, name: str, script: str, **changes: Any) -> None:
        code = self.put(f"{name}/code/main.py", script)
        inputs = changes.pop("inputs", [])
        request = {
            "ProcessingJobName": name,
            "AppSpecification": {
                "ImageUri": SKLEARN,
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/main.py"],
            },
            "ProcessingInputs": [processing_input("code", code, "/opt/ml/processing/input/code"), *inputs],
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            },
            "RoleArn": ROLE,
            **changes,
        }
        self.call("CreateProcessingJob", **request)

    def train(self, name: str, **changes: Any) -> dict[str, Any]:
        """Run a training job to its end; the answer is its description."""
        self.call("CreateTrainingJob", **training_request(name, **changes))
        self.context.jobs.wait("training-job", name)
        return self.call("DescribeTrainingJob", TrainingJobName=name)

    def log(self, group: str, name: str) -> list[str]:
        """What CloudWatch Logs has of a job, once its last line arrived."""
        client = self.context.aws.client("logs")
        deadline = time.monotonic() + 10
        while True:
            try:
                streams = client.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
                events = [
                    event["message"]
                    for stream in streams
                    for event in client.get_log_events(
                        logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
                    )["events"]
                ]
            except client.exceptions.ResourceNotFoundException:
                events = []
            if events or time.monotonic() > deadline:
                return events
            time.sleep(0.05)


def processing_input(name: str, uri: str, place: str, kind: str = "S3Prefix") -> dict[str, Any]:
    source = {"S3Uri": uri, "LocalPath": place, "S3DataType": kind, "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source}


def processing_output(name: str, uri: str, place: str) -> dict[str, Any]:
    return {"OutputName": name, "S3Output": {"S3Uri": uri, "LocalPath": place, "S3UploadMode": "EndOfJob"}}


def channel(name: str, uri: str, content_type: str = "text/csv") -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "ContentType": content_type}


def training_request(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **changes,
    }


@pytest.fixture(scope="session")
def aws_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MiniStack alone, with a bucket."""
    home = tmp_path_factory.mktemp("aws")
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    elsewhere = ["--sagemaker-url", "http://127.0.0.1:1", "--runtime-url", "http://127.0.0.1:1"]
    command = [sys.executable, "-m", "contender.local.launcher.ministack", "--home", str(home), "--port", str(port)]
    with open(home / "log", "wb") as log:
        process = subprocess.Popen([*command, *elsewhere], stdout=log, stderr=log)
    try:
        _wait_for(f"{url}/_ministack/health", process)
        Aws(url, "us-east-1").client("s3").create_bucket(Bucket=BUCKET)
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def machine(aws_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("machine"), aws_url)
    yield machine
    machine.close()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with opener.open(url, timeout=1):
                return
        except OSError:
            assert process.poll() is None, "MiniStack ended"
            assert time.monotonic() < deadline, "MiniStack does not answer"
            time.sleep(0.05)
