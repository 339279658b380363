"""Variants that automatic scaling holds are let go of before an update that AWS would refuse because of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from contender.rollout.spec import Instance
from tests.lambdas.world import PATIENT, World
from tests.watching.fakes import FakeScaling


class Scaling(FakeScaling):
    """Remembers how many updates of endpoints there had been when each variant was let go of."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.let_go: list[tuple[str, int]] = []

    def deregister_scalable_target(self, **request: Any) -> dict[str, Any]:
        updates = len(self._world.sagemaker.made("UpdateEndpoint"))
        self.let_go.append((request["ResourceId"].rpartition("/")[2], updates))
        answer: dict[str, Any] = super().deregister_scalable_target(**request)
        return answer


def test_a_challenger_that_is_replaced() -> None:
    world = World(spec=replace(PATIENT, newer="replace"))
    world.scaling = Scaling(world)
    for _ in range(4):
        world.roll_out()
    assert world.scaling.let_go == []
    world.roll_out()
    assert set(world.weights) == {"v1", "v3", "v4", "v5"}
    before_the_last = len(world.sagemaker.made("UpdateEndpoint")) - 1
    assert world.scaling.let_go == [("v2", before_the_last)]


def test_variants_that_get_other_instances() -> None:
    world = World()
    world.scaling = Scaling(world)
    world.roll_out()
    world.set(replace(PATIENT, instance=Instance("ml.m5.xlarge", 2)))
    world.run_out()
    assert world.instances == {"v1": ("ml.m5.xlarge", 2)}
    assert world.scaling.let_go == [("v1", 0)]
