"""The ledger against DynamoDB in memory, and the same against MiniStack."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contender.errors import DataError, NotFoundError
from contender.experiments.arms import Arm
from contender.experiments.evidence import Evidence, Stratum
from contender.rollout.decision import Entry, Event
from contender.rollout.documents import dumps
from contender.rollout.ledger import Ledger
from contender.rollout.replay import replay
from contender.rollout.spec import DimensionSpec, Instance, Pins
from contender.rollout.state import State
from contender.rollout.story import story
from tests.lambdas.fakes import FakeTables
from tests.measurements.dynamodb import canceled
from tests.rollout.dimension import Dimension, a_spec

TABLE = "contender-rollouts"
ITEM_LIMIT = 400 * 1024


@pytest.fixture
def tables() -> FakeTables:
    return FakeTables(TABLE)


@pytest.fixture
def ledger(tables: FakeTables) -> Ledger:
    return Ledger(tables, TABLE)


@pytest.fixture(scope="module")
def on_the_laptop(clients: Any) -> Iterator[Ledger]:
    keys = [("pk", "HASH"), ("sk", "RANGE")]
    clients("dynamodb").create_table(
        TableName="ledger-test",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    yield Ledger(clients("dynamodb"), "ledger-test")
    clients("dynamodb").delete_table(TableName="ledger-test")


def lived(name: str = "SM-1", evidence: Evidence | None = None) -> Dimension:
    """A dimension from its first version to a second champion."""
    dimension = Dimension(a_spec(bake_s=60.0), name=name)
    dimension.ticks(2)
    dimension.versions = [1, 2]
    dimension.ticks(40, requests=5_000)
    assert dimension.state.champion == 2
    if evidence is not None:
        last = dimension.entries[-1]
        dimension.entries[-1] = replace(last, observation=replace(last.observation, evidence=evidence))
    return dimension


def large(strata: int) -> Evidence:
    """Evidence of which no two figures are the same."""
    figures = random.Random(strata)
    return Evidence(
        tuple(
            Stratum(
                {"v1": figures.random()},
                {f"v{n}": Arm(total=figures.random(), squares=figures.random()) for n in range(10)},
            )
            for _ in range(strata)
        )
    )


def write(ledger: Ledger, dimension: Dimension) -> None:
    for entry in dimension.entries:
        assert ledger.record(dimension.spec, entry.before, entry.observation, entry.decision, entry.at)


def check_all(ledger: Ledger) -> None:
    """What is written reads back the same, and decides the same."""
    dimension = lived()
    assert ledger.state("contender-SM-1") is None
    write(ledger, dimension)
    assert ledger.state("contender-SM-1") == dimension.state
    entries = list(ledger.entries("contender-SM-1"))
    assert entries == dimension.entries
    assert [entry.revision for entry in entries] == list(range(1, len(entries) + 1))
    assert all(found.same for found in replay(entries, ledger.spec))


def test_what_is_written_reads_back_and_decides_the_same(ledger: Ledger) -> None:
    check_all(ledger)


def test_the_same_on_the_laptop(on_the_laptop: Ledger) -> None:
    check_all(on_the_laptop)
    check_one_of_two_writers_comes_through(on_the_laptop, "SM-race")
    check_large(on_the_laptop, "SM-large")
    check_newest(on_the_laptop, "SM-newest")
    check_specs(on_the_laptop)
    assert on_the_laptop.states().keys() >= {"contender-SM-1", "contender-SM-race", "contender-SM-large"}


def check_one_of_two_writers_comes_through(ledger: Ledger, name: str) -> None:
    dimension = lived(name)
    first, second, *_ = dimension.entries
    other = replace(first.decision, events=first.decision.events * 2)
    for entry in (first, second):
        assert ledger.record(dimension.spec, entry.before, entry.observation, entry.decision, entry.at)
        assert not ledger.record(dimension.spec, entry.before, entry.observation, other, entry.at)
        assert ledger.state(dimension.state.endpoint) == entry.decision.state
    assert list(ledger.entries(dimension.state.endpoint)) == [first, second]


def test_of_two_writers_at_once_one_comes_through(ledger: Ledger) -> None:
    check_one_of_two_writers_comes_through(ledger, "SM-1")


def test_a_writer_that_meets_another_in_mid_transaction_has_lost_too(ledger: Ledger, tables: FakeTables) -> None:
    first = lived().entries[0]

    def conflict(operation: str) -> None:
        if operation == "transact_write_items":
            raise canceled({"Code": "TransactionConflict"}, {"Code": "None"})

    tables.before = conflict
    assert not ledger.record(a_spec(), first.before, first.observation, first.decision, first.at)


def test_another_failure_passes_on(ledger: Ledger, tables: FakeTables) -> None:
    first = lived().entries[0]

    def broken(operation: str) -> None:
        if operation == "transact_write_items":
            raise canceled({"Code": "ValidationError"}, {"Code": "None"})

    tables.before = broken
    with pytest.raises(ClientError):
        ledger.record(a_spec(), first.before, first.observation, first.decision, first.at)


def forget_state(tables: FakeTables, endpoint: str) -> None:
    del tables.tables[TABLE]["state", endpoint]


@pytest.mark.parametrize("strata", [0, 3_000])
def test_a_state_that_somebody_deleted_goes_on_from_the_latest_entry(
    ledger: Ledger, tables: FakeTables, strata: int
) -> None:
    dimension = lived(evidence=large(strata))
    *before, last = dimension.entries
    dimension.entries = before
    write(ledger, dimension)
    forget_state(tables, "contender-SM-1")
    assert ledger.state("contender-SM-1") == last.before
    assert ledger.record(dimension.spec, last.before, last.observation, last.decision, last.at)
    forget_state(tables, "contender-SM-1")
    assert ledger.state("contender-SM-1") == dimension.state
    assert not ledger.record(dimension.spec, last.before, last.observation, last.decision, last.at)
    assert list(ledger.entries("contender-SM-1")) == [*before, last]


def test_a_state_that_cannot_be_read_is_named_and_hides_no_other(ledger: Ledger, tables: FakeTables) -> None:
    for name in ("SM-1", "SM-2"):
        write(ledger, lived(name))
    tables.tables[TABLE]["state", "contender-SM-1"]["body"] = {"S": '{"endpoint": 3}'}
    assert ledger.states().keys() == {"contender-SM-2"}
    with pytest.raises(DataError, match="the state of contender-SM-1 in the ledger cannot be read: State"):
        ledger.state("contender-SM-1")


def test_a_table_that_is_not_there_is_named(tables: FakeTables) -> None:
    with pytest.raises(NotFoundError, match=r"there is no table other-rollouts, .*: deploy the project"):
        Ledger(tables, "other-rollouts").specs()


def check_large(ledger: Ledger, name: str) -> None:
    """Three thousand strata of ten arms are more than an item holds, packed or not."""
    dimension = lived(name, large(3_000))
    write(ledger, dimension)
    assert list(ledger.entries(dimension.state.endpoint)) == dimension.entries


def test_a_large_decision_takes_several_items_that_each_fit(ledger: Ledger, tables: FakeTables) -> None:
    check_large(ledger, "SM-1")
    sizes = [
        sum(len(name) + len(next(iter(value.values()))) for name, value in item.items())
        for item in tables.tables[TABLE].values()
    ]
    assert sum("packed" in item for item in tables.tables[TABLE].values()) > 1
    assert max(sizes) < ITEM_LIMIT


def check_newest(ledger: Ledger, name: str) -> None:
    """The last decisions in their order, however many items each takes, and those before any of them."""
    dimension = lived(name, large(3_000))
    write(ledger, dimension)
    newest_first = tuple(reversed(dimension.entries))
    endpoint = dimension.state.endpoint
    assert ledger.newest(endpoint, 3) == newest_first[:3]
    assert ledger.newest(endpoint, 1_000) == newest_first
    assert ledger.newest(endpoint, 2, before=newest_first[0].revision) == newest_first[1:3]
    assert ledger.newest(endpoint, 2, before=2) == newest_first[-1:]
    assert ledger.newest(endpoint, 2, before=1) == ()


@pytest.mark.parametrize("page", [1, 2, 1_000])
def test_the_newest_decisions_are_read_from_the_end(ledger: Ledger, tables: FakeTables, page: int) -> None:
    tables.page = page
    check_newest(ledger, "SM-1")


def test_as_many_decisions_as_a_page_shows_are_one_query_however_many_there_are(
    ledger: Ledger, tables: FakeTables
) -> None:
    dimension = lived()
    write(ledger, dimension)
    tables.calls.clear()
    assert len(ledger.newest("contender-SM-1", 5)) == 5
    assert tables.calls == ["query"]


def test_a_decision_beyond_a_transaction_is_refused_in_one_line(ledger: Ledger) -> None:
    last = lived().entries[-1]
    noise = Event("noise", random.Random(0).randbytes(4_000_000).hex())
    decision = replace(last.decision, events=(noise,))
    with pytest.raises(DataError, match=r"decision \d+ about contender-SM-1 has [\d,]+ bytes of evidence"):
        ledger.record(a_spec(), last.before, last.observation, decision, last.at)


def test_all_states_are_read_by_one_query(ledger: Ledger, tables: FakeTables) -> None:
    states = {}
    for number in range(30):
        dimension = lived(f"SM-{number}")
        write(ledger, dimension)
        states[f"contender-SM-{number}"] = dimension.state
    tables.calls.clear()
    tables.page = 7
    assert ledger.states() == states
    assert set(tables.calls) <= {"query"}


def test_dimension_1_has_none_of_dimension_10s_entries(ledger: Ledger) -> None:
    one, ten = lived("SM-1"), lived("SM-10")
    write(ledger, ten)
    assert ledger.state("contender-SM-1") is None
    write(ledger, one)
    assert list(ledger.entries("contender-SM-1")) == one.entries
    assert list(ledger.entries("contender-SM-10")) == ten.entries


def check_specs(ledger: Ledger) -> None:
    last, dev = a_spec(bake_s=1 / 3), a_spec(stage="dev", instance=Instance("ml.t2.medium", 2))
    for spec in (last, dev, dev):
        ledger.put_spec(spec)
    assert ledger.specs() == {"": last, "dev": dev}
    assert (ledger.stage_spec(""), ledger.stage_spec("dev")) == (last, dev)
    newer = replace(last, bake_s=7.0)
    ledger.put_spec(newer)
    assert ledger.stage_spec("") == newer
    assert ledger.spec(last.digest) == last, "what decisions were made by stays"
    ledger.forget_spec("dev")
    assert ledger.specs() == {"": newer}


def test_specs_are_found_by_stage_and_by_digest(ledger: Ledger) -> None:
    check_specs(ledger)


def test_settings_of_a_thousand_dimensions_fit_into_an_item(ledger: Ledger, tables: FakeTables) -> None:
    dimensions = {
        f"Customer-segment-{number:04d}": DimensionSpec(
            Pins(number + 1, (number + 2, number + 3)),
            {number + more: Instance("ml.m5.xlarge", more) for more in range(1, 5)},
        )
        for number in range(1000)
    }
    spec = a_spec(dimensions=dimensions)
    assert len(dumps(spec)) > 200_000
    ledger.put_spec(spec)
    assert ledger.specs() == {"": spec}
    assert ledger.stage_spec("") == ledger.spec(spec.digest) == spec
    assert all(len(item["packed"]["B"]) < 100_000 for item in tables.tables[TABLE].values())


def test_settings_beyond_an_item_are_refused_in_one_line(ledger: Ledger) -> None:
    seeded = random.Random(1)
    instances = {version: Instance(f"ml.{seeded.randbytes(20).hex()}", 1) for version in range(1, 20_000)}
    with pytest.raises(DataError, match="sets more about its 1 dimensions than an item of contender-rollouts takes"):
        ledger.put_spec(a_spec(dimensions={"SM-1": DimensionSpec(instances=instances)}))


def test_settings_that_are_not_there_are_named(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError, match="no settings of stage 'dev': deploy the project"):
        ledger.stage_spec("dev")
    with pytest.raises(NotFoundError, match="no settings 0123"):
        ledger.spec("0123")


def test_a_replay_names_what_is_not_the_same() -> None:
    dimension = lived()
    spec, entries = dimension.spec, dimension.entries
    forged = replace(
        entries[4], decision=replace(entries[4].decision, state=replace(entries[4].decision.state, paused=True))
    )
    found = list(replay([*entries[:4], forged, *entries[5:]], lambda digest: spec))
    assert [each.revision for each in found if not each.same] == [5, 6]
    assert found[4].difference == "decision.state.paused was True and is False"
    assert found[5].difference == "state before.paused was True and is False"


def test_a_replay_by_other_settings_is_not_the_same() -> None:
    dimension = lived()
    found = list(replay(dimension.entries, lambda digest: replace(dimension.spec, bake_s=1e9)))
    assert not all(each.same for each in found)


def test_a_story_has_a_line_for_every_event_under_its_day() -> None:
    dimension = lived()
    dimension.now += timedelta(days=1)
    dimension.versions.append(3)
    dimension.tick()
    lines = list(story(dimension.entries))
    assert lines[0] == "2026-11-21, UTC"
    assert lines[1] == "12:01 v1 serves first, without an experiment"
    assert "12:04 v2 begins with 10 % beside v1" in lines
    assert "2026-11-22, UTC" in lines
    assert lines[-1].endswith("v3 comes into service beside v2, without traffic yet")


def test_an_entry_is_what_it_was_even_if_it_holds_nothing() -> None:
    state = State("contender-SM-1", "SM-1")
    dimension = Dimension(a_spec())
    decision = dimension.tick()
    entry = dimension.entries[0]
    assert entry == Entry(dimension.now, dimension.spec.digest, state, entry.observation, decision)


def test_deciding_telling_and_replaying_need_no_aws() -> None:
    program = "import sys; from contender.rollout import decide, replay, story; print('botocore' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
