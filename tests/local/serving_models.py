"""Models for the serving tests: archives in S3, and what the tests call on a laptop again and again."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from contender.local.artifacts import pack

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
ROLE = "arn:aws:iam::000000000000:role/test"
WIDTH = 6
ROW = "0.9,0.8,0.1,0.2,0.3,0.4"
WAIT_S = 30.0

SCRIPT = """
import os, signal, time

def model_fn(model_dir):
    if os.path.exists(os.path.join(model_dir, "broken")):
        raise RuntimeError("the weights are missing")
    return os.environ.get("NAME", "nameless")

def input_fn(body, content_type):
    if content_type != "text/csv":
        raise ValueError(f"unexpected {content_type}")
    return body

def predict_fn(data, model):
    if data == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if data.startswith("wait "):  # half a second, after telling with a file that it has begun
        open(data.removeprefix("wait "), "x").close()
        time.sleep(0.5)
    if data == "raise":
        raise KeyError("no such feature")
    return f"{model} {os.getpid()}"

def output_fn(prediction, accept):
    return prediction, "text/plain"
"""


@cache
def booster(seed: int = 1, classes: int = 2) -> xgboost.Booster:
    """A small booster over WIDTH features."""
    rows = np.random.default_rng(seed).random((200, WIDTH)).astype(np.float32)
    if classes == 2:
        parameters: dict[str, Any] = {"objective": "binary:logistic"}
        labels = (rows[:, 0] + rows[:, 1] > 1).astype(int)
    else:
        parameters = {"objective": "multi:softprob", "num_class": classes}
        labels = (rows[:, 0] * classes).astype(int)
    parameters |= {"nthread": 1, "seed": seed, "max_depth": 3}
    return xgboost.train(parameters, xgboost.DMatrix(rows, labels), 5)


def booster_files(seed: int = 1) -> dict[str, bytes]:
    return {"xgboost-model": bytes(booster(seed).save_raw("ubj"))}


def script_files(source: str = SCRIPT) -> dict[str, bytes]:
    return {"code/inference.py": source.encode()}


def write_files(directory: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return directory


class Endpoints:
    """Short words for what these tests do with a laptop's clients; every name starts with `prefix`."""

    def __init__(self, clients: Callable[[str], Any], bucket: str, prefix: str) -> None:
        self.s3 = clients("s3")
        self.sagemaker = clients("sagemaker")
        self.runtime = clients("sagemaker-runtime")
        self.cloudwatch = clients("cloudwatch")
        self.logs = clients("logs")
        self.bucket = bucket
        self.prefix = prefix

    def name(self, short: str) -> str:
        return f"{self.prefix}-{short}"

    def upload(self, short: str, files: Mapping[str, bytes]) -> str:
        """The files as a model archive; its URI."""
        key = f"{self.name(short)}/model.tar.gz"
        with tempfile.TemporaryDirectory() as folder:
            pack(write_files(Path(folder) / "model", files), Path(folder) / "model.tar.gz")
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=(Path(folder) / "model.tar.gz").read_bytes())
        return f"s3://{self.bucket}/{key}"

    def model(self, short: str, files: Mapping[str, bytes], image: str = IMAGE, **environment: str) -> str:
        container = {"Image": image, "ModelDataUrl": self.upload(short, files), "Environment": environment}
        self.sagemaker.create_model(ModelName=self.name(short), ExecutionRoleArn=ROLE, PrimaryContainer=container)
        return self.name(short)

    def config(self, short: str, weights: Mapping[str, float], **more: Any) -> str:
        """An endpoint config with a variant for each model, named after it, and these weights."""
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=self.name(short), ProductionVariants=self.variants(weights), **more
        )
        return self.name(short)

    def variants(self, weights: Mapping[str, float]) -> list[dict[str, Any]]:
        return [
            {
                "VariantName": model,
                "ModelName": self.name(model),
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
                "InitialVariantWeight": weight,
            }
            for model, weight in weights.items()
        ]

    def create(self, short: str, config: str, **more: Any) -> dict[str, Any]:
        self.sagemaker.create_endpoint(EndpointName=self.name(short), EndpointConfigName=self.name(config), **more)
        return self.settle(short)

    def update(self, short: str, config: str, **more: Any) -> dict[str, Any]:
        self.sagemaker.update_endpoint(EndpointName=self.name(short), EndpointConfigName=self.name(config), **more)
        return self.settle(short)

    def describe(self, short: str) -> dict[str, Any]:
        described: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=self.name(short))
        return described

    def settle(self, short: str) -> dict[str, Any]:
        """Describe the endpoint once it is neither Creating nor Updating."""
        described: dict[str, Any] = {}

        def settled() -> bool:
            nonlocal described
            described = self.describe(short)
            return described["EndpointStatus"] not in ("Creating", "Updating")

        wait_until(settled, f"endpoint {short} settles")
        return described

    def invoke(self, short: str, body: str | bytes = ROW, **more: Any) -> tuple[str, str]:
        """The answer's body and the variant that gave it."""
        answer = self.runtime.invoke_endpoint(
            EndpointName=self.name(short), Body=body, **{"ContentType": "text/csv", **more}
        )
        with answer["Body"] as stream:
            return stream.read().decode(), answer["InvokedProductionVariant"]

    @contextmanager
    def traffic(self, short: str, threads: int = 2) -> Iterator[list[str | Exception]]:
        """Invoke the endpoint from several threads while the block runs; the list holds every outcome."""
        outcomes: list[str | Exception] = []
        over = threading.Event()

        def send() -> None:
            while not over.is_set():
                try:
                    outcomes.append(self.invoke(short)[1])
                except Exception as error:
                    outcomes.append(error)

        senders = [threading.Thread(target=send) for _ in range(threads)]
        for sender in senders:
            sender.start()
        try:
            yield outcomes
        finally:
            over.set()
            for sender in senders:
                sender.join()


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = WAIT_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s} s in vain until {what}")
        time.sleep(0.01)
