"""A dimension on fake AWS, driven as the real one is: by the deploy step and by state-change events."""

from __future__ import annotations

from typing import Any

from contender.lambdas import deploy, finish
from contender.lambdas.settings import RolloutSettings
from contender.naming import Names
from contender.rollout.execute import Apply
from contender.rollout.plan import Policy
from contender.rollout.tick import reconcile
from tests.lambdas.fakes import FakeSageMaker

NAMES = Names("contender")
POLICY = Policy(challenger_share=0.1, max_challengers=3, instance_type="ml.m5.large", instance_count=1)
SETTINGS = RolloutSettings(NAMES, "arn:aws:iam::123456789012:role/contender-models", POLICY)


class World:
    def __init__(self, dimension: str = "A", sagemaker: FakeSageMaker | None = None) -> None:
        self.sagemaker = sagemaker or FakeSageMaker()
        self.dimension = dimension
        self.endpoint = self.group = NAMES.endpoint(dimension)
        self.executor = Apply(self.sagemaker, SETTINGS.model_role_arn)

    def register(self, approval: str = "Approved", *, broken: bool = False) -> str:
        arn = self.sagemaker.register(self.group, approval)
        if broken:
            self.sagemaker.broken_models.add(NAMES.model(self.dimension, NAMES.version_of_package(self.dimension, arn)))
        return arn

    def deploy(self, arn: str) -> dict[str, str]:
        result = reconcile(self.sagemaker, self.executor, NAMES, self.dimension, POLICY)
        return deploy.answer(result, NAMES.version_of_package(self.dimension, arn))

    def event(self, status: str = "IN_SERVICE") -> dict[str, Any]:
        return {
            "detail-type": "SageMaker Endpoint State Change",
            "source": "aws.sagemaker",
            "detail": {"EndpointName": self.endpoint, "EndpointStatus": status},
        }

    def finish(self) -> dict[str, dict[str, Any]]:
        return finish.answer(self.sagemaker, self.executor, SETTINGS, self.event())

    def run_out(self, failure: str = "") -> None:
        """Events until nothing changes any more."""
        for _ in range(30):
            changed = self.sagemaker.settle(failure)
            self.finish()
            if not changed and not self.sagemaker.settle():
                return
        raise AssertionError("the endpoint never comes to rest")

    def roll_out(self, *, broken: bool = False, failure: str = "") -> str:
        """Register and deploy one version to the end."""
        arn = self.register(broken=broken)
        self.deploy(arn)
        self.run_out(failure)
        return arn

    @property
    def states(self) -> dict[int, str]:
        return self.sagemaker.states(self.group)

    @property
    def weights(self) -> dict[str, float]:
        return self.sagemaker.weights(self.endpoint)
