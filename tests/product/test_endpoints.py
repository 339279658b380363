"""What an endpoint serves, plans as data, and making changes that may be made already."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from contender import endpoints
from contender.endpoints import Serving, Slot
from contender.naming import Names
from contender.registry import Role, Status, Version
from contender.rollout.actions import (
    CreateConfig,
    CreateEndpoint,
    CreateModel,
    DeleteConfig,
    DeleteEndpoint,
    DeleteModel,
    MarkVersion,
    ShiftShares,
    UpdateEndpoint,
    Variant,
    describe,
)
from contender.rollout.execute import Apply
from contender.rollout.plan import cleanup, plan
from contender.rollout.state import State
from contender.rollout.view import View
from contender.stages import StageVersions
from tests.lambdas.fakes import FakeSageMaker
from tests.lambdas.world import PATIENT

NAMES = Names("contender")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = State("contender-A", "A", champion=1, shares={1: 1.0})


def executor(sagemaker: FakeSageMaker) -> Apply:
    versions = StageVersions(sagemaker, None, NAMES, None, lambda: NOW)
    return Apply(sagemaker, "arn:aws:iam::123456789012:role/models", versions)


def test_a_plan_is_a_value_that_depends_on_nothing_else() -> None:
    version = Version(1, "arn/1", Role.CHALLENGER, Status.PENDING, "", "Approved", NOW)
    view = View(NAMES, "A", (version,), None)
    found = plan(PATIENT, FIRST, view)
    assert found == plan(PATIENT, FIRST, view)
    (config,) = (action.name for action in found.actions if isinstance(action, CreateConfig))
    assert [describe(action) for action in found.actions] == [
        "create model contender-A-v1",
        f"create endpoint config {config} (v1 100.0%)",
        f"mark version 1 Challenger/Deploying: with endpoint config {config}",
        f"create endpoint contender-A with {config}",
    ]


def test_nothing_registered_and_nothing_serving_is_nothing_to_do() -> None:
    assert plan(PATIENT, State("contender-A", "A"), View(NAMES, "A", (), None)).actions == ()


def test_cleaning_up_keeps_what_serves_what_may_start_and_what_may_return() -> None:
    serving = Serving(
        "contender-A",
        "InService",
        "contender-A-0000000002",
        "contender-A-0000000002",
        (Slot("v3", "contender-A-v3", 1.0),),
        "",
        NOW,
        config_created_at=NOW,
    )
    states = {
        1: (Role.CHAMPION, Status.IN_SERVICE),
        2: (Role.RETIRED, Status.REMOVED),
        3: (Role.RETIRED, Status.REMOVED),
        4: (Role.CHALLENGER, Status.FAILED),
        5: (Role.CHALLENGER, Status.PENDING),
    }
    versions = tuple(Version(number, "", *state, "", "Approved", NOW) for number, state in states.items())
    configs = {
        "contender-A-0000000001": NOW - timedelta(days=1),
        # A list that rounds its times down must not make the serving config look older than itself.
        "contender-A-0000000002": NOW - timedelta(milliseconds=5),
        "contender-A-0000000003": NOW + timedelta(seconds=1),
    }
    models = [f"contender-A-v{number}" for number in (*states, 6)]
    found = cleanup(View(NAMES, "A", versions, serving), configs, models, NOW)
    assert found == (
        DeleteConfig("contender-A-0000000001"),
        DeleteModel("contender-A-v2"),
        DeleteModel("contender-A-v4"),
    )
    later = cleanup(View(NAMES, "A", versions, serving), configs, models, NOW + timedelta(hours=2))
    assert DeleteConfig("contender-A-0000000003") in later, "nobody began to use it"


def test_a_config_is_told_apart_by_all_that_it_asks_for() -> None:
    variants = [
        Variant("v1", "contender-A-v1", share, kind, count)
        for share in (1.0, 0.9)
        for kind in ("ml.m5.large", "ml.m5.xlarge")
        for count in (1, 2)
    ]
    assert len({NAMES.config("A", [variant.content]) for variant in variants}) == len(variants)


def test_what_is_there_already_is_success_and_what_is_gone_is_deleted() -> None:
    sagemaker = FakeSageMaker()
    arn = sagemaker.register("contender-A")
    apply = executor(sagemaker)
    config = CreateConfig("contender-A-0123456789", (Variant("v1", "contender-A-v1", 1 / 3, "ml.m5.large", 1),))
    for action in (
        CreateModel("contender-A-v1", arn),
        config,
        CreateEndpoint("contender-A", config.name),
        MarkVersion(1, arn, Role.CHAMPION, Status.IN_SERVICE, "x"),
    ):
        apply.run(action)
        apply.run(action)
    sagemaker.settle()
    apply.run(CreateConfig("contender-A-abcdef0123", config.variants))
    for _ in range(2):
        apply.run(UpdateEndpoint("contender-A", "contender-A-abcdef0123"))
    sagemaker.settle()
    for _ in range(2):
        apply.run(ShiftShares("contender-A", {"v1": 1.0}))
        sagemaker.settle()
    for gone in (DeleteConfig("contender-A-0123456789"), DeleteModel("contender-A-v1")):
        apply.run(gone)
        apply.run(gone)
    apply.run(DeleteEndpoint("contender-A"))
    sagemaker.settle()
    apply.run(DeleteEndpoint("contender-A"))
    assert not sagemaker.models
    assert not sagemaker.endpoints


def test_live_shares_are_parts_of_one_and_read_back_as_they_were_set() -> None:
    sagemaker = FakeSageMaker()
    arn = sagemaker.register("contender-A")
    apply = executor(sagemaker)
    apply.run(CreateModel("m", arn))
    variants = tuple(Variant(name, "m", 0.0, "ml.m5.large", 1) for name in ("v1", "v2", "other"))
    apply.run(CreateConfig("contender-A-0123456789", variants))
    apply.run(CreateEndpoint("contender-A", "contender-A-0123456789"))
    sagemaker.settle()
    serving = endpoints.read(sagemaker, "contender-A")
    assert serving is not None
    assert serving.live_shares() == {1: 0.0, 2: 0.0}
    sagemaker.set_weights("contender-A", v1=0.9, v2=0.1)
    serving = endpoints.read(sagemaker, "contender-A")
    assert serving is not None
    assert serving.live_shares() == {1: 0.9, 2: 0.1}
    assert endpoints.read(sagemaker, "contender-B") is None
