"""What a person sets, from contender.yaml or in the console, on local SageMaker and MiniStack."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contender.config import load
from contender.lambdas.controllers import Clients, controllers
from contender.lambdas.settings import RolloutSettings
from contender.naming import Names
from contender.rollout.ledger import Ledger
from contender.rollout.replay import replay
from contender.rollout_settings import publish
from tests.lambdas.test_failing_challengers import Service
from tests.lambdas.test_on_the_laptop import make_table, register
from tests.local.running import eventually

NAMES = Names("byhand")
NUMBERS = itertools.count(1)
SETTINGS = RolloutSettings(NAMES, "arn:aws:iam::000000000000:role/models", "test-bucket", experiments=False)
FILE = """
project: byhand
experiment: {{enabled: false}}
rollout:
  bake_time_s: 0
  drain_s: 0
  steps: [{{share: 0.2, time_s: {time_s}, sample: 0}}]
  weights_by_hand: {by_hand}
dimensions: {{{name}: {dimension}}}
"""


WITHOUT_API = """
project: noapi
experiment: {enabled: false}
rollout:
  drain_s: 0
  steps: [{share: 0.5, time_s: 3600, sample: 0}]
  guardrails: [{metric: error_rate, limit: 0.01, minimum_sample: 20}]
"""


class Project:
    """A dimension of a project whose contender.yaml a test rewrites."""

    def __init__(self, clients: Any, bucket: str, booster: bytes, folder: Path, dimension: str) -> None:
        self.sagemaker, self.dimension, self.endpoint = clients("sagemaker"), dimension, NAMES.endpoint(dimension)
        self._clients = Clients(self.sagemaker, clients("dynamodb"), clients("cloudwatch"), lambda timeout_s: None)
        self._file = folder / "contender.yaml"
        make_table(self._clients.dynamodb, NAMES.table("rollouts"))
        self.ledger = Ledger(self._clients.dynamodb, NAMES.table("rollouts"))
        self.sagemaker.create_model_package_group(ModelPackageGroupName=NAMES.group(dimension))
        self._upload = lambda: register(clients, bucket, NAMES.group(dimension), booster)

    def set(self, dimension: str = "{}", *, time_s: int = 0, by_hand: str = "respect") -> None:
        """Deploy a contender.yaml that says this about the dimension."""
        self._file.write_text(FILE.format(name=self.dimension, dimension=dimension, time_s=time_s, by_hand=by_hand))
        publish(self.ledger, load(self._file, environ={}))
        self.look()

    def register(self) -> None:
        self._upload()
        self.look()

    def shift(self, **weights: float) -> None:
        """As a person does it in the console, or with boto3."""
        desired = [{"VariantName": name, "DesiredWeight": weight} for name, weight in weights.items()]
        self.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=self.endpoint, DesiredWeightsAndCapacities=desired
        )
        self._wait()
        self.look()

    def look(self) -> None:
        """Ticks until nothing changes any more."""
        for _ in range(30):
            report = controllers(SETTINGS, self._clients)[0].tick(self.dimension)
            if not (report.events or report.done):
                return
            self._wait()
        raise AssertionError("the endpoint never comes to rest")

    def _wait(self) -> None:
        if self.sagemaker.list_endpoints(NameContains=self.endpoint)["Endpoints"]:
            waiter = self.sagemaker.get_waiter("endpoint_in_service")
            waiter.wait(EndpointName=self.endpoint, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})

    def serving(self) -> dict[str, tuple[float, str, int]]:
        """Share, instance type and number of running instances of each variant."""
        described = self.sagemaker.describe_endpoint(EndpointName=self.endpoint)
        config = self.sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
        types = {variant["VariantName"]: variant["InstanceType"] for variant in config["ProductionVariants"]}
        return {
            each["VariantName"]: (
                round(each["CurrentWeight"], 6),
                types[each["VariantName"]],
                each["CurrentInstanceCount"],
            )
            for each in described["ProductionVariants"]
        }

    def codes(self) -> list[str]:
        return [event.code for entry in self.ledger.entries(self.endpoint) for event in entry.decision.events]


@pytest.fixture
def project(clients: Any, bucket: str, booster: bytes, tmp_path: Path) -> Iterator[Project]:
    project = Project(clients, bucket, booster, tmp_path, f"SM-{next(NUMBERS)}")
    yield project
    entries = list(project.ledger.entries(project.endpoint))
    assert all(each.same for each in replay(entries, project.ledger.spec))
    clients("sagemaker").delete_endpoint(EndpointName=project.endpoint)


def test_pins_and_instances_of_the_file_are_what_serves(project: Project) -> None:
    project.set()
    project.register()
    assert project.serving() == {"v1": (1.0, "ml.m5.large", 1)}

    pinned = "{champion: 1, challengers: [2], instances: {2: {type: ml.c5.xlarge, count: 2}}}"
    project.set(pinned)
    project.register()
    assert project.serving() == {"v1": (0.8, "ml.m5.large", 1), "v2": (0.2, "ml.c5.xlarge", 2)}

    # a number alone is changed while nobody comes or leaves
    project.set(pinned.replace("count: 2", "count: 3"))
    assert project.serving() == {"v1": (0.8, "ml.m5.large", 1), "v2": (0.2, "ml.c5.xlarge", 3)}

    project.set("{champion: 2}")
    assert project.serving() == {"v2": (1.0, "ml.m5.large", 1)}
    project.register()
    assert set(project.serving()) == {"v2"}
    project.set()
    assert project.serving() == {"v3": (1.0, "ml.m5.large", 1)}


def test_weights_that_a_person_sets_stay_or_are_put_back_as_the_file_says(project: Project) -> None:
    project.set(time_s=86_400)
    project.register()
    project.register()
    assert {name: share for name, (share, *_) in project.serving().items()} == {"v1": 0.8, "v2": 0.2}
    project.shift(v1=3.0, v2=1.0)
    assert {name: share for name, (share, *_) in project.serving().items()} == {"v1": 3.0, "v2": 1.0}
    assert project.codes()[-1] == "by_hand"

    project.set(time_s=86_400, by_hand="put_back")
    project.shift(v1=0.0)
    assert {name: share for name, (share, *_) in project.serving().items()} == {"v1": 0.75, "v2": 0.25}
    assert project.codes()[-2:] == ["put_back", "serves"]


def test_failures_roll_a_challenger_back_without_the_api_too(clients: Any, bucket: str, tmp_path: Path) -> None:
    """CloudWatch counts what is asked of the endpoint directly."""
    service = Service(clients, bucket, "noapi")
    service.settings = replace(service.settings, experiments=False)
    file = tmp_path / "contender.yaml"
    file.write_text(WITHOUT_API)
    publish(Ledger(clients("dynamodb"), "noapi-rollouts"), load(file, environ={}))
    service.register()
    service.settle()
    service.register(failing_tenths=10)
    service.settle()
    assert service.state.shares == {1: 0.5, 2: 0.5}
    for number in range(120):
        with contextlib.suppress(ClientError):
            clients("sagemaker-runtime").invoke_endpoint(
                EndpointName=service.endpoint, ContentType="text/csv", Body=f"row {number}"
            )

    def rolled_back() -> bool:
        service.tick()
        track = service.state.track(2)
        return track is not None and track.code == "guardrail:error_rate"

    eventually(rolled_back)
    service.settle()
    assert service.state.shares == {1: 1.0}
    clients("sagemaker").delete_endpoint(EndpointName=service.endpoint)
