"""A version's way through the stages: what each stage has of it, and when it comes into the next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from contender.naming import Names
from contender.registry import APPROVED, WAITS, Role, Status
from contender.rollout.spec import Approval, Follows
from contender.stages import ELSEWHERE, StageVersions
from tests.lambdas.fakes import FakeSageMaker
from tests.measurements.dynamodb import FakeDynamoDB

NAMES = Names("contender")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class World:
    """Dimension A in stages dev, test and the last one."""

    def __init__(self, dev: Approval = "automatic", test: Approval = "automatic") -> None:
        self.sagemaker = FakeSageMaker()
        self.dynamodb = FakeDynamoDB(**{"contender-rollouts": ("pk", "sk")})
        self.times = self._ticking()
        self.dev = self.stage("dev", None)
        self.test = self.stage("test", Follows("dev", dev))
        self.prod = self.stage("", Follows("test", test))

    def stage(self, key: str, follows: Follows | None) -> StageVersions:
        return StageVersions(self.sagemaker, self.dynamodb, NAMES.at(key), follows, lambda: next(self.times))

    def register(self, approval: str = APPROVED, dimension: str = "A") -> str:
        arn: str = self.sagemaker.register(NAMES.group(dimension), approval)
        return arn

    @staticmethod
    def _ticking() -> Iterator[datetime]:
        now = NOW
        while True:
            now += timedelta(seconds=1)
            yield now


def states(stage: StageVersions, dimension: str = "A") -> dict[int, str]:
    return {each.number: f"{each.role}/{each.status}/{each.approval}" for each in stage.of(dimension)}


def enters(stage: StageVersions, dimension: str = "A") -> list[int]:
    return [each.number for each in stage.of(dimension) if each.deployable]


def test_a_registered_version_waits_at_the_first_stage_only() -> None:
    world = World()
    world.register()
    assert [enters(stage) for stage in (world.dev, world.test, world.prod)] == [[1], [], []]
    assert states(world.test) == {1: f"Challenger/Pending/{ELSEWHERE}"}
    assert [each.reason for each in world.test.of("A")] == ["has not begun in stage dev"]


def test_the_registrys_approval_is_the_first_stages() -> None:
    world = World()
    arn = world.register(WAITS)
    assert enters(world.dev) == []
    world.sagemaker.packages[arn]["ModelApprovalStatus"] = APPROVED
    assert enters(world.dev) == [1]


def test_a_champion_goes_on_by_itself_one_stage_at_a_time() -> None:
    world = World()
    arn = world.register()
    world.dev.mark(arn, Role.CHAMPION, Status.DEPLOYING, "alone")
    assert enters(world.test) == []
    world.dev.mark(arn, Role.CHAMPION, Status.IN_SERVICE, "serves")
    assert (enters(world.dev), enters(world.test), enters(world.prod)) == ([], [1], [])
    world.test.mark(arn, Role.CHAMPION, Status.IN_SERVICE, "serves")
    assert (enters(world.test), enters(world.prod)) == ([], [1])
    world.prod.mark(arn, Role.CHAMPION, Status.IN_SERVICE, "serves")
    assert enters(world.prod) == []
    assert states(world.prod) == {1: f"Champion/InService/{APPROVED}"}


def test_a_challenger_stays_where_it_is() -> None:
    world = World()
    world.dev.mark(world.register(), Role.CHALLENGER, Status.IN_SERVICE, "serves")
    assert enters(world.test) == []


def test_a_stage_with_manual_approval_holds_its_champion_back() -> None:
    world = World(dev="manual")
    world.dev.mark(world.register(), Role.CHAMPION, Status.IN_SERVICE, "serves")
    assert states(world.test) == {1: f"Challenger/Pending/{WAITS}"}
    assert [each.reason for each in world.test.of("A")] == ["in stage dev: Champion, InService"]
    world.dev.approve("A", 1, "arn:aws:iam::123456789012:user/ada")
    assert enters(world.test) == [1]
    assert (world.dev.approved("A"), world.test.approved("A")) == ({1}, frozenset())


@pytest.mark.parametrize("approval", ["automatic", "manual"])
def test_a_person_may_let_a_version_go_on_before_it_is_champion(approval: Approval) -> None:
    world = World(dev=approval)
    world.dev.mark(world.register(), Role.CHALLENGER, Status.IN_SERVICE, "serves")
    world.dev.approve("A", 1, "ada")
    assert enters(world.test) == [1]
    assert states(world.dev) == {1: f"Challenger/InService/{APPROVED}"}


def test_an_approval_before_the_first_mark_marks_nothing() -> None:
    world = World(dev="manual")
    world.register()
    world.dev.approve("A", 1, "ada")
    assert (enters(world.dev), enters(world.test)) == ([1], [1])


def test_a_version_replaced_before_it_went_on_lets_its_successor_go() -> None:
    world = World()
    old, new = world.register(), world.register()
    world.dev.mark(old, Role.CHAMPION, Status.IN_SERVICE, "serves")
    world.dev.mark(new, Role.CHAMPION, Status.IN_SERVICE, "won")
    world.dev.mark(old, Role.RETIRED, Status.REMOVED, "replaced")
    assert enters(world.test) == [2]


def test_a_version_that_is_in_stays_in_whatever_becomes_of_it_before() -> None:
    world = World()
    arn = world.register()
    world.dev.mark(arn, Role.CHAMPION, Status.IN_SERVICE, "serves")
    world.test.mark(arn, Role.CHALLENGER, Status.DEPLOYING, "with endpoint config x")
    world.dev.mark(arn, Role.RETIRED, Status.REMOVED, "replaced")
    assert enters(world.test) == [1]


def test_what_the_registry_rejects_comes_in_nowhere() -> None:
    world = World()
    world.dev.mark(world.register("Rejected"), Role.CHAMPION, Status.IN_SERVICE, "serves")
    world.dev.approve("A", 1, "ada")
    assert enters(world.test) == []
    assert states(world.test) == {1: "Challenger/Pending/Rejected"}


def test_a_stage_that_is_added_does_not_repeat_the_past() -> None:
    """Fifty versions that came and went before the stage was there need not do so again."""
    world = World()
    for role, status in (
        (Role.RETIRED, Status.REMOVED),
        (Role.CHALLENGER, Status.FAILED),
        (Role.CHAMPION, Status.IN_SERVICE),
        (Role.CHALLENGER, Status.IN_SERVICE),
    ):
        world.prod.mark(world.register(), role, status, "x")
    world.register()
    assert enters(world.dev) == [3, 4, 5]
    assert [each.reason for each in world.dev.of("A")] == ["in the last stage: x", "in the last stage: x", "", "", ""]


def test_a_stages_marks_are_its_own() -> None:
    """Not the package's: its time of change decides in the last stage whether an endpoint changed since."""
    world = World()
    arn = world.register()
    before = dict(world.sagemaker.packages[arn])
    world.dev.mark(arn, Role.RETIRED, Status.REMOVED, "error rate 12.5 % (limit: 1 %);\n rolled back")
    assert world.sagemaker.packages[arn] == before
    [version] = world.dev.of("A")
    assert version.reason == "error rate 12.5 % (limit: 1 %); rolled back"
    assert version.changed_at == NOW + timedelta(seconds=1)
    assert states(world.prod) == {1: f"Challenger/Pending/{ELSEWHERE}"}


def test_a_dimension_does_not_see_another_ones_marks() -> None:
    world = World()
    for dimension in ("SM-1", "SM-10"):
        world.register(dimension=dimension)
    world.dev.mark(world.register(dimension="SM-1"), Role.CHAMPION, Status.IN_SERVICE, "serves")
    assert states(world.dev, "SM-10") == {1: f"Challenger/Pending/{APPROVED}"}
    assert (enters(world.test, "SM-1"), enters(world.test, "SM-10")) == ([2], [])


def test_all_of_many_versions_are_read() -> None:
    world = World()
    arns = [world.register() for _ in range(25)]
    for arn in arns:
        world.dev.mark(arn, Role.RETIRED, Status.REMOVED, "")
    world.dynamodb.page = 10
    assert set(states(world.dev).values()) == {f"Retired/Removed/{APPROVED}"}


def test_a_project_without_stages_reads_no_table() -> None:
    world = World()
    only = StageVersions(world.sagemaker, None, NAMES, None, lambda: NOW)
    arn = world.register()
    only.mark(arn, Role.CHAMPION, Status.IN_SERVICE, "serves")
    assert states(only) == {1: f"Champion/InService/{APPROVED}"}


def test_who_waits_at_no_door_is_not_asked_about() -> None:
    world = World()
    world.prod.mark(world.register(), Role.CHAMPION, Status.IN_SERVICE, "serves")
    world.dynamodb.calls.clear()
    world.prod.of("A")
    assert world.dynamodb.calls == []
