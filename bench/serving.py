"""Serving: InvokeEndpoint of one CSV row with 99 columns, keep-alive, beside a plain server that predicts in process.

The load comes from wrk where it is installed, else from a small asyncio client, which itself costs more than wrk.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import xgboost
from botocore.config import Config

from bench.figure import Figure
from contender.local.artifacts import pack
from contender.local.launcher.laptop import Laptop, Ports

COLUMNS = 99
SECONDS = 2
ROUNDS = 3
CLIENTS = (1, 8, 32)
NAME = "bench"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"

PEER = """
import sys
import numpy, uvicorn, xgboost
booster = xgboost.Booster(); booster.load_model(sys.argv[1]); booster.set_param({"nthread": 1})
async def app(scope, receive, send):
    body = (await receive())["body"]
    row = numpy.array([float(value) for value in body.split(b",")], dtype=numpy.float32).reshape(1, -1)
    answer = b"%f" % booster.inplace_predict(row)[0]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]})
    await send({"type": "http.response.body", "body": answer})
uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False, lifespan="off", http="httptools")
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What one client or several saw: latencies in milliseconds, answers a second."""

    p50_ms: float
    p99_ms: float
    per_second: float


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        row = _train(work / "model" / "xgboost-model.ubj")
        laptop = Laptop(work / "home")
        laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
        peer_port = _free_port()
        peer = subprocess.Popen([sys.executable, "-c", PEER, str(work / "model" / "xgboost-model.ubj"), str(peer_port)])
        try:
            _deploy(laptop.env(), work)
            ours = f"{laptop.env()['AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME']}/endpoints/{NAME}/invocations"
            yield from _measure(ours, f"http://127.0.0.1:{peer_port}/", row)
            yield from _memory(laptop)
        finally:
            peer.terminate()
            peer.wait()
            laptop.down()


def _measure(ours: str, peer: str, row: str) -> Iterator[Figure]:
    _load(ours, row, 1), _load(peer, row, 1)
    for clients in CLIENTS:
        # by turns, so that both meet the same noise
        pairs = [(_load(ours, row, clients), _load(peer, row, clients)) for _ in range(ROUNDS)]
        mine, theirs = (_median(loads) for loads in zip(*pairs, strict=True))
        who = f"{clients} client" + "s" * (clients > 1)
        yield Figure(f"{who}: p50", mine.p50_ms, "ms", bound=2.0 if clients == 1 else None)
        yield Figure(f"{who}: p99", mine.p99_ms, "ms")
        bound = 3000.0 if clients == 8 else None
        yield Figure(f"{who}: invocations a second", mine.per_second, "1/s", bound=bound, at_least=True)
        yield Figure(
            "  as many times those of a server predicting in process", mine.per_second / theirs.per_second, "×"
        )


def _memory(laptop: Laptop) -> Iterator[Figure]:
    for label in ("runtime", "worker"):
        memory = [row.memory_mb for row in laptop.status() if label in row.name]
        if memory:
            yield Figure(f"memory of the {label} process, shared pages divided", max(memory), "MB")


def _load(url: str, body: str, clients: int) -> Load:
    return _wrk(url, body, clients) if shutil.which("wrk") else asyncio.run(_asyncio(url, body, clients))


def _wrk(url: str, body: str, clients: int) -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            f'wrk.method = "POST"\nwrk.body = "{body}"\nwrk.headers["Content-Type"] = "text/csv"\n'
            "done = function(summary, latency)\n"
            '  io.write(string.format("%f %f %f %d", latency:percentile(50) / 1000, latency:percentile(99) / 1000,\n'
            "    summary.requests / summary.duration * 1e6, summary.errors.status + summary.errors.read))\nend\n"
        )
        script.flush()
        command = ["wrk", "-t1", f"-c{clients}", f"-d{SECONDS}s", "-s", script.name, url]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=10 * SECONDS)
    *figures, errors = done.stdout.splitlines()[-1].split()
    if int(errors):
        raise RuntimeError(f"{errors} requests of {url} failed")
    return Load(*map(float, figures))


async def _asyncio(url: str, body: str, clients: int) -> Load:
    host, _, path = url.removeprefix("http://").partition("/")
    name, port = host.split(":")
    head = f"POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/csv\r\nContent-Length: {len(body)}\r\n\r\n"
    request = (head + body).encode()
    latencies: list[float] = []
    deadline = time.perf_counter() + SECONDS

    async def client() -> None:
        reader, writer = await asyncio.open_connection(name, int(port))
        while (began := time.perf_counter()) < deadline:
            writer.write(request)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            if b" 200 " not in answer:
                raise RuntimeError(answer.decode())
            length = next(line for line in answer.split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            latencies.append((time.perf_counter() - began) * 1000)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    cuts = statistics.quantiles(latencies, n=100)
    return Load(cuts[49], cuts[98], len(latencies) / SECONDS)


def _median(loads: tuple[Load, ...]) -> Load:
    return Load(
        statistics.median(load.p50_ms for load in loads),
        statistics.median(load.p99_ms for load in loads),
        statistics.median(load.per_second for load in loads),
    )


def _train(path: Path) -> str:
    """A model of 100 rounds at `path`, and a row for it."""
    path.parent.mkdir()
    rows = np.random.default_rng(1).random((3000, COLUMNS)).astype(np.float32)
    labels = rows[:, 0] + rows[:, 1] > 1
    parameters = {"objective": "binary:logistic", "max_depth": 5, "nthread": 1}
    xgboost.train(parameters, xgboost.DMatrix(rows, labels), 100).save_model(path)
    return ",".join(f"{value:.4f}" for value in rows[0])


def _deploy(env: dict[str, str], work: Path) -> None:
    pack(work / "model", work / "model.tar.gz")
    s3 = _client("s3", env["AWS_ENDPOINT_URL"])
    s3.create_bucket(Bucket="bench-bucket")
    s3.upload_file(str(work / "model.tar.gz"), "bench-bucket", "model.tar.gz")
    sagemaker = _client("sagemaker", env["AWS_ENDPOINT_URL_SAGEMAKER"])
    sagemaker.create_model(
        ModelName=NAME,
        ExecutionRoleArn="arn:aws:iam::000000000000:role/bench",
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": "s3://bench-bucket/model.tar.gz"},
    )
    variant = {"VariantName": "v1", "ModelName": NAME, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=NAME, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    deadline = time.monotonic() + 60
    while (status := sagemaker.describe_endpoint(EndpointName=NAME)["EndpointStatus"]) != "InService":
        if status == "Failed" or time.monotonic() > deadline:
            raise RuntimeError(f"the endpoint is {status}")
        time.sleep(0.05)


def _client(service: str, url: str) -> Any:
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
