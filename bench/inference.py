"""Files to predictions on the laptop: rows a second through queues, functions, endpoint and table; AWS calls."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import xgboost
from botocore.config import Config

from bench.figure import Figure
from contender.config import load
from contender.deployment import Cloud, deploy
from contender.lambdas.score import pause
from contender.local.artifacts import pack
from contender.local.launcher.laptop import Laptop, Ports
from contender.naming import Names
from contender.sample_data import COLUMNS, generate
from contender.scoring.answers import Answers
from contender.scoring.dead_letters import DeadLetters
from contender.scoring.file import File, State
from contender.scoring.finishing import Finishing
from contender.scoring.intake import Intake, Limits
from contender.scoring.intake import Parts as IntakeParts
from contender.scoring.refusing import Refusing
from contender.scoring.rows import to_csv
from contender.scoring.score import Parts, Scoring
from contender.scoring.scorer import Scorers
from contender.scoring.store import Store
from contender.stacks import core_parameters, inference_parameters

ROOT = Path(__file__).resolve().parents[1]
PROJECT = "benchfiles"
DIMENSION = "region-1"
ROWS = 100_000
COUNTED_ROWS = 10_000
BARE_ROWS = 10_000
PATIENCE_S = 600
NUMBERS = ("Account Length", "Day Mins", "Day Calls", "Eve Mins", "Night Mins", "Intl Mins", "CustServ Calls")
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
SERVING = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as home:
        laptop = Laptop(Path(home))
        laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
        try:
            project = Project(laptop.env())
            project.serve(Path(home))
            yield from project.rate()
            yield from project.calls()
        finally:
            laptop.down()


class Project:
    """The deployed stacks of a project with one champion."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._calls: Counter[str] = Counter()
        settings = load(ROOT / "contender.yaml", environ={}, overrides={"project": PROJECT})
        self._names, self._s3 = Names(PROJECT), self._client("s3")
        cloud = Cloud(self._client("cloudformation"), self._s3, "000000000000", "us-east-1")
        core = deploy(cloud, self._names, ROOT / "infra" / "core.yaml", core_parameters(settings), root=ROOT)
        stack = self._names.stack("inference")
        wanted = {**inference_parameters(settings), "RetryDelaySeconds": "1"}
        inference = deploy(cloud, self._names, ROOT / "infra" / "inference.yaml", wanted, root=ROOT, stack=stack)
        self._outputs = {**core.outputs, **inference.outputs}
        self._store = Store(self._client("dynamodb"), self._outputs["PredictionsTable"], pause=pause)
        self._rows_per_message = settings.inference.rows_per_message

    def serve(self, work: Path) -> None:
        """Register a version over numbers as champion, and let it serve."""
        sagemaker, endpoint = self._client("sagemaker"), self._names.endpoint(DIMENSION)
        bucket, key = self._outputs["ArtifactBucket"], "by-hand/model.tar.gz"
        self._s3.upload_file(str(_artifact(work)), bucket, key)
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{bucket}/{key}", "Environment": SERVING}
        sagemaker.create_model_package_group(ModelPackageGroupName=self._names.group(DIMENSION))
        sagemaker.create_model_package(
            ModelPackageGroupName=self._names.group(DIMENSION),
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            ModelApprovalStatus="Approved",
            ModelLifeCycle={"Stage": "Champion", "StageStatus": "InService", "StageDescription": "made by hand"},
        )
        model, role = self._names.model(DIMENSION, 1), self._outputs["ModelRoleArn"]
        sagemaker.create_model(ModelName=model, ExecutionRoleArn=role, PrimaryContainer=container)
        variant = {"VariantName": "v1", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName=endpoint, ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=endpoint)
        while sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] != "InService":
            time.sleep(0.1)

    def rate(self) -> Iterator[Figure]:
        """One file through everything, by the deployed functions."""
        bucket = self._outputs["InferenceBucket"]
        began = time.monotonic()
        self._s3.put_object(Bucket=bucket, Key=f"inference/{DIMENSION}/many.csv", Body=_file(ROWS))
        while (file := self._file("many.csv")) is None or file.state is not State.FINISHED:
            if time.monotonic() - began > PATIENCE_S:
                raise RuntimeError(f"{ROWS} rows were not scored in {PATIENCE_S} s: {file}")
            time.sleep(0.25)
        seconds = time.monotonic() - began
        found = {row["row"] for row in self._store.rows(file)}
        yield Figure(f"{ROWS:,} rows of a file: rows lost", ROWS - len(found), "rows", bound=0)
        yield Figure(f"{ROWS:,} rows of a file to predictions", ROWS / seconds, "/s")
        share = ROWS / seconds / self._bare_rate(next(iter(self._store.answers(file.upload))))
        yield Figure("  beside one client that writes such items alone", share, "x", bound=0.4, at_least=True)

    def _bare_rate(self, answers: Answers) -> float:
        """Rows a second that this machine's table takes from one client, who does nothing else: a chunk's, again."""
        rows, began = 0, time.monotonic()
        while rows < BARE_ROWS:
            rows += self._store.write(answers)
        return rows / (time.monotonic() - began)

    def calls(self) -> Iterator[Figure]:
        """The same code in this process, on a queue that no function reads, so that every call of it is seen."""
        sqs = self._client("sqs")
        queue = sqs.create_queue(QueueName=f"bench-{uuid.uuid4().hex[:8]}")["QueueUrl"]
        dead_letters = DeadLetters(sqs, self._outputs["InferenceDeadLetterQueueUrl"])
        scorers = Scorers(self._client("sagemaker"), self._s3, self._names)
        bucket, key = self._outputs["InferenceBucket"], "inference/region-1/counted.csv"
        # Not announced to the deployed functions: they would score it as well.
        self._s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
        version = self._s3.put_object(Bucket=bucket, Key=key, Body=_file(COUNTED_ROWS))["VersionId"]
        intake = Intake(
            IntakeParts(
                names=self._names,
                limits=Limits(self._rows_per_message, 50_000_000),
                s3=self._s3,
                sqs=sqs,
                sagemaker=self._client("sagemaker"),
                queue_url=queue,
                scorers=scorers,
                store=self._store,
                refusing=Refusing(self._s3, self._store, dead_letters),
                dead_letters=dead_letters,
                clock=_now,
            )
        )
        runtime = self._client("sagemaker-runtime")
        finishing = Finishing(self._s3, self._store)
        parts = Parts(
            names=self._names,
            s3=self._s3,
            runtime=runtime,
            scorers=scorers,
            store=self._store,
            finishing=finishing,
            dead_letters=dead_letters,
            send=lambda body: sqs.send_message(QueueUrl=queue, MessageBody=body),
            clock=_now,
        )
        self._calls.clear()
        intake.take(_event(bucket, key, version))
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                Scoring(parts).score(message["Body"], delivered_before=False, last_try=False)
            entries = [
                {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]} for place, message in enumerate(messages)
            ]
            sqs.delete_message_batch(QueueUrl=queue, Entries=entries)
        thousands = COUNTED_ROWS / 1000
        yield Figure("AWS calls per 1,000 rows", sum(self._calls.values()) / thousands, "calls", bound=60)
        yield Figure("  of them InvokeEndpoint", self._calls["InvokeEndpoint"] / thousands, "calls", bound=1)

    def _file(self, name: str) -> File | None:
        return next(iter(self._store.files(DIMENSION, name)), None)

    def _client(self, service: str) -> Any:
        suffix = {"sagemaker": "_SAGEMAKER", "sagemaker-runtime": "_SAGEMAKER_RUNTIME"}.get(service, "")
        client = boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=self._env[f"AWS_ENDPOINT_URL{suffix}"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(proxies={}, s3={"addressing_style": "path"}),
        )
        client.meta.events.register("before-send", self._count)
        return client

    def _count(self, request: Any, event_name: str, **other: Any) -> None:
        self._calls[event_name.rsplit(".", 1)[-1]] += 1


def _event(bucket: str, key: str, version: str) -> str:
    detail = {"bucket": {"name": bucket}, "object": {"key": key, "version-id": version}}
    return json.dumps({"detail-type": "Object Created", "detail": detail})


def _file(rows: int) -> bytes:
    """So many raw rows, drawn from a few thousand that differ."""
    some, draw = list(generate(DIMENSION, 4000, seed=3)), random.Random(3)
    return to_csv([list(COLUMNS), *draw.choices(some, k=rows)]).encode()


def _artifact(work: Path) -> Path:
    draw = np.random.default_rng(1)
    rows = draw.random((500, len(NUMBERS))).astype(np.float32) * 200
    parameters = {"objective": "binary:logistic", "nthread": 1, "max_depth": 5}
    booster = xgboost.train(parameters, xgboost.DMatrix(rows, rows[:, 1] > 100), 100)
    model = work / "model"
    (model / "code").mkdir(parents=True)
    booster.save_model(model / "model.ubj")
    shutil.copy(ROOT / "steps" / "package" / "inference.py", model / "code")
    columns = [column for column in COLUMNS if column != "Churn?"]
    encoder = {
        "label": "Churn?",
        "columns": columns,
        "dropped": [column for column in columns if column not in NUMBERS],
        "width": len(NUMBERS),
        "missing": [""],
        "features": [{"column": column, "kind": "number"} for column in columns if column in NUMBERS],
    }
    (model / "encoder.json").write_text(json.dumps(encoder))
    pack(model, work / "model.tar.gz")
    return work / "model.tar.gz"


def _now() -> datetime:
    return datetime.now(UTC)
