"""A challenger made to fail, on the laptop: real endpoints, the API's code, real counts, and ticks.

It is rolled back within two ticks of the guardrail's minimum sample, and the champion's requests see none of it.
"""

from __future__ import annotations

import io
import itertools
import statistics
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from contender.api.call import Refusal
from contender.api.event_stream import EventStream
from contender.api.kept_users import KeptUsers
from contender.api.settings_cache import SettingsCache
from contender.experiments.guardrails import Guardrail
from contender.lambdas.controllers import Clients, controllers
from contender.lambdas.invocation import Invoker
from contender.lambdas.settings import RolloutSettings
from contender.measurements.events import parse
from contender.measurements.recorder import Counted, Recorder
from contender.naming import Names
from contender.rollout.ledger import Ledger
from contender.rollout.spec import Instance, Spec, Step
from contender.rollout.state import Phase, State
from contender.rollout.tick import Report
from tests.lambdas.test_on_the_laptop import IMAGE, make_table

MINIMUM = 60
SPEC = Spec(
    stage="",
    instance=Instance("ml.m5.large", 1),
    steps=(Step(0.1, time_s=3600.0),),
    guardrails=(
        Guardrail("error_rate", 0.01, "roll_back", MINIMUM),
        Guardrail("latency_p95", 1.5, "roll_back", MINIMUM),
    ),
    drain_s=0.0,
    bucket_s=5.0,
)
MODEL = """
import time, zlib

def model_fn(model_dir):
    if {crashes}:
        raise RuntimeError("the weights are missing")
    return "model"

def input_fn(body, content_type):
    return body

def predict_fn(data, model):
    time.sleep({seconds})
    if zlib.crc32(data.encode()) % 10 < {failing_tenths}:
        raise KeyError("no such feature")
    return "0.5"

def output_fn(prediction, accept):
    return prediction, "text/csv"
"""
LATENCY_S = 0.01


@dataclass(frozen=True)
class Asked:
    variant: str | None
    failed: bool
    seconds: float


class Firehose:
    """Keeps what the API reports until it is counted."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def put_record(self, *, DeliveryStreamName: str, Record: dict[str, bytes]) -> dict[str, Any]:
        self.lines.append(Record["Data"])
        return {}


class Service:
    """A dimension with its API, its count and its tick; users ask it one after the other."""

    def __init__(self, clients: Any, bucket: str, project: str) -> None:
        self.names = Names(project)
        self.sagemaker, self.s3, self.bucket = clients("sagemaker"), clients("s3"), bucket
        self.clients = Clients(self.sagemaker, clients("dynamodb"), clients("cloudwatch"), lambda timeout_s: None)
        dynamodb = self.clients.dynamodb
        for kind, keys in (("rollouts", ("pk", "sk")), ("experiments", ("pk", "sk")), ("events", ("pk",))):
            make_table(dynamodb, self.names.table(kind), keys)
        self.settings = RolloutSettings(self.names, "arn:aws:iam::000000000000:role/models", bucket, experiments=True)
        Ledger(dynamodb, self.names.table("rollouts")).put_spec(SPEC)
        self.endpoint = self.names.endpoint("A")
        self.sagemaker.create_model_package_group(ModelPackageGroupName=self.names.group("A"))
        store = controllers(self.settings, self.clients)[0].sight.store
        assert store is not None
        self.store = store
        self.firehose = Firehose()
        self.invoker = Invoker(
            self.names,
            SettingsCache(store.settings, 0.05),
            KeptUsers(dynamodb, self.names.table("events")),
            clients("sagemaker-runtime"),
            EventStream(self.firehose, "events"),
        )
        self.recorder = Recorder(
            dynamodb,
            self.names.table("experiments"),
            self.names.table("events"),
            lambda: datetime.now(UTC),
            lambda attempt: None,
        )
        self.users = itertools.count()
        self.asked: list[Asked] = []

    def register(self, *, crashes: bool = False, seconds: float = LATENCY_S, failing_tenths: int = 0) -> None:
        source = MODEL.format(crashes=crashes, seconds=seconds, failing_tenths=failing_tenths).encode()
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as file:
            member = tarfile.TarInfo("code/inference.py")
            member.size = len(source)
            file.addfile(member, io.BytesIO(source))
        key = f"{self.endpoint}/{next(self.users)}/model.tar.gz"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=archive.getvalue())
        self.sagemaker.create_model_package(
            ModelPackageGroupName=self.names.group("A"),
            ModelApprovalStatus="Approved",
            ModelLifeCycle={"Stage": "Challenger", "StageStatus": "Pending"},
            InferenceSpecification={
                "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{self.bucket}/{key}"}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )

    def ask(self, times: int) -> None:
        """New users ask; what the API reports is counted at once."""
        for number in itertools.islice(self.users, times):
            began = time.perf_counter()
            fields = {"endpoint_name": self.endpoint, "user_id": f"u{number}", "content_type": "text/csv"}
            line: dict[str, Any] = {}
            try:
                self.invoker.answer({**fields, "data": f"row {number}"}, line)
                failed = False
            except Refusal:
                failed = True
            self.asked.append(Asked(line.get("variant"), failed, time.perf_counter() - began))
        lines, self.firehose.lines = self.firehose.lines, []
        self.recorder.record((parse(line) for line in lines), Counted())

    def tick(self) -> Report:
        return controllers(self.settings, self.clients)[0].tick("A")

    def settle(self) -> None:
        """Ticks until nothing changes any more, while users go on asking."""
        for _ in range(200):
            report = self.tick()
            if self.asked:
                self.ask(3)
            else:
                time.sleep(0.05)
            if not (report.events or report.done or report.reason):
                return
        raise AssertionError(f"the endpoint never comes to rest: {report.document()}")

    @property
    def state(self) -> State:
        return controllers(self.settings, self.clients)[0].state("A")

    def of(self, variant: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.variant == variant]

    def counted(self, variant: str) -> int:
        buckets = self.store.buckets(self.names.experiment("A", self.state.experiment))
        return sum(counts.judged.n for (name, _), counts in buckets.items() if name == variant)

    def lifecycle(self, version: int) -> tuple[str, str]:
        listed = self.sagemaker.list_model_packages(ModelPackageGroupName=self.names.group("A"))
        (cycle,) = (
            package["ModelLifeCycle"]
            for package in listed["ModelPackageSummaryList"]
            if package["ModelPackageVersion"] == version
        )
        return f"{cycle['Stage']}/{cycle['StageStatus']}", cycle["StageDescription"]


@pytest.fixture
def service(clients: Any, bucket: str, request: pytest.FixtureRequest) -> Iterator[Service]:
    found = Service(clients, bucket, f"failing{sum(request.node.name.encode())}")
    found.register()
    found.settle()
    yield found
    found.sagemaker.delete_endpoint(EndpointName=found.endpoint)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"failing_tenths": 5}, "guardrail:error_rate"),
        ({"seconds": 20 * LATENCY_S}, "guardrail:latency_p95"),  # a busy machine makes the champion late too
    ],
    ids=["errors", "slow"],
)
def test_one_that_fails_or_dawdles_is_rolled_back_within_two_ticks_of_the_minimum_sample(
    service: Service, fault: dict[str, Any], code: str
) -> None:
    service.ask(30)
    service.register(**fault)
    service.settle()
    while service.counted("v2") < MINIMUM:
        service.ask(50)
    ticks = 0
    while (track := service.state.track(2)) is None or track.phase is Phase.RAMPING:
        service.tick()
        ticks += 1
        assert ticks <= 2
    assert track.code == code
    served = len(service.of("v2"))
    time.sleep(0.1)
    service.ask(40)
    assert len(service.of("v2")) == served, "the API sends nobody to it any more"
    service.settle()
    variants = service.sagemaker.describe_endpoint(EndpointName=service.endpoint)["ProductionVariants"]
    assert [variant["VariantName"] for variant in variants] == ["v1"]
    state, reason = service.lifecycle(2)
    assert state == "Retired/Removed"
    assert track.reason.split(":")[0] in reason
    of_champion = service.of("v1")
    assert not [asked for asked in of_champion if asked.failed]
    assert statistics.median(asked.seconds for asked in of_champion) < 5 * LATENCY_S


def test_one_that_crashes_on_start_never_gets_a_request(service: Service) -> None:
    service.ask(10)
    service.register(crashes=True)
    service.settle()
    assert service.lifecycle(2)[0] == "Challenger/Failed"
    assert service.of("v2") == []
    service.ask(10)
    assert not [asked for asked in service.asked if asked.failed]
    assert replace(service.state, tracks=()).shares == {1: 1.0}
