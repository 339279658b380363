"""The API's functions: what a request costs before and after the network, and how soon each function is there.

Own time is the handler's CPU with clients that answer at once. Beside it stands the same with boto3's, whose requests
are built, signed and parsed but never sent. Imports are of the very zip that is deployed: AWS compiles its files at
every cold start.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from bench.figure import Figure
from contender.api.call import answer_call
from contender.api.event_stream import EventStream
from contender.api.kept_users import KeptUsers
from contender.api.settings_cache import SettingsCache
from contender.lambda_code import package
from contender.lambdas.conversion import Converter
from contender.lambdas.invocation import MAX_CALL_BYTES, Invoker
from contender.measurements.settings import Settings
from contender.naming import Names

ROOT = Path(__file__).resolve().parents[1]
ENDPOINT = "contender-SM-1"
SETTINGS = Settings(ENDPOINT, f"{ENDPOINT}-e1", {"v1": 0.8, "v2": 0.1, "v3": 0.1}, "Thompson")
ROW = ",".join(f"{column / 99:.4f}" for column in range(99))
CALLS = 2000
ROUNDS = 5
IMPORT = """
import sys, time
sys.path.insert(0, sys.argv[1])
import boto3, botocore.config, botocore.exceptions
began = time.process_time()
__import__(sys.argv[2])
print(time.process_time() - began)
"""


def run() -> Iterator[Figure]:
    names = Names("contender")
    cache = SettingsCache(lambda endpoint: SETTINGS, 1e9)
    question = {"endpoint_name": ENDPOINT, "user_id": "u1", "content_type": "text/csv", "data": ROW}
    reward = {"endpoint_name": ENDPOINT, "user_id": "u1", "inference_id": "i1"}

    def invoker(runtime: Any, firehose: Any) -> Callable[..., Any]:
        users = KeptUsers(None, "contender-experiments")
        return Invoker(names, cache, users, runtime, EventStream(firehose, "contender-events")).answer

    def converter(firehose: Any) -> Callable[..., Any]:
        return Converter(names, cache, EventStream(firehose, "contender-events")).answer

    yield Figure("invocation: own CPU of a request", _cpu_ms(invoker(Runtime(), Firehose()), question), "ms", bound=1.0)
    yield Figure("conversion: own CPU of a request", _cpu_ms(converter(Firehose()), reward), "ms", bound=1.0)
    runtime = unsent("sagemaker-runtime", b"0.27", **{"X-Amzn-Invoked-Production-Variant": "v1"})
    firehose = unsent("firehose", b'{"RecordId": "1"}')
    yield Figure("  invocation with boto3's share", _cpu_ms(invoker(runtime, firehose), question), "ms")
    yield Figure("  conversion with boto3's share", _cpu_ms(converter(firehose), reward), "ms")
    yield from _imports()


class Runtime:
    """Answers at once."""

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        return {"Body": io.BytesIO(b"0.27"), "ContentType": "text/csv", "InvokedProductionVariant": "v1"}


class Firehose:
    """Takes everything at once."""

    def put_record(self, **request: Any) -> dict[str, Any]:
        return {"RecordId": "1"}


def unsent(service: str, content: bytes, **headers: str) -> Any:
    """A boto3 client whose requests are answered with `content` just before they would be sent."""
    client = boto3.client(service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")

    class Raw(io.BytesIO):
        def stream(self, amount: int = 0, decode_content: bool = False) -> Iterator[bytes]:
            yield self.read()

    def answer(request: Any, **more: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, {"Content-Type": "text/csv", **headers}, Raw(content))

    client.meta.events.register("before-send.*", answer)
    return client


def _cpu_ms(answer: Callable[..., Any], fields: dict[str, Any]) -> float:
    """CPU of one call, the log line included: the median of some rounds."""
    event = {"httpMethod": "POST", "body": json.dumps(fields), "isBase64Encoded": False}
    rounds = []
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        for _ in range(ROUNDS):
            began = time.process_time()
            for _ in range(CALLS):
                reply = answer_call("bench", event, MAX_CALL_BYTES, answer)
            rounds.append((time.process_time() - began) / CALLS * 1000)
            if reply["statusCode"] != 200:
                raise RuntimeError(reply["body"])
    return statistics.median(rounds)


def _imports() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(io.BytesIO(package(ROOT).body)) as archive:
            archive.extractall(folder)
        for path in sorted((Path(folder) / "contender" / "lambdas").rglob("*.py")):
            if "\ndef handler(" in path.read_text(encoding="utf-8"):
                command = [
                    sys.executable,
                    "-I",
                    "-B",
                    "-c",
                    IMPORT,
                    folder,
                    ".".join(path.relative_to(folder).with_suffix("").parts),
                ]
                seconds = [
                    float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                    for _ in range(ROUNDS)
                ]
                name = f"{path.stem}: cold import beyond boto3, from source"
                yield Figure(name, statistics.median(seconds) * 1000, "ms", bound=150.0)
