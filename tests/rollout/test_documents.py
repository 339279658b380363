"""Values as JSON documents and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from contender.errors import DataError, SettingsError
from contender.experiments.guardrails import Guardrail
from contender.experiments.verdict import Goal
from contender.rollout.documents import dumps, from_json, loads, to_json
from contender.rollout.spec import DimensionSpec, Follows, Hooks, Instance, Pins, Spec, Step, StrategySpec
from contender.rollout.state import HookRun, Phase, State, Track

NOON = datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC)
FULL = Spec(
    "dev",
    Instance("ml.m5.large", 1),
    steps=(Step(0.1, 1 / 3, 500), Step(1.0)),
    strategy=StrategySpec("Thompson", floor=0.1 + 0.2),
    goal=Goal("real", tau=0.1),
    guardrails=(Guardrail("error_rate", 0.01), Guardrail("reward:sales", 5.0, "warn")),
    hooks=Hooks(("a",), ("b", "c"), 30.0),
    follows=Follows("test", "manual"),
    dimensions={"SM-1": DimensionSpec(Pins(3, (5, 7)), {5: Instance("ml.c5.large", 2)})},
)
TRACK = Track(2, Phase.RAMPING, 1, NOON, NOON, NOON, "begins", "v2 begins", hook=HookRun("after", 1, ("a",), NOON))
STATE = State("contender-SM-1", "SM-1", 3, 1, 1, None, {1: 0.9, 2: 0.1}, NOON, NOON, tracks=(TRACK,), barred=(4, 6))


@dataclass(frozen=True, slots=True)
class Pair:
    both: tuple[int, str]
    some: tuple[float, ...] = ()


@pytest.mark.parametrize("value", [FULL, STATE, Pair((1, "a"), (0.1, 1e-300))])
def test_what_is_read_equals_what_was_written(value: object) -> None:
    assert loads(type(value), dumps(value)) == value


def test_a_spec_with_other_contents_has_another_digest() -> None:
    assert FULL.digest == loads(Spec, dumps(FULL)).digest
    assert FULL.digest != replace(FULL, bake_s=FULL.bake_s + 1e-9).digest


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"phase": "Dancing"}, "Track.phase is 'Dancing': it must be one of Ramping, "),
        ({"version": "2"}, "Track.version is '2': it must be of type int"),
        ({"version": True}, "Track.version is True: it must be of type int"),
        ({"began": "noon"}, "Track.began is 'noon': it must be a time"),
        ({"extra": 1}, "Track has no 'extra'"),
        (
            {"hook": {"when": "while", "step": 1, "functions": [], "asked": NOON.isoformat()}},
            "Track.hook.when is 'while'",
        ),
        ({"warned": "all"}, "Track.warned is 'all': it must be of type list"),
    ],
)
def test_a_document_that_does_not_fit_says_where(change: dict[str, object], said: str) -> None:
    with pytest.raises(DataError) as caught:
        from_json(Track, to_json(TRACK) | change)
    assert str(caught.value).startswith(said)


def test_a_document_that_lacks_something_says_what() -> None:
    document = to_json(TRACK)
    del document["began"]
    with pytest.raises(DataError, match="Track lacks 'began'"):
        from_json(Track, document)
    del document["warned"]
    with pytest.raises(DataError, match=r"Pair\.both has 1 elements: it must have 2"):
        from_json(Pair, {"both": [1]})
    with pytest.raises(DataError, match="a Pair could not be read, it is no JSON"):
        loads(Pair, "{")
    with pytest.raises(DataError, match=r"State\.shares has a key that cannot be read"):
        from_json(State, to_json(STATE) | {"shares": {"v1": 1.0}})


def test_a_state_of_before_a_new_field_is_read_with_its_default() -> None:
    document = json.loads(dumps(STATE))
    del document["notes"]
    assert from_json(State, document) == STATE


def test_a_whole_number_is_read_as_a_float_where_one_is_meant() -> None:
    share = from_json(Step, {"share": 1}).share
    assert (share, type(share)) == (1.0, float)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": ()}, "it has no steps"),
        ({"steps": (Step(0.0),)}, "each must be above 0 and at most 1"),
        ({"steps": (Step(0.5), Step(0.1))}, "each must be at least the one before"),
        ({"max_challengers": 10}, "max_challengers is 10: it must be between 1 and 9"),
        (
            {"dimensions": {"A": DimensionSpec(Pins(1, (1,)))}},
            "dimension A pins version 1 as champion and as challenger",
        ),
        ({"dimensions": {"A": DimensionSpec(Pins(None, (2, 2)))}}, "dimension A pins a challenger twice"),
        (
            {"dimensions": {"A": DimensionSpec(Pins(None, tuple(range(1, 11))))}},
            "dimension A pins 10 challengers: at most 9",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(changes: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        replace(FULL, **changes)
    assert said in str(caught.value)
    assert str(caught.value).startswith("rollout in stage dev: ")
