"""Counting events: how many a second on the laptop, and what a file as large as they come needs of memory."""

from __future__ import annotations

import gzip
import io
import random
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench.figure import Figure
from contender.lambdas.count import pause
from contender.local.launcher.laptop import Laptop, Ports
from contender.measurements.events import Conversion, Event, Invocation, checked_reward, parse
from contender.measurements.files import Refused, lines
from contender.measurements.recorder import Counted, Recorder
from contender.measurements.store import Store

ENDPOINT = "contender-SM-1"
EXPERIMENT = f"{ENDPOINT}-e1"
SHARES = {"v1": 0.8, "v2": 0.1, "v3": 0.1}
TABLES = {"contender-experiments": ("pk", "sk"), "contender-events": ("pk",)}
REQUESTS = 4000
SEED = 7
LARGEST_FILE = 128_000_000
"""What Firehose puts into one file at most."""


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as home:
        laptop = Laptop(Path(home))
        laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
        try:
            yield from _rates(_client(laptop.env()["AWS_ENDPOINT_URL"]))
        finally:
            laptop.down()
    yield Figure("128 MB of events read line by line: memory", _memory_mb(), "MB", bound=8)


def history(now: datetime) -> list[Event]:
    """Requests of a few minutes, and a reward for every other one."""
    draw = random.Random(SEED)
    found: list[Event] = []
    for number in range(REQUESTS):
        variant = draw.choices(list(SHARES), list(SHARES.values()))[0]
        at = now - timedelta(seconds=draw.randrange(300))
        who: dict[str, Any] = {
            "endpoint_name": ENDPOINT,
            "user_id": f"u{draw.randrange(REQUESTS)}",
            "inference_id": f"i{number}",
        }
        found.append(
            Invocation(
                **who,
                event_id=f"e{number}",
                at=at,
                strategy="Weighted",
                experiment=EXPERIMENT,
                target_variant=variant,
                endpoint_variant=variant,
                propensity=SHARES[variant],
                shares=SHARES,
                latency_ms=draw.lognormvariate(3, 1),
            )
        )
        if number % 2:
            found.append(Conversion(**who, event_id=f"r{number}", at=now, reward=checked_reward(draw.random())))
    return found


def _rates(dynamodb: Any) -> Iterator[Figure]:
    for table, names in TABLES.items():
        dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            KeySchema=[
                {"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)
            ],
        )
    now = datetime.now(UTC)
    experiments, remembered = TABLES
    Store(dynamodb, experiments).publish_shares(ENDPOINT, EXPERIMENT, SHARES, "Weighted", 1, now, bucket_s=60)
    recorder = Recorder(dynamodb, experiments, remembered, lambda: now, pause)
    written = [event.line() for event in history(now)]

    def rate(outcomes: set[str]) -> float:
        counted, began = Counted(), time.perf_counter()
        recorder.record((parse(line) for line in written), counted)
        if not set(counted.outcomes) <= outcomes:
            raise RuntimeError(f"events were not counted as they should be: {dict(counted.outcomes)}")
        return len(written) / (time.perf_counter() - began)

    yield Figure("events counted on the laptop, one function", rate({"counted", "credited"}), "/s", 300, at_least=True)
    yield Figure("  the same events once more", rate({"duplicate"}), "/s")


def _memory_mb() -> float:
    block = b"".join(event.line() for event in history(datetime.now(UTC)))
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        for _ in range(LARGEST_FILE // len(block)):
            file.write(block)
    packed.seek(0)
    tracemalloc.start()
    try:
        for _ in lines(packed, Refused()):
            pass
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def _client(url: str) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("dynamodb", region_name="us-east-1", endpoint_url=url, config=Config(proxies={}), **keys)
