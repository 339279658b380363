"""`contender rollout` against a ledger in DynamoDB and a tick that decides as the real one does."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contender.cli import rollout
from contender.config import Settings
from contender.errors import DeploymentError, NotFoundError
from contender.naming import Names
from contender.rollout.decide import decide
from contender.rollout.documents import from_json
from contender.rollout.ledger import Ledger
from contender.rollout.observation import Command, Observation
from contender.rollout.spec import Instance, Spec, Step
from contender.rollout.state import Phase, State, Track
from tests.conftest import Clients
from tests.lambdas.fakes import client_error

NAMES = Names("rolling")
SPEC = Spec("", Instance("ml.m5.large", 1), steps=(Step(0.1, 60), Step(0.5, 60)), bake_s=60)
BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Tick:
    """A tick over a world in which the endpoint serves at once whatever was decided; a minute passes between two."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.requests: list[dict[str, Any]] = []
        self.now = BEGAN
        self.failure = ""
        self.deployed = True

    def look(self, names: Names, dimension: str, command: Command | None = None, *, dry_run: bool = False) -> Any:
        endpoint = names.endpoint(dimension)
        state = self.ledger.state(endpoint) or State(endpoint, dimension)
        seen = Observation(versions=(1, 2), waiting=(1, 2), live=state.shares, command=command)
        decision = decide(SPEC, state, seen, self.now)
        if decision.changed and not dry_run:
            assert self.ledger.record(SPEC, state, seen, decision, self.now)
            self.now += timedelta(minutes=1)
        return {
            "Decided": [event.sentence for event in decision.events],
            "Done": [f"serve {dict(decision.state.shares)}"] if decision.changed else [],
            "Reason": "",
            "Refused": decision.refused,
        }

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert FunctionName == NAMES.function("tick")
        if not self.deployed:
            raise client_error("Invoke", "ResourceNotFoundException", "Function not found", 404)
        request = json.loads(Payload)
        self.requests.append(request)
        if self.failure:
            answer = {"errorMessage": self.failure}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(answer).encode())}
        command = from_json(Command, request["Command"])
        names = NAMES.at(request["Stage"])
        answer = self.look(names, request["Dimension"], command, dry_run=request["DryRun"])
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


class FakeSts:
    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:aws:iam::123456789012:user/ada"}


@pytest.fixture
def tick(clients: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tick]:
    """Dimension A, whose v2 is at its first step beside v1, and A-2, which v1 serves alone."""
    (tmp_path / "contender.yaml").write_text("project: rolling\nstages: {dev: {}, prod: {}}\n")
    monkeypatch.chdir(tmp_path)
    dynamodb, table = clients("dynamodb"), NAMES.table("rollouts")
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    )
    tick = Tick(Ledger(dynamodb, table))
    for _ in range(3):
        tick.look(NAMES, "A")
    tick.look(NAMES, "A-2")
    tick.look(NAMES.at("dev"), "A")
    yield tick
    dynamodb.delete_table(TableName=table)


@pytest.fixture
def run(tick: Tick, clients: Clients) -> Any:
    services = {"lambda": tick, "dynamodb": clients("dynamodb"), "sts": FakeSts()}

    def run(*words: str) -> Result:
        return CliRunner().invoke(rollout.command, words, obj=lambda service, region: services[service])

    return run


def test_status_shows_who_serves_and_how_far_the_challenger_is(run: Any) -> None:
    result = run("status", "A")
    assert result.exit_code == 0
    champion, challenger = result.stdout.splitlines()[-3:-1]
    assert champion.split()[:3] == ["A", "v1", "champion"]
    assert "90.0%" in champion
    assert challenger.split()[:6] == ["A", "v2", "challenger", "Ramping", "1/3", "10.0%"]


def test_a_rollout_that_is_over_is_shown_with_its_reason_until_the_next_one() -> None:
    ended = Track(2, Phase.ROLLED_BACK, 2, BEGAN, BEGAN, BEGAN, "goal_lost", "it earns less")
    earlier = replace(ended, version=1)
    state = State("rolling-A", "A", champion=3, shares={3: 1.0}, tracks=(earlier, ended))
    champion, last = rollout.rows(Settings(), NAMES, state)
    assert (champion["version"], champion["role"], champion["share"]) == ("v3", "champion", "100.0%")
    assert (last["version"], last["phase"], last["reason"]) == ("v2", "RolledBack", "it earns less")
    assert (last["role"], last["step"], last["share"]) == (None, None, None)
    under_way = replace(state, tracks=(ended, replace(ended, version=4, phase=Phase.RAMPING)))
    assert [row["version"] for row in rollout.rows(Settings(), NAMES, under_way)] == ["v3", "v4"]


def test_status_without_a_dimension_shows_all_of_the_stage_and_no_other_stages(run: Any) -> None:
    states = json.loads(run("status", "--json").stdout)
    assert [state["endpoint"] for state in states] == ["rolling-A", "rolling-A-2"]
    states = json.loads(run("status", "--json", "--stage", "dev").stdout)
    assert [state["endpoint"] for state in states] == ["rolling--dev-A"]


def test_a_dimension_without_rollouts_and_an_unknown_stage_are_errors_of_one_line(run: Any) -> None:
    for words in (("status", "B"), ("history", "B"), ("replay", "B")):
        error = run(*words).exception
        assert isinstance(error, NotFoundError)
        assert "'B' has had no rollout yet" in str(error)
    error = run("status", "--stage", "test").exception
    assert isinstance(error, NotFoundError)
    assert "no stage 'test'" in str(error)


def test_a_command_reaches_the_tick_with_who_asks_and_why(run: Any, tick: Tick) -> None:
    result = run("promote", "A", "2", "--reason", "the fair opens")
    assert result.exit_code == 0
    (request,) = tick.requests
    assert (request["Dimension"], request["Stage"], request["DryRun"]) == ("A", "", False)
    assert request["Command"] | {"by": ""} == {"verb": "promote", "by": "", "version": 2, "why": "the fair opens"}
    assert request["Command"]["by"].endswith("(user/ada)")
    assert "v2 is promoted" in result.stdout
    assert "the fair opens" in run("history", "A").stdout


@pytest.mark.parametrize(
    "words",
    [("start", "A-2", "2"), ("pause", "A"), ("resume", "A"), ("approve", "A"), ("promote", "A"), ("rollback", "A")],
)
def test_every_command_can_be_rehearsed(words: tuple[str, ...], run: Any, tick: Tick) -> None:
    before = tick.ledger.states()
    result = run(*words, "--dry-run")
    assert tick.requests[0]["DryRun"]
    assert tick.requests[0]["Command"]["verb"] == words[0]
    assert tick.ledger.states() == before
    for line in result.stdout.splitlines():
        assert line.startswith("would be ")


def test_the_stage_goes_with_the_command(run: Any, tick: Tick) -> None:
    run("pause", "A", "--stage", "dev")
    run("pause", "A", "--stage", "prod")
    assert [request["Stage"] for request in tick.requests] == ["dev", ""]


def test_a_paused_dimension_says_how_it_goes_on(run: Any) -> None:
    run("pause", "A")
    result = run("status", "A")
    assert "Ramping (paused)" in result.stdout
    assert "contender rollout resume A" in result.stderr


def test_a_command_that_cannot_be_followed_fails_with_the_reason(run: Any) -> None:
    result = run("resume", "A", "--json")
    assert isinstance(result.exception, DeploymentError)
    assert "nothing to resume" in str(result.exception)
    assert json.loads(result.stdout)["Refused"] == str(result.exception)


def test_a_tick_that_fails_or_is_not_there_is_said_in_one_line(run: Any, tick: Tick) -> None:
    tick.failure = "AccessDenied"
    assert "AccessDenied" in str(run("pause", "A").exception)
    tick.deployed = False
    error = run("pause", "A").exception
    assert isinstance(error, NotFoundError)
    assert "contender deploy" in str(error)


def test_history_tells_every_decision_and_prints_the_ledger_as_json(run: Any) -> None:
    lines = run("history", "A").stdout.splitlines()
    assert any("v1 serves first" in line for line in lines)
    assert any("v2 begins with 10 %" in line for line in lines)
    entries = json.loads(run("history", "A", "--json").stdout)
    assert [entry["decision"]["state"]["revision"] for entry in entries] == list(range(1, len(entries) + 1))


def test_replay_comes_out_the_same_and_says_what_does_not(run: Any, tick: Tick, clients: Clients) -> None:
    result = run("replay", "A")
    assert result.exit_code == 0
    assert "come out the same" in result.stderr
    entry = list(tick.ledger.entries("rolling-A"))[2]
    item = {"pk": {"S": "rolling-A"}, "sk": {"S": f"entry#{entry.revision:08d}"}}
    found = clients("dynamodb").get_item(TableName=NAMES.table("rollouts"), Key=item)["Item"]
    found["body"]["S"] = found["body"]["S"].replace('"code":"begins"', '"code":"began"').replace("0.1", "0.2")
    clients("dynamodb").put_item(TableName=NAMES.table("rollouts"), Item=found)
    result = run("replay", "A", "--json")
    assert isinstance(result.exception, DeploymentError)
    assert "would be different now" in str(result.exception)
    assert [each["same"] for each in json.loads(result.stdout)].count(False) >= 1
