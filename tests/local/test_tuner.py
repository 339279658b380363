"""The search behind a tuning job: what it proposes, and when it gives a training job up."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Any

import optuna
import pytest

from contender.local.containers.tuner import Study, ranges_of

UP_TO_SIX = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "6"}]}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


def study(ranges: Mapping[str, Any] = UP_TO_SIX, strategy: str = "Random", **changes: Any) -> Study:
    asked = {"ranges": ranges, "strategy": strategy, "seed": 1, "maximize": True, "trials": 20, "early_stopping": False}
    return Study({**asked, **changes})


def proposals(found: Study, count: int) -> list[dict[str, str]]:
    """Every trial is told a value, so that the next one may build on it."""
    asked = []
    for _ in range(count):
        answer = found.ask()
        asked.append(answer["parameters"])
        found.tell(answer["trial"], -((float(answer["parameters"].get("x", "3")) - 3) ** 2), pruned=False)
    return asked


def sample(kind: str, low: str, high: str, scaling: str | None = None, count: int = 300) -> list[float]:
    one = {"Name": "x", "MinValue": low, "MaxValue": high, **({"ScalingType": scaling} if scaling else {})}
    return [float(each["x"]) for each in proposals(study({f"{kind}ParameterRanges": [one]}), count)]


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_the_same_seed_gives_the_same_trials(strategy: str) -> None:
    assert proposals(study(strategy=strategy), 8) == proposals(study(strategy=strategy), 8)
    assert proposals(study(strategy=strategy), 8) != proposals(study(strategy=strategy, seed=2), 8)


def test_random_search_does_not_look_at_results() -> None:
    def ask(value: float) -> list[dict[str, str]]:
        found = study()
        asked = [found.ask() for _ in range(3)]
        for each in asked:
            found.tell(each["trial"], value * each["trial"], pruned=False)
        return [found.ask()["parameters"] for _ in range(5)]

    assert ask(1.0) == ask(-1.0)


@pytest.mark.parametrize(("scaling", "low", "high"), [("Logarithmic", "0.01", "1"), ("Auto", "0.0001", "10")])
def test_a_logarithmic_scale_gives_every_order_of_magnitude_its_share(scaling: str, low: str, high: str) -> None:
    found = sample("Continuous", low, high, scaling)
    middle = (float(low) * float(high)) ** 0.5
    assert min(found) >= float(low)
    assert max(found) <= float(high)
    assert 0.4 < sum(each < middle for each in found) / len(found) < 0.6


@pytest.mark.parametrize(
    ("scaling", "low", "high"),
    [("Linear", "0.0001", "10"), ("Auto", "0.5", "10"), ("Auto", "0", "10000"), (None, "-3", "5")],
)
def test_a_linear_scale_gives_both_halves_their_share(scaling: str | None, low: str, high: str) -> None:
    found = sample("Continuous", low, high, scaling)
    middle = (float(low) + float(high)) / 2
    assert min(found) >= float(low)
    assert max(found) <= float(high)
    assert 0.4 < sum(each < middle for each in found) / len(found) < 0.6


def test_a_reverse_logarithmic_scale_looks_closely_near_one() -> None:
    found = sample("Continuous", "0.5", "0.999", "ReverseLogarithmic")
    assert min(found) >= 0.5
    assert max(found) <= 0.999
    assert 0.4 < sum(each > 1 - (0.5 * 0.001) ** 0.5 for each in found) / len(found) < 0.6


def test_integers_are_integers_and_both_ends_are_tried() -> None:
    one = {"Name": "depth", "MinValue": "2", "MaxValue": "5"}
    found = {each["depth"] for each in proposals(study({"IntegerParameterRanges": [one]}), 60)}
    assert found == {"2", "3", "4", "5"}
    assert statistics.median(sample("Integer", "1", "10000", "Logarithmic")) < 300
    assert statistics.median(sample("Integer", "1", "10000", "Linear")) > 3000


def test_categories_are_passed_on_as_they_were_written() -> None:
    one = {"Name": "kind", "Values": ["01", "1.0", "true", "a b"]}
    found = {each["kind"] for each in proposals(study({"CategoricalParameterRanges": [one]}, "Bayesian"), 60)}
    assert found == {"01", "1.0", "true", "a b"}


def test_a_grid_is_every_combination_once_in_an_order_of_the_seed() -> None:
    ranges = {
        "CategoricalParameterRanges": [
            {"Name": "kind", "Values": ["a", "b", "c"]},
            {"Name": "x", "Values": ["1", "2", "3", "4"]},
        ]
    }
    found = study(ranges, "Grid")
    walked = proposals(found, 12)
    assert {(each["kind"], each["x"]) for each in walked} == {(kind, x) for kind in "abc" for x in "1234"}
    assert found.ask() == {"exhausted": True}
    assert proposals(study(ranges, "Grid"), 12) == walked
    assert proposals(study(ranges, "Grid", seed=2), 12) != walked


def distance(found: list[dict[str, str]]) -> float:
    return statistics.median(abs(float(each["x"]) - 3) for each in found)


def test_a_bayesian_search_closes_in_on_the_best() -> None:
    assert distance(proposals(study(strategy="Bayesian"), 40)[-20:]) < 0.8
    assert distance(proposals(study(strategy="Random"), 40)[-20:]) > 1.2


def test_a_warm_start_begins_where_its_parents_ended() -> None:
    known = [{"parameters": {"x": str(x / 5)}, "value": -((x / 5 - 3) ** 2)} for x in range(31)]
    assert distance(proposals(study(strategy="Bayesian", known=known), 8)) < 0.5
    assert distance(proposals(study(strategy="Bayesian"), 3)) > 0.5


def test_a_warm_start_knows_the_direction() -> None:
    known = [{"parameters": {"x": str(x / 5)}, "value": (x / 5 - 3) ** 2} for x in range(31)]
    found = study(strategy="Bayesian", known=known, maximize=False)
    assert distance([found.ask()["parameters"] for _ in range(8)]) < 0.5


@pytest.mark.parametrize("parameters", [{"x": "7"}, {"y": "3"}, {"x": "three"}, {}])
def test_a_known_trial_that_does_not_fit_the_ranges_is_left_out(parameters: dict[str, str]) -> None:
    known = [{"parameters": parameters, "value": 100.0}]
    assert proposals(study(strategy="Bayesian", known=known), 5) == proposals(study(strategy="Bayesian"), 5)


@pytest.mark.parametrize(
    ("name", "hint", "low", "high"),
    [
        ("eta", "0.3", 0.06, 1.0),
        ("eta", "50", 1.0, 1.0),
        ("max_depth", "6", 1, 30),
        ("layers", "10", 2, 50),
        ("rate", "1e-3", 0.0002, 0.005),
        ("shift", "-2", -10, 0),
        ("dropout", "0.0", 0.0, 1.0),
    ],
)
def test_a_hint_becomes_a_range_that_holds_it_and_what_the_algorithm_allows(
    name: str, hint: str, low: float, high: float
) -> None:
    (found,) = ranges_of({"AutoParameters": [{"Name": name, "ValueHint": hint}]})
    distribution = found.distribution
    assert isinstance(distribution, optuna.distributions.FloatDistribution | optuna.distributions.IntDistribution)
    assert (distribution.low, distribution.high) == pytest.approx((low, high))
    is_integer = isinstance(distribution, optuna.distributions.IntDistribution)
    assert is_integer == (name in ("max_depth", "layers", "shift"))


def test_a_hint_that_is_no_number_is_kept() -> None:
    (found,) = ranges_of({"AutoParameters": [{"Name": "booster", "ValueHint": "gbtree"}]})
    assert found.choices == ("gbtree",)


def race(found: Study, scores: list[float], epochs: int) -> dict[float, int]:
    """Trials one after another, each with a score that grows by the epoch; at which epoch each was given up."""
    given_up = {}
    for score in scores:
        number = found.ask()["trial"]
        for epoch in range(epochs):
            if found.report(number, [(epoch, score * (epoch + 1))]):
                given_up[score] = epoch
                found.tell(number, None, pruned=True)
                break
        else:
            found.tell(number, score * epochs, pruned=False)
    return given_up


def hyperband(least: int) -> Study:
    limits = {"MinResource": least, "MaxResource": 27}
    return study(strategy="Hyperband", early_stopping=True, hyperband=limits, trials=30)


def test_hyperband_gives_up_the_bad_and_lets_the_best_run() -> None:
    scores = [10.0, 9.0, *(0.1 * number for number in range(1, 25))]
    given_up = race(hyperband(1), scores, 27)
    assert 10.0 not in given_up
    assert len(given_up) > 10
    assert min(given_up.values()) < 5


def test_hyperband_with_the_same_seed_gives_up_the_same() -> None:
    scores = [10.0, 9.0, *(0.1 * number for number in range(1, 25))]
    assert race(hyperband(1), scores, 27) == race(hyperband(1), scores, 27)


def test_trials_are_compared_at_the_same_epoch_however_many_are_read_at_once() -> None:
    scores = [10.0, 9.0, *(0.1 * number for number in range(1, 25))]
    found = hyperband(1)
    given_up = []
    for score in scores:
        number = found.ask()["trial"]
        pruned = found.report(number, [(epoch, score * (epoch + 1)) for epoch in range(27)])
        found.tell(number, score * 27, pruned=pruned)
        given_up += [score] if pruned else []
    assert given_up == list(race(hyperband(1), scores, 27))


def test_hyperband_lets_everything_run_as_long_as_was_asked_for() -> None:
    scores = [10.0, 9.0, *(0.1 * number for number in range(1, 25))]
    given_up = race(hyperband(9), scores, 27)
    assert given_up
    assert min(given_up.values()) >= 8


def test_early_stopping_gives_up_what_is_worse_than_the_median() -> None:
    given_up = race(study(early_stopping=True), [5.0, 6.0, 7.0, 1.0, 8.0], 10)
    assert given_up.keys() == {1.0}


def test_without_early_stopping_everything_runs() -> None:
    assert race(study(), [5.0, 6.0, 7.0, 1.0, 8.0], 10) == {}
