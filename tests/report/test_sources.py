"""Records from a ledger that real decisions wrote, and events from files in S3."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta

from contender.experiments.goal import Goal
from contender.report.records import Reader
from contender.report.sources import EventFiles, record
from contender.rollout.decide import decide
from contender.rollout.decision import Entry
from contender.rollout.observation import Command, Observation, Verb
from contender.rollout.spec import Instance, Spec, Step
from contender.rollout.state import State
from tests.conftest import Clients
from tests.report.records import ENDPOINT, events

SPEC = Spec("", Instance("ml.m5.large", 1), steps=(Step(0.2, 60),), goal=Goal(n_star=700), reward_window_s=3)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def entries(*commands: Command | None) -> list[Entry]:
    """What is decided when the endpoint serves at once whatever is asked, a minute between two looks."""
    found = []
    state = State(ENDPOINT, "a")
    for number, command in enumerate(commands):
        at = BEGAN + timedelta(minutes=number)
        seen = Observation(versions=(1, 2), waiting=(1, 2), live=state.shares, command=command)
        decision = decide(SPEC, state, seen, at)
        if decision.changed:
            found.append(Entry(at, SPEC.digest, state, seen, decision))
        state = decision.state
    return found


def test_a_record_marks_what_became_of_its_challenger_and_tells_the_whole_story() -> None:
    ledger = entries(None, None, None, None, Command(Verb.ROLLBACK, "ada", 2, "complaints"), None, None)
    track = ledger[-1].decision.state.track(2)
    assert track is not None
    reader = Reader()
    reader.add(events(100)[0])
    told = record("a", 1, track, ledger, SPEC, reader.requests(ENDPOINT, {}), about="why")
    assert (told.champion, told.challenger, told.outcome) == ("v1", "v2", "v2 was rolled back")
    assert (told.goal.n_star, told.goal.reward_window_s) == (700, 3)
    marks = [mark.text for mark in told.marks]
    assert any("begins with 20 %" in text for text in marks)
    assert any("complaints" in text for text in marks)
    assert not any("the endpoint serves" in text for text in marks)
    assert any("the endpoint serves" in line for line in told.story)
    assert len(told.requests) == 100


def test_each_file_of_events_is_read_once_whole_and_packed(clients: Clients) -> None:
    s3, bucket = clients("s3"), "report-events"
    s3.create_bucket(Bucket=bucket)
    found = [event.line() for event in events(20)[0]]
    s3.put_object(Bucket=bucket, Key="events/2026/01/01/00/one", Body=b"".join(found[:10]))
    s3.put_object(Bucket=bucket, Key="errors/not-ours", Body=b"".join(found[:10]))
    files = EventFiles(s3, bucket)
    assert [event.line() for event in files.unread()] == found[:10]
    s3.put_object(Bucket=bucket, Key="events/2026/01/01/00/two.gz", Body=gzip.compress(b"".join(found[10:])))
    assert [event.line() for event in files.unread()] == found[10:]
    assert not list(files.unread())
