"""Files that cannot be scored: each ends in refused/, with a report and a message that say why."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from contender.scoring.file import State
from contender.scoring.retry import Retry
from contender.scoring.upload import UNKNOWN
from tests.scoring.fakes import BUCKET
from tests.scoring.world import World, content, rows

ENCODED = "Churn?_True.,Mins,Plan_no,Plan_yes\n1,62.0,0.0,1.0\n"
"""As the inference files are that came with the real data: one-hot encoded, the label first."""


def refused(world: World, dimension: str = "D") -> dict[str, Any]:
    """The report of the only file, which must have been refused in every way there is to see it."""
    (file,) = world.store.files(dimension)
    assert (file.state, file.sent) == (State.REFUSED, True)
    report = world.report(file, "refused")
    assert report["outcome"] == "refused"
    assert world.reasons() == [report["reason"]]
    assert not world.table.rows
    assert not [key for key in world.s3.listed() if not key.startswith("refused/")]
    return report


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "march.csv is empty: its first line must name its columns"),
        (b"\n\n", "march.csv is empty: its first line must name its columns"),
        (b"Plan,Mins\n", "march.csv has a header but no rows"),
        (b"Plan,Mins\n\n  \n", "march.csv has a header but no rows"),
        (b"Plan,Mins\nyes,1\n\xff\xfe,2\n", "march.csv, after line 0: not UTF-8 text: invalid start byte"),
        (b"Plan,Mins,Mins\nyes,1,2\n", "march.csv has the column 'Mins' twice"),
        (
            b"Plan,Mins\nyes," + b"9" * 200_000 + b"\n",
            "march.csv, line 2: not CSV: field larger than field limit (131072)",
        ),
    ],
)
def test_a_file_that_is_no_table_of_rows(body: bytes, reason: str) -> None:
    world = World()
    world.drop(body)
    world.run()
    assert refused(world)["reason"] == reason


def test_an_encoded_file_is_told_what_was_expected_and_what_was_found() -> None:
    world = World()
    world.drop(ENCODED)
    world.run()
    report = refused(world)
    assert report["reason"] == (
        "march.csv lacks 1 of the 2 columns of champion v1: Plan. Expected are raw rows as in training, with the "
        "columns Plan, Mins; found were 4: Churn?_True., Mins, Plan_no, Plan_yes"
    )
    assert report["expected"] == ["Plan", "Mins"]
    assert report["found"] == ["Churn?_True.", "Mins", "Plan_no", "Plan_yes"]


def test_the_inference_files_that_came_with_the_real_data(real_data: Path) -> None:
    for path in sorted(real_data.glob("inference/*/*.csv")):
        world = World()
        world.drop(path.read_bytes())
        world.run()
        report = refused(world)
        assert report["reason"].startswith("march.csv lacks 2 of the 2 columns of champion v1: Plan, Mins. Expected")
        assert report["found"] == [name.strip() for name in next(csv.reader(io.StringIO(path.read_text())))]
        assert report["found"][0] == "Churn?_True."


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("inference/march.csv", "is not of the form inference/<dimension>/<file>.csv"),
        ("inference/D/more/march.csv", "is not of the form inference/<dimension>/<file>.csv"),
        ("inference/D/march.txt", "names no .csv file"),
        ("inference/D_1/march.csv", "dimension 'D_1' cannot be a name"),
        ("march.csv", "is not under 'inference/'"),
        ("elsewhere/D/march.csv", "is not under 'inference/'"),
    ],
)
def test_a_file_in_a_wrong_place(key: str, reason: str) -> None:
    world = World()
    world.drop_at(key, content(rows(3)))
    world.run()
    assert reason in refused(world, UNKNOWN)["reason"]


@pytest.mark.parametrize("key", ["inference/", "inference/D/", "processed/D/x/march.csv", "refused/D/x/march.csv"])
def test_folders_and_what_we_put_there_are_no_files_to_score(key: str) -> None:
    world = World()
    world.drop_at(key, b"")
    world.run()
    assert world.outcomes == [{"outcome": "ignored", "key": key}]
    assert not world.table.items


def test_a_dimension_that_nobody_knows() -> None:
    world = World()
    world.drop(content(rows(3)), dimension="E")
    world.run()
    assert refused(world, "E")["reason"] == "dimension 'E' has no champion: `contender data upload` trains one"


def test_a_dimension_without_a_champion_or_an_endpoint() -> None:
    for change in ({"champion": 0}, {"has_endpoint": False}):
        world = World()
        for name, value in change.items():
            setattr(world.sagemaker, name, value)
        world.drop(content(rows(3)))
        world.run()
        assert refused(world)["reason"].startswith(
            "dimension 'D' has no champion" if "champion" in change else "endpoint 'contender-D' does not exist"
        )


def test_a_file_that_is_deleted_before_it_is_read() -> None:
    world = World()
    world.drop(content(rows(3)))
    world.s3.put(BUCKET, "inference/D/march.csv", None)
    world.run()
    assert refused(world)["reason"] == "inference/D/march.csv was deleted before it could be read"


def test_a_file_whose_version_is_gone_before_it_is_read() -> None:
    world = World()
    world.drop(content(rows(3)))
    world.s3.versions[BUCKET, "inference/D/march.csv"].clear()
    world.run()
    assert refused(world)["reason"] == "inference/D/march.csv was deleted before it could be read"


def test_rows_of_a_file_that_is_deleted_while_it_is_scored_fail() -> None:
    world = World()
    world.drop(content(rows(25)))
    world.deliver_next("files")
    world.deliver_next("rows")
    world.s3.versions[BUCKET, "inference/D/march.csv"].clear()
    world.run()
    report = world.report()
    assert (report["scored"], report["failed"], report["processed"]) == (10, 15, None)
    assert report["problems"][0]["problem"] == "the file was deleted before this row was read"


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_killed_at_any_call_a_file_is_refused_all_the_same(before: bool) -> None:
    world = World()
    world.drop(ENCODED)
    world.run()
    for number in range(1, len(world.calls.made) + 1):
        world = World()
        world.drop(ENCODED)
        world.calls.kill_at = (number, before)
        world.run()
        assert world.calls.kill_at is None
        (file,) = world.store.files("D")
        report = world.report(file, "refused")
        assert report["expected"] == ["Plan", "Mins"]
        assert set(world.reasons()) == {report["reason"]}
        assert not [key for key in world.s3.listed() if not key.startswith("refused/")]


def test_the_same_name_with_other_content_is_another_file() -> None:
    """Also when the first is overwritten before anybody has looked at it."""
    world = World()
    world.drop(content(rows(12)))
    world.drop(content(rows(25)))
    world.run()
    assert sorted((file.rows, file.scored, file.size) for file in world.store.files("D")) == [
        (count, count, len(content(rows(count)))) for count in (12, 25)
    ]
    assert len(world.table.rows) == 37
    assert not [key for key in world.s3.listed() if key.startswith("inference/")]


@pytest.mark.parametrize("body", ["nothing", "[]", "{}", json.dumps({"detail": {}}), json.dumps({"detail-type": "x"})])
def test_a_message_about_nothing_is_set_aside(body: str) -> None:
    world = World()
    for queue in ("files", "rows"):
        world.sqs.queues[queue].append({"Body": body, "receives": 0})
    world.run()
    assert [outcome["outcome"] for outcome in world.outcomes] == ["refused", "refused"]
    assert [letter["Body"] for letter in world.sqs.queues["dead"]] == [body, body]


# ── Another try ───────────────────────────────────────────────────────────────────────────────────────────────────


def retried(world: World) -> list[tuple[str, bool]]:
    retry = Retry(world.s3, world.sqs, "rows", "files", "dead")
    return [(letter.kind, retry.retry(letter)) for letter in retry.letters()]


def test_a_refused_file_is_dropped_again() -> None:
    world = World()
    world.sagemaker.champion = 0
    world.drop(content(rows(3)))
    world.run()
    assert retried(world) == [("file", True)]
    assert "inference/D/march.csv" in world.s3.listed()
    assert world.sqs.queues["dead"] == []


def test_rows_and_events_go_to_their_queues_and_the_rest_stays() -> None:
    world, some = World(), rows(3)
    some[1][1] = "many"
    event = world.drop(content(some))
    world.run()
    world.dead_letters.send(json.dumps(event), "tried too often")
    world.dead_letters.send("nothing", "no event")
    assert retried(world) == [("rows", True), ("event", True), ("unknown", False)]
    assert [letter["Body"] for letter in world.sqs.queues["dead"]] == ["nothing"]
    world.run()
    assert world.reasons() == ["no event", "row 2: column 'Mins': 'many' is not a number"]
    assert json.loads(world.sqs.queues["dead"][1]["Body"])["attempt"] == 2
