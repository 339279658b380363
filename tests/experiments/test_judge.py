"""Verdicts: which reason comes first, what each says, and how levels are shared."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from contender.experiments.arms import Arm
from contender.experiments.evidence import Evidence, Stratum, Users
from contender.experiments.goal import Goal
from contender.experiments.guardrails import Guardrail
from contender.experiments.judge import judge
from contender.experiments.verdict import Outcome, Verdict
from tests.experiments.counting import binary, pair

GOAL = Goal(n_star=10_000, minimum_sample=100)
ERRORS = Guardrail("error_rate", 0.01)
EVEN = Users({"v2": 0.5, "v3": 0.5}, {"v2": 500, "v3": 500})
LOST = Users({"v2": 0.5, "v3": 0.5}, {"v2": 700, "v3": 300})


def evidence(champion: Arm, challenger: Arm, users: Users = EVEN) -> Evidence:
    stratum = Stratum({"v2": 0.5, "v3": 0.5}, {"v2": champion, "v3": challenger})
    return Evidence((stratum,), (stratum,), (users,), {"reward": (stratum,)})


def verdict(
    champion: Arm,
    challenger: Arm,
    goal: Goal | None = GOAL,
    *guardrails: Guardrail,
    users: Users = EVEN,
    **options: object,
) -> Verdict:
    seen = evidence(champion, challenger, users)
    return judge(goal, guardrails, seen, "v2", "v3", 60.0, sample_ratio_alpha=0.01, **options)  # type: ignore[arg-type]


def test_a_better_challenger_is_promoted_in_one_sentence() -> None:
    found = verdict(binary(5000, 500), binary(5000, 650))
    assert (found.outcome, found.code) == (Outcome.PROMOTE, "goal_won")
    assert found.sentence == "v3 converts 13.0 % against 10.0 % of v2 (+3.0 points, between +1.1 and +4.9): better"
    assert found.numbers["estimate"] == pytest.approx(0.03)
    assert found.numbers["lower"] > 0


def test_a_worse_challenger_is_rolled_back() -> None:
    found = verdict(binary(5000, 650), binary(5000, 500))
    assert (found.outcome, found.code) == (Outcome.ROLL_BACK, "goal_lost")
    assert found.sentence.endswith("(-3.0 points, between -4.9 and -1.1): worse")


def test_an_open_question_is_held() -> None:
    found = verdict(binary(1000, 100), binary(1000, 105))
    assert (found.outcome, found.code) == (Outcome.HOLD, "undecided")


def test_time_that_is_over_asks_a_person() -> None:
    late = replace(GOAL, maximum_duration_s=60.0)
    assert verdict(binary(1000, 100), binary(1000, 105), late).code == "out_of_time"
    thin = verdict(binary(10, 1), binary(10, 1), late)
    assert (thin.outcome, thin.code) == (Outcome.INCONCLUSIVE, "out_of_time")
    assert verdict(binary(5000, 500), binary(5000, 650), late).code == "goal_won"


def test_a_difference_too_small_to_matter_asks_a_person() -> None:
    found = verdict(binary(50_000, 5000), binary(50_000, 5010), replace(GOAL, minimum_effect=0.02))
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, "no_difference")


def test_one_that_may_be_worse_by_what_matters_is_not_called_alike() -> None:
    goal = replace(GOAL, minimum_effect=0.12)
    maybe = verdict(binary(250, 225), binary(120, 92), goal)
    assert (maybe.outcome, maybe.code) == (Outcome.HOLD, "undecided")
    assert maybe.numbers["upper"] < 0.12
    assert verdict(binary(1000, 900), binary(1000, 760), goal).code == "goal_lost"


@pytest.mark.parametrize(
    ("champion", "challenger"),
    [
        (binary(5000, 500), binary(99, 99)),
        (binary(99, 0), binary(5000, 4000)),
        (Arm(), Arm()),
        (binary(900, 1), binary(900, 8)),
        (binary(900, 892), binary(900, 899)),
    ],
)
def test_a_thin_sample_is_held(champion: Arm, challenger: Arm) -> None:
    found = verdict(champion, challenger)
    assert (found.outcome, found.code) == (Outcome.HOLD, "thin_sample")


def test_rare_rewards_wait_for_a_few_expected_in_each_arm() -> None:
    assert verdict(binary(9900, 99), binary(100, 9)).code == "thin_sample"
    assert verdict(binary(99_000, 990), binary(1000, 0)).code != "thin_sample"


def test_a_challenger_that_never_converts_is_rolled_back_all_the_same() -> None:
    assert verdict(binary(2000, 200), binary(2000, 0)).code == "goal_lost"


def test_a_guardrail_comes_before_any_goal() -> None:
    found = verdict(binary(5000, 500), binary(5000, 900, errors=2000), GOAL, ERRORS)
    assert (found.outcome, found.code) == (Outcome.ROLL_BACK, "guardrail:error_rate")
    assert found.sentence == "v3 fails 40.0 % of its 5,000 requests, v2 0.0 %: more than 1 point above it"


def test_a_guardrail_holds_or_warns_where_that_is_its_action() -> None:
    arms = binary(5000, 500), binary(5000, 650, errors=2000)
    assert verdict(*arms, GOAL, replace(ERRORS, action="hold")).outcome is Outcome.HOLD
    warned = verdict(*arms, GOAL, replace(ERRORS, action="warn"))
    assert warned.code == "goal_won"
    assert [code for code, _ in warned.warnings] == ["guardrail:error_rate"]


def test_rolling_back_comes_before_holding_whatever_the_order() -> None:
    dropped = Guardrail("reward:reward", 0.0, action="hold")
    found = verdict(binary(5000, 650), binary(5000, 500, errors=2000), GOAL, dropped, ERRORS)
    assert found.code == "guardrail:error_rate"


def test_users_that_get_lost_hold_a_win_back() -> None:
    found = verdict(binary(5000, 500), binary(5000, 650), users=LOST)
    assert (found.outcome, found.code) == (Outcome.HOLD, "sample_ratio")
    assert "v3 got 300 of 1,000 new users where the shares give it 500" in found.sentence
    assert (
        verdict(binary(5000, 500), binary(5000, 650), users=LOST, sample_ratio_action="roll_back").outcome
        is Outcome.ROLL_BACK
    )
    warned = verdict(binary(5000, 500), binary(5000, 650), users=LOST, sample_ratio_action="warn")
    assert (warned.code, warned.warnings[0][0]) == ("goal_won", "sample_ratio")


def test_without_a_goal_only_guardrails_speak() -> None:
    assert verdict(binary(5000, 500), binary(5000, 650), None).code == "no_goal"
    assert verdict(binary(5000, 500), binary(5000, 650, errors=900), None, ERRORS).code == "guardrail:error_rate"


def test_several_challengers_share_the_level() -> None:
    arms = binary(2400, 240), binary(2400, 310)
    assert verdict(*arms).code == "goal_won"
    assert verdict(*arms, challengers=9).code == "undecided"


def test_guardrails_share_their_level_with_each_other_and_among_challengers() -> None:
    others, tried = [Guardrail(f"reward:{number}", 0.0) for number in range(8)], range(1, 100)

    def fewest(*guardrails: Guardrail, challengers: int = 1) -> int:
        """Errors in a hundred requests that roll a challenger back."""
        found = (
            verdict(binary(900, 0, 9), binary(100, 0, k), None, *guardrails, challengers=challengers) for k in tried
        )
        return next(number for number, each in zip(tried, found, strict=True) if each.code == "guardrail:error_rate")

    assert fewest(ERRORS) < fewest(ERRORS, *others)
    assert fewest(ERRORS, challengers=9) == fewest(ERRORS, *others)


@pytest.mark.parametrize("method", ["confidence_sequence", "msprt", "expected_loss"])
def test_every_method_tells_better_from_worse(method: str) -> None:
    goal = replace(GOAL, method=method)  # type: ignore[arg-type]
    assert verdict(binary(5000, 500), binary(5000, 700), goal).code == "goal_won"
    assert verdict(binary(5000, 700), binary(5000, 500), goal).code == "goal_lost"
    assert verdict(binary(300, 30), binary(300, 33), goal).outcome is Outcome.HOLD


def test_a_loss_that_is_tolerable_either_way_asks_a_person() -> None:
    found = verdict(binary(90_000, 9000), binary(90_000, 9010), replace(GOAL, method="expected_loss"))
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, "no_difference")


def test_real_rewards_are_said_a_request() -> None:
    arms = Arm(3000, 2900, 6000.0, 15_000.0), Arm(3000, 2900, 6900.0, 19_000.0)
    found = verdict(*arms, replace(GOAL, kind="real"))
    assert found.code == "goal_won"
    assert found.sentence.startswith("v3 earns 2.3 against 2 of v2 (+0.3 a request, between +0.2")


@pytest.mark.parametrize(
    ("champion", "challenger"),
    [
        (Arm(), Arm()),
        (Arm(3, 9, -5.0, 1.0, 7), Arm()),
        (Arm(500, 900, 900, 1e6, 600), binary(500, 500)),
        (binary(500, 0), binary(500, 0)),
    ],
)
def test_any_counts_give_a_verdict_whose_numbers_are_json(champion: Arm, challenger: Arm) -> None:
    for kind in ("binary", "real"):
        goal = replace(GOAL, kind=kind)  # type: ignore[arg-type]
        found = verdict(
            champion, challenger, goal, ERRORS, Guardrail("latency_p95", 1.5), Guardrail("reward:reward", 0.0)
        )
        json.dumps(dict(found.numbers), allow_nan=False)
        assert found.sentence


def test_the_same_question_has_the_same_answer_whatever_else_the_evidence_holds() -> None:
    seen = evidence(binary(5000, 500), binary(5000, 650))
    other = Stratum({"v2": 0.4, "v3": 0.4, "v9": 0.2}, {**seen.strata[0].arms, "v9": binary(50, 50)})
    more = replace(seen, strata=(other, pair(binary(10, 1), binary(10, 9))))
    one, two = (judge(GOAL, (), each, "v2", "v3", 0.0) for each in (seen, more))
    assert one.sentence == two.sentence


def test_a_tolerable_loss_alone_is_no_proof() -> None:
    arms = binary(1000, 100), binary(1000, 114)
    loose = replace(GOAL, method="expected_loss", loss=0.05)
    found = verdict(*arms, loose)
    assert found.numbers["loss"] < 0.05 * found.numbers["champion"]
    assert found.numbers["chance_to_beat"] < 0.95
    assert found.code == "undecided"
    assert verdict(*arms, replace(loose, alpha=0.2)).code == "goal_won"
