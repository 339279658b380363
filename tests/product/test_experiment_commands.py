"""`contender experiment`: simulate, plan and replay as a person types them."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contender.cli.experiment import command, sentence
from contender.cli.experiment_options import taken_strategy
from contender.errors import ContenderError
from contender.experiments.assignment import assign
from contender.experiments.goal import Goal
from contender.experiments.planning import Question, plan
from contender.experiments.strategies import STRATEGIES, Weighted
from contender.measurements.events import Conversion, Invocation

SMALL = ("simulate", "--runs", "3", "--requests", "2000", "--batch", "500")
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def said(*words: str) -> Result:
    return CliRunner().invoke(command, words, terminal_width=100)


def answered(*words: str) -> Any:
    result = said(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(*words: str) -> str:
    result = said(*words)
    assert result.exit_code != 0
    assert not result.stdout
    return result.stderr if isinstance(result.exception, SystemExit) else str(result.exception)


def test_simulate_compares_all_strategies_and_the_methods_asked_for() -> None:
    rows = answered(*SMALL, "--method", "msprt", "--method", "confidence_sequence")
    assert [row["strategy"] for row in rows[::2]] == list(STRATEGIES)
    assert [row["method"] for row in rows[:2]] == ["msprt", "confidence_sequence"]
    assert {row["runs"] for row in rows} == {3}
    assert rows[0]["regret"] == rows[1]["regret"]


def test_what_is_named_twice_is_played_once() -> None:
    twice = ("--strategy", "weighted", "--strategy", "Weighted", "--method", "msprt", "--method", "msprt")
    assert [(row["strategy"], row["method"]) for row in answered(*SMALL, *twice)] == [("Weighted", "msprt")]


def test_simulate_gives_the_same_numbers_for_the_same_seed_on_any_number_of_cores() -> None:
    words = ("simulate", "--strategy", "EpsilonGreedy", "--requests", "1000", "--batch", "500")
    together, few = answered(*words, "--runs", "41"), answered(*words, "--runs", "1")
    assert together == answered(*words, "--runs", "41")
    assert few != answered(*words, "--runs", "1", "--seed", "8")


def test_simulate_knows_named_variants_shares_changes_and_late_rewards() -> None:
    rows = answered(
        *SMALL, "--means", "old=0.2,new=0.1", "--strategy", "weighted", "--shares", "old=1,new=0",
        "--change", "1000:0.2,0.4", "--delay", "1",
    )  # fmt: skip
    assert rows[0]["regret"] == pytest.approx(1000 * 0.2)


def test_simulate_plays_real_rewards() -> None:
    rows = answered(*SMALL, "--kind", "real", "--means", "5,9", "--deviation", "2", "--minimum-sample", "50")
    assert rows[0]["power"] == 1.0


def test_simulate_writes_figures_and_a_page_that_loads_nothing(tmp_path: Path) -> None:
    page = tmp_path / "out" / "page.html"
    result = said(*SMALL, "--strategy", "Thompson", "--plots", str(tmp_path / "plots"), "--html", str(page))
    assert result.exit_code == 0, result.output
    names = {"regret", "reward", "reward-rate", "verdicts", "shares-Thompson", "beliefs-Thompson", "sequence-Thompson"}
    files = list((tmp_path / "plots").iterdir())
    assert {file.stem for file in files} == names
    assert all(file.read_text().lstrip().startswith("<?xml") and "</svg>" in file.read_text() for file in files)
    html = page.read_text()
    assert html.count('<img src="data:image/svg+xml;base64,') == len(names)
    assert not re.search(r"(src|href)=\"http", html)
    assert "Thompson" in html
    assert f"wrote {page}" in result.stderr


def test_the_same_simulation_gives_the_same_figures(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        said(*SMALL, "--strategy", "Weighted", "--plots", str(tmp_path / folder))
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--strategy", "Thomson"), "there is no strategy 'Thomson'"),
        (("--means", "0.1,x"), "'x' is not a number"),
        (("--kind", "real", "--means", "inf,1"), "'inf' is not a number"),
        (("--alpha", "nan"), "nan is no finite number"),
        (("--trend", "inf"), "trend inf are no finite numbers"),
        (("--shares", "1,2,-3"), "none may be below 0"),
        (("--shares", "0,0,0"), "one must be above"),
        (("--means", "a=0.1,a=0.2"), "twice"),
        (("--means", "0.1"), "two or more"),
        (("--means", "0.1,1.1"), "no success rates"),
        (("--change", "soon:0.1"), "is no change"),
        (("--change", "100:0.1,0.2"), "same two or more variants"),
        (("--shares", "v7=1"), "the variants are v1, v2, v3"),
        (("--batch", "3000"), "cannot be"),
    ],
)
def test_simulate_says_what_it_cannot_play(words: tuple[str, ...], expected: str) -> None:
    assert expected in refused(*SMALL, *words)


def test_every_strategy_can_be_made_from_its_options() -> None:
    options = taken_strategy({"epsilon": 0.2, "sharpness": 1.0, "floor": 0.1, "warm_up": 5}, {"v1": 1.0})
    for name in STRATEGIES:
        assert type(options.make(name, 100)).__name__ == name
    assert options.make("Weighted", 100) == Weighted({"v1": 1.0})


def test_plan_answers_for_each_share_with_a_sentence() -> None:
    words = ("plan", "--baseline", "0.1", "--effect", "0.02", "--requests-per-day", "5000")
    rows = answered(*words, "--share", "0.1", "--share", "0.5")
    assert [row["share"] for row in rows] == [0.1, 0.5]
    assert rows[0]["mean_days"] > 2 * rows[1]["mean_days"]
    assert rows[1]["fixed_days"] < rows[1]["mean_days"] < rows[1]["p90_days"]
    printed = said(*words, "--share", "0.1")
    assert printed.stdout.count(rows[0]["sentence"]) == 1


def test_a_plans_sentence_names_what_somebody_asks_for() -> None:
    question = Question(0.10, 0.02, 5000, share=0.1)
    assert sentence(question, plan(question, Goal())).startswith(
        "With 5,000 requests a day, 10% of them for the challenger, a gain from 0.1 to 0.12 a request is seen after"
    )
    assert "within 2.0 days in" in sentence(question, plan(question, Goal(), days=2))


def test_plan_can_be_checked_by_simulation() -> None:
    row = answered(
        "plan", "--baseline", "0.1", "--effect", "0.05", "--requests-per-day", "4800", "--check", "30", "--days", "2"
    )[0]
    assert row["simulated_mean_days"] == pytest.approx(row["mean_days"], rel=0.35)
    assert 0.8 <= row["simulated_power"] <= 1


def test_plan_says_what_it_cannot_answer() -> None:
    assert "requests_per_day inf is no finite number" in refused(
        "plan", "--requests-per-day", "inf", "--baseline", "0.1", "--effect", "0.1"
    )
    words = ("plan", "--requests-per-day", "100")
    assert "no success rates" in refused(*words, "--baseline", "0.99", "--effect", "0.02")
    assert "effect 0" in refused(*words, "--baseline", "0.5", "--effect", "0")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Files of events as Firehose leaves them: one plain, one compressed, with what replay must see through."""
    random = Random(1)
    lines: list[bytes] = []
    shares = {"v1": 0.8, "v2": 0.2}
    for number in range(2000):
        user = f"u{number}"
        given = assign("contender-SM-1-e1", user, shares)
        event = Invocation(
            f"a{number}", NOON + timedelta(seconds=number), "contender-SM-1", user, f"i{number}", "Weighted",
            "contender-SM-1-e1", given.variant, given.variant, given.propensity, shares,
        )  # fmt: skip
        lines.append(event.line())
        if random.random() < {"v1": 0.1, "v2": 0.3}[given.variant]:
            lines.append(Conversion(f"c{number}", NOON, "contender-SM-1", user, f"i{number}", Decimal("1")).line())
    by_hand = replace(event, event_id="hand", inference_id="hand", strategy="Manual", propensity=None, shares=None)
    other = replace(event, event_id="other", inference_id="other", endpoint_name="contender-SM-10")
    folder = tmp_path / "events" / "2026"
    folder.mkdir(parents=True)
    (folder / "one").write_bytes(b"".join(lines[:1000]) + by_hand.line() + other.line() + b"not an event\n")
    (folder / "two.gz").write_bytes(gzip.compress(b"".join(lines[900:])))
    return tmp_path / "events"


def test_replay_tells_what_other_shares_would_have_earned(log: Path) -> None:
    found = answered("replay", "contender-SM-1", "--events", str(log), "--shares", "v1=0.5,v2=0.5")
    assert found["requests"] == found["users"] == 2000
    assert found["logged"]["value"] == pytest.approx(0.14, abs=0.02)
    for estimate in found["estimates"]:
        assert estimate["lower"] < 0.2 < estimate["upper"]
    assert found["excluded"] == {"by_hand": 1, "other_endpoint": 1, "repeated": 100}


def test_replay_says_what_it_left_out(log: Path) -> None:
    result = said("replay", "contender-SM-1", "--events", str(log), "--strategy", "thompson", "--batch", "500")
    assert result.exit_code == 0, result.output
    assert "left out: 1 requests for which somebody chose the variant (Manual)" in result.stderr
    assert "left out: 100 events delivered more than once" in result.stderr
    assert "lines that are no events (malformed)" in result.stderr
    assert "2,000 requests of 2,000 users" in result.stdout
    assert result.stdout.index("as served") < result.stdout.index("ips") < result.stdout.index("dr")


def test_replay_warns_of_a_log_that_says_little(log: Path) -> None:
    words = ("replay", "--events", str(log / "2026" / "one"), "contender-SM-10", "--shares", "v2=1")
    assert "caution" in said(*words).stderr


def test_replay_reads_the_projects_own_bucket(log: Path) -> None:
    clients = Clients({f"events/{file.name}": file.read_bytes() for file in (log / "2026").iterdir()})
    words = ["replay", "contender-SM-1", "--shares", "v1=1", "--json"]
    result = CliRunner().invoke(command, words, obj=clients)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["requests"] == 2000
    assert clients.asked == [("events-bucket", "events/")]


def test_replay_reads_a_place_in_s3(log: Path) -> None:
    clients = Clients({"a/b": (log / "2026" / "one").read_bytes()})
    words = ["replay", "--events", "s3://mine/a", "--shares", "v1=1"]
    assert CliRunner().invoke(command, words, obj=clients).exit_code == 0
    assert clients.asked == [("mine", "a")]
    empty = CliRunner().invoke(command, words, obj=Clients({}))
    assert "there are no events at s3://mine/a" in str(empty.exception)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("E",), "either --strategy or --shares"),
        (("E", "--shares", "v1=1", "--strategy", "Thompson"), "either --strategy or --shares"),
        (("--shares", "v1=1"), "give an ENDPOINT, or --events"),
        (("--events", "/nowhere/at/all", "--shares", "v1=1"), "does not exist"),
        (("E", "--shares", "v1=-1"), "cannot be given"),
        (("E", "--strategy", "best"), "there is no strategy 'best'"),
    ],
)
def test_replay_says_what_it_needs(words: tuple[str, ...], expected: str) -> None:
    assert expected in refused("replay", *words)


def test_replay_says_when_nothing_was_logged(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    result = said("replay", "--events", str(tmp_path), "--shares", "v1=1")
    assert isinstance(result.exception, ContenderError)
    assert "no assigned request" in str(result.exception)


class Clients:
    """Makes clients of an S3 with these files, and of a stack whose events go there."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self.asked: list[tuple[str, str]] = []

    def __call__(self, service: str, region: str) -> Any:
        return self

    def get_paginator(self, operation: str) -> Any:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        self.asked.append((Bucket, Prefix))
        return [{"Contents": [{"Key": key} for key in self._files]}] if self._files else [{}]

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self._files[Key])}

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        outputs = [{"OutputKey": "EventBucket", "OutputValue": "events-bucket"}]
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": outputs}]}
