"""The demo's watch over three rollouts: it ends when they have, in time, and a tick that fails ends nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner

from contender.cli import demo as demo_command
from contender.config import Settings, load
from contender.config.specs import specs
from contender.demo.challenges import Challenge, Truth
from contender.demo.experiment import SETTINGS, ExperimentDemo
from contender.demo.main_job import Uploads
from contender.demo.traffic import Api
from contender.errors import DeploymentError
from contender.rollout.ledger import Ledger
from contender.rollout.state import Phase, State, Track

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DIMENSIONS = {Truth.BETTER: "a", Truth.EQUAL: "b", Truth.WORSE: "c"}
RAMPING = dict.fromkeys(DIMENSIONS.values(), Phase.RAMPING)


class FakeTick:
    """Each tick brings the next phases; a phase that is None is a tick that fails."""

    def __init__(self, *looks: dict[str, Phase] | None) -> None:
        self._looks: Iterator[dict[str, Phase] | None] = iter(looks)
        self.phases: dict[str, Phase] = {}

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert json.loads(Payload)["detail-type"] == "Scheduled Event"
        phases = next(self._looks, self.phases)
        if phases is None:
            error = json.dumps({"errorMessage": "throttled"}).encode()
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(error)}
        self.phases = phases
        return {"Payload": io.BytesIO(b"[]")}

    def state(self, endpoint: str) -> State | None:
        dimension = endpoint.removeprefix("contender-")
        if dimension not in self.phases:
            return None
        phase = self.phases[dimension]
        track = Track(2, phase, 1, NOW, NOW, NOW, "code", f"v2 is {phase}")
        promoted = phase is Phase.PROMOTED
        return State(
            endpoint, dimension, champion=2 if promoted else 1, previous=1 if promoted else None, tracks=(track,)
        )


def watched(tick: FakeTick) -> tuple[ExperimentDemo, list[str]]:
    seconds, said = iter(range(10_000)), list[str]()
    uploads = Uploads(("", b""), ("", b""))
    challenges = [Challenge(dimension, truth, "", uploads, ()) for truth, dimension in DIMENSIONS.items()]
    return ExperimentDemo(
        Settings(),
        cast("Any", None),
        cast("Ledger", tick),
        tick,
        Api("", ""),
        challenges,
        said.append,
        clock=lambda: float(next(seconds)),
        sleep=lambda seconds: None,
    ), said


def test_it_ends_when_every_rollout_has_ended_or_asks_a_person() -> None:
    ended = {"a": Phase.PROMOTED, "b": Phase.INCONCLUSIVE, "c": Phase.ROLLED_BACK}
    demo, said = watched(FakeTick(RAMPING, {**RAMPING, "a": Phase.PROMOTED}, ended))
    endings = demo.watch(100)
    assert [(ending.track.phase, ending.expected) for ending in endings] == [(phase, True) for phase in ended.values()]
    assert [ending.champion for ending in endings] == [1, 1, 1]
    assert [ending.seconds for ending in endings] == [2.0, 3.0, 3.0]
    assert said.count("a: v2 is Promoted") == 1


def test_who_never_ends_is_told_of_as_it_stands_when_the_patience_is_over() -> None:
    demo, _ = watched(FakeTick({**RAMPING, "a": Phase.ROLLED_BACK}))
    endings = demo.watch(5)
    assert [ending.expected for ending in endings] == [False, True, False]
    assert [ending.seconds for ending in endings] == [1.0, None, None]


def test_it_need_not_wait_for_all() -> None:
    demo, _ = watched(FakeTick({"a": Phase.PROMOTED, "b": Phase.RAMPING, "c": Phase.ROLLED_BACK}))
    assert [ending.expected for ending in demo.watch(100, {Truth.BETTER, Truth.WORSE})] == [True, True, True]


def test_a_tick_that_fails_is_said_and_the_next_one_goes_on() -> None:
    demo, said = watched(
        FakeTick(RAMPING, None, {"a": Phase.PROMOTED, "b": Phase.INCONCLUSIVE, "c": Phase.ROLLED_BACK})
    )
    assert all(ending.expected for ending in demo.watch(100))
    assert any("throttled" in line for line in said)


def test_a_rollout_that_never_began_is_an_error() -> None:
    demo, _ = watched(FakeTick({}))
    with pytest.raises(DeploymentError, match="no rollout began"):
        demo.watch(2)


def test_its_settings_are_a_projects_settings_in_one_stage() -> None:
    settings = load(overrides={"stages": {"dev": {}, "prod": {}}, **SETTINGS}, environ={})
    (spec,) = specs(settings)
    assert spec.goal is not None
    assert spec.drain_s >= settings.experiment.cache_s


def test_it_cannot_be_played_on_customers_whose_truth_is_not_known(tmp_path: Path) -> None:
    result = CliRunner().invoke(demo_command.command, ["--experiment", "--data", str(tmp_path)])
    assert result.exit_code == 2
    assert "--data" in result.output
