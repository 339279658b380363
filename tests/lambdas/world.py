"""A dimension on fake AWS, driven as the real one is: by the deploy step, by state-change events and by the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from contender.lambdas import deploy, tick
from contender.lambdas.controllers import Clients, controllers
from contender.lambdas.settings import RolloutSettings
from contender.naming import Names
from contender.rollout.decision import Entry
from contender.rollout.ledger import Ledger
from contender.rollout.observation import Command, HookOutcome, Verb
from contender.rollout.spec import Hooks, Instance, Spec, Step
from contender.rollout.state import State
from contender.rollout.tick import Controller, Report
from tests.lambdas.fakes import FakeSageMaker, FakeTables, Process

NAMES = Names("contender")
SETTINGS = RolloutSettings(NAMES, "arn:aws:iam::123456789012:role/contender-models", "artifacts", experiments=True)
PATIENT = Spec(stage="", instance=Instance("ml.m5.large", 1), steps=(Step(0.1, time_s=1e9),), max_challengers=3)
"""Challengers stay at their first share."""
QUICK = replace(PATIENT, steps=(Step(0.1, time_s=60), Step(0.5, time_s=60)), bake_s=120, drain_s=30)
"""A challenger whose guardrails hold is champion after some minutes."""


class World:
    def __init__(
        self,
        dimension: str = "A",
        sagemaker: FakeSageMaker | None = None,
        *,
        spec: Spec = PATIENT,
        tables: FakeTables | None = None,
    ) -> None:
        self.sagemaker = sagemaker or FakeSageMaker()
        self.tables = tables or FakeTables("contender-rollouts", "contender-experiments")
        self.tables.process = self.sagemaker.process
        self.dimension = dimension
        self.endpoint = self.group = NAMES.endpoint(dimension)
        self.experiments = True
        self.scaling: Any = None
        self.arrived = ""
        self.began = self.sagemaker.now
        self.asked: list[dict[str, Any]] = []
        self.hook_answers: dict[str, HookOutcome] = {}
        self.ledger = Ledger(self.tables, NAMES.table("rollouts"))
        self.set(spec)

    @property
    def process(self) -> Process:
        return self.sagemaker.process

    def set(self, spec: Spec) -> None:
        """Deploy other settings."""
        self.ledger.put_spec(spec)

    @property
    def clients(self) -> Clients:
        return Clients(
            self.sagemaker, self.tables, None, lambda timeout_s: None, lambda: self.sagemaker.now, self.scaling
        )

    @property
    def controller(self) -> Controller:
        settings = replace(SETTINGS, experiments=self.experiments)
        return replace(controllers(settings, self.clients)[0], ask=self._ask)

    def _ask(self, function: str, payload: Mapping[str, Any], timeout_s: float) -> tuple[HookOutcome, str]:
        self.asked.append({"function": function, **payload})
        return self.hook_answers.get(function, HookOutcome.PASSED), f"{function} has said so"

    def register(self, approval: str = "Approved", *, broken: bool = False) -> str:
        arn = self.sagemaker.register(self.group, approval)
        if broken:
            self.sagemaker.broken_models.add(NAMES.model(self.dimension, NAMES.version_of_package(self.dimension, arn)))
        return arn

    def deploy(self, arn: str) -> dict[str, str]:
        return deploy.answer(
            deploy.look(self.controller, self.dimension), NAMES.version_of_package(self.dimension, arn)
        )

    def event(self, status: str = "IN_SERVICE") -> dict[str, Any]:
        return {
            "detail-type": "SageMaker Endpoint State Change",
            "source": "aws.sagemaker",
            "detail": {"EndpointName": self.endpoint, "EndpointStatus": status},
        }

    def tick(self) -> Report:
        return self.controller.tick(self.dimension)

    def command(self, verb: Verb, version: int | None = None, by: str = "ada") -> Report:
        return self.controller.tick(self.dimension, Command(verb, by, version, "to see"))

    def wake(self, event: Mapping[str, Any] | None = None) -> list[Report]:
        """What the tick function does about an event."""
        made = controllers(SETTINGS, self.clients)
        return list(tick.look(NAMES, made, event or self.event()))

    def run_out(self, failure: str = "") -> None:
        """Events until nothing changes any more; time stands still."""
        for _ in range(60):
            changed = self.sagemaker.settle(failure)
            report = self.tick()
            if not (changed or report.events or report.done or self.sagemaker.settle(failure)):
                return
        raise AssertionError("the endpoint never comes to rest")

    def pass_time(self, seconds: float, failure: str = "") -> None:
        """Let time pass, with a tick each time the schedule strikes: seldom once much of it has passed."""
        end, every_s = self.sagemaker.now + timedelta(seconds=seconds), 20.0
        while self.sagemaker.now < end:
            self.sagemaker.now += timedelta(seconds=every_s)
            every_s *= 1.06
            self.run_out(failure)

    def roll_out(self, *, broken: bool = False, failure: str = "") -> str:
        """Register and deploy one version until it has its share, or cannot get one."""
        arn = self.register(broken=broken)
        self.deploy(arn)
        self.pass_time(60.0, failure=failure)
        return arn

    @property
    def now(self) -> datetime:
        return self.sagemaker.now

    @property
    def state(self) -> State:
        return self.controller.state(self.dimension)

    @property
    def entries(self) -> list[Entry]:
        return list(self.ledger.entries(self.endpoint))

    @property
    def phases(self) -> dict[int, str]:
        return {track.version: track.phase.value for track in self.state.tracks}

    @property
    def states(self) -> dict[int, str]:
        return self.sagemaker.states(self.group)

    @property
    def instances(self) -> dict[str, tuple[str, int]]:
        """Type and count of each variant, as the endpoint's config asks for them."""
        config = self.sagemaker.configs[self.sagemaker.endpoints["contender-A"]["config"]]
        variants = config["ProductionVariants"]
        return {each["VariantName"]: (each["InstanceType"], each["InitialInstanceCount"]) for each in variants}

    @property
    def weights(self) -> dict[str, float]:
        return self.sagemaker.weights(self.endpoint)


def with_hooks(spec: Spec, *, before: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> Spec:
    return replace(spec, hooks=Hooks(before, after, timeout_s=60.0))
