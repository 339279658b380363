"""The same counting against MiniStack: real transactions, real files, real functions at once."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contender.lambdas.count import FileCounter, pause
from contender.measurements.events import parse
from contender.measurements.recorder import Counted, Recorder
from tests.local.running import eventually
from tests.measurements.agreement import agrees, users_agree
from tests.measurements.histories import deliveries, history
from tests.measurements.world import World


class Killed(BaseException):
    """The function is gone: no handler of ours sees this."""


class Mortal:
    """A DynamoDB client whose process dies at some calls, before they are sent or after they were answered."""

    def __init__(self, client: Any, draw: random.Random, rate: float) -> None:
        self._client = client
        self._draw = draw
        self._rate = rate

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            self._perhaps_die()
            answer = getattr(self._client, operation)(**request)
            self._perhaps_die()
            return answer

        return call

    def _perhaps_die(self) -> None:
        if self._draw.random() < self._rate:
            raise Killed


@pytest.fixture(scope="module")
def tables(clients: Any) -> tuple[str, str]:
    keys = {"counting-experiments": ("pk", "sk"), "counting-events": ("pk",)}
    for table, names in keys.items():
        clients("dynamodb").create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            KeySchema=[
                {"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)
            ],
        )
    return "counting-experiments", "counting-events"


def world_of(clients: Any, tables: tuple[str, str], name: str, now: datetime | None = None) -> World:
    world = World(clients("dynamodb"), f"contender-{name}", experiments=tables[0], events=tables[1])
    world.now = now or world.now
    return world


@pytest.mark.parametrize("seed", range(3))
def test_any_deliveries_and_kills_end_in_the_counts_of_a_plain_pass(
    clients: Any, tables: tuple[str, str], seed: int
) -> None:
    draw = random.Random(seed)
    world = world_of(clients, tables, f"Killed{seed}")
    events = history(world, draw, 150, f"killed{seed}-")
    recorder = Recorder(Mortal(clients("dynamodb"), draw, 0.1), *tables, lambda: world.now, pause)
    for file in deliveries(events, draw):
        while True:
            try:
                recorder.record([parse(event.line()) for event in file], Counted())
                break
            except Killed:
                pass
    agrees(world, events)
    users_agree(world, events)


def test_functions_that_count_the_same_files_at_once_count_them_once(clients: Any, tables: tuple[str, str]) -> None:
    world = world_of(clients, tables, "AtOnce")
    events = history(world, random.Random(7), 200, "at-once-")
    failures: list[BaseException] = []

    def count(seed: int) -> None:
        draw = random.Random(seed)
        recorder = Recorder(clients("dynamodb"), *tables, lambda: world.now, pause)
        try:
            for start in range(0, len(events), 50):
                recorder.record(draw.sample(events[start : start + 50], len(events[start : start + 50])), Counted())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=count, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    agrees(world, events)
    users_agree(world, events)


def test_events_come_through_a_delivery_stream_to_counters_and_metrics(clients: Any, tables: tuple[str, str]) -> None:
    world = world_of(clients, tables, "Streamed", datetime.now(UTC))
    events = history(world, random.Random(11), 60, "streamed-")
    s3, firehose, cloudwatch = clients("s3"), clients("firehose"), clients("cloudwatch")
    s3.create_bucket(Bucket="counting-events")
    firehose.create_delivery_stream(
        DeliveryStreamName="counting-events",
        ExtendedS3DestinationConfiguration={
            "BucketARN": "arn:aws:s3:::counting-events",
            "RoleARN": "arn:aws:iam::000000000000:role/any",
            "Prefix": "events/",
            "CompressionFormat": "GZIP",
        },
    )
    for event in events:
        firehose.put_record(DeliveryStreamName="counting-events", Record={"Data": event.line()})
    counter = FileCounter(s3, cloudwatch, world.recorder(), lambda: datetime.now(UTC))

    def counted() -> bool:
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket="counting-events").get("Contents", ())]
        outcomes = [counter.count("counting-events", key)["events"] for key in keys]
        return sum(sum(outcome.values()) for outcome in outcomes) == len(events)

    eventually(counted)
    agrees(world, events)
    found = {
        variant: sum(
            each["Sum"]
            for each in cloudwatch.get_metric_statistics(
                Namespace="Contender",
                MetricName="Invocations",
                Dimensions=[
                    {"Name": "EndpointName", "Value": world.endpoint},
                    {"Name": "VariantName", "Value": variant},
                ],
                StartTime=world.now - timedelta(hours=1),
                EndTime=world.now + timedelta(hours=1),
                Period=60,
                Statistics=["Sum"],
            )["Datapoints"]
        )
        for variant in ("v1", "v2", "v3")
    }
    counts = {variant: world.total(variant) for variant in found}
    assert found == {variant: each.judged.n + each.other.n for variant, each in counts.items()}
