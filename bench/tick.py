"""A tick over many dimensions: real endpoints on the laptop, and none with a change to make."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import xgboost
from botocore.config import Config

from bench.figure import Figure
from contender.lambdas.controllers import Clients, controllers
from contender.lambdas.settings import RolloutSettings
from contender.local.artifacts import pack
from contender.local.launcher.laptop import Laptop, Ports
from contender.naming import Names
from contender.rollout.ledger import Ledger
from contender.rollout.spec import Instance, Spec
from contender.rollout.sweep import THREADS, sweep
from contender.rollout.tick import Controller, Report

DIMENSIONS = int(os.environ.get("CONTENDER_BENCH_DIMENSIONS", "200"))
ROUNDS = 5
NAMES = Names("bench")
BUCKET = "bench-artifacts"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
SETTINGS = RolloutSettings(NAMES, "arn:aws:iam::000000000000:role/bench", BUCKET, experiments=True)
PATIENCE_S = 900.0


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        laptop = Laptop(Path(folder) / "home")
        laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
        try:
            yield from _measure(laptop.env(), Path(folder))
        finally:
            laptop.down()


def _measure(env: dict[str, str], work: Path) -> Iterator[Figure]:
    clients = Clients(_client("sagemaker", env), _client("dynamodb", env), _client("cloudwatch", env), lambda _: None)
    _register(env, work, clients)
    made = controllers(SETTINGS, clients)
    yield Figure(f"{DIMENSIONS} first versions, from registered to in service", _roll_out(made), "s")
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        reports = sweep(made)
        seconds.append(time.perf_counter() - began)
        assert not any(_did_something(report) for report in reports)
        assert len(reports) == DIMENSIONS
    bound = 5.0 if DIMENSIONS == 200 else None
    yield Figure(f"tick over {DIMENSIONS} dimensions with no change to make", sorted(seconds)[ROUNDS // 2], "s", bound)


def _roll_out(made: tuple[Controller, ...]) -> float:
    """Ticks until every dimension serves."""
    began = time.perf_counter()
    while time.perf_counter() - began < PATIENCE_S:
        reports = sweep(made)
        if errors := [report.error for report in reports if report.error]:
            raise errors[0]
        if not any(_did_something(report) or report.reason for report in reports):
            return time.perf_counter() - began
    raise RuntimeError(f"{DIMENSIONS} endpoints are not in service after {PATIENCE_S:g} s")


def _did_something(report: Report) -> bool:
    return bool(report.events or report.done or report.error)


def _register(env: dict[str, str], work: Path, clients: Clients) -> None:
    """One approved version in each dimension, and the settings of their stage."""
    path = work / "model" / "xgboost-model.ubj"
    path.parent.mkdir()
    rows = np.random.default_rng(1).random((100, 3)).astype(np.float32)
    parameters = {"objective": "binary:logistic", "max_depth": 2, "nthread": 1}
    xgboost.train(parameters, xgboost.DMatrix(rows, rows[:, 0] > 0.5), 2).save_model(path)
    pack(path.parent, work / "model.tar.gz")
    s3 = _client("s3", env)
    s3.create_bucket(Bucket=BUCKET)
    s3.upload_file(str(work / "model.tar.gz"), BUCKET, "model.tar.gz")
    for kind in ("rollouts", "experiments"):
        clients.dynamodb.create_table(
            TableName=NAMES.table(kind),
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
    Ledger(clients.dynamodb, NAMES.table("rollouts")).put_spec(Spec(stage="", instance=Instance("ml.m5.large", 1)))
    for number in range(DIMENSIONS):
        group = NAMES.group(f"D{number}")
        clients.sagemaker.create_model_package_group(ModelPackageGroupName=group)
        clients.sagemaker.create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus="Approved",
            ModelLifeCycle={"Stage": "Challenger", "StageStatus": "Pending"},
            InferenceSpecification={
                "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )


def _client(service: str, env: dict[str, str]) -> Any:
    address = env["AWS_ENDPOINT_URL_SAGEMAKER" if service == "sagemaker" else "AWS_ENDPOINT_URL"]
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=address,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": "path"}, proxies={}, max_pool_connections=2 * THREADS),
    )
