"""The end of a log: read from its end, of all instances together."""

from __future__ import annotations

from contender.executions.logs import Source
from contender.executions.tail import tail
from tests.studio.execution_fakes import FakeLogs


def test_the_last_lines_of_all_streams_come_in_order() -> None:
    logs = FakeLogs()
    logs.streams = {"job/algo-1": ["a1", "a2", "a3"], "job/algo-2": ["b1", "b2", "b3"], "job-2/algo-1": ["c"]}
    lines = tail(logs, [Source("Train", "/aws/sagemaker/TrainingJobs", "job/")], 4)
    assert [line.text for line in lines] == ["a2", "b2", "a3", "b3"]
    assert {line.label for line in lines} == {"Train"}


def test_a_group_that_is_not_there_yet_has_no_lines() -> None:
    assert tail(FakeLogs(), [Source("Train", "/aws/sagemaker/TrainingJobs", "job/")], 4) == []


def test_of_many_places_only_some_are_read() -> None:
    logs = FakeLogs()
    logs.streams = {f"job-{number}/algo-1": [f"line of {number}"] for number in range(100)}
    places = [Source(f"Tune {number}", "/aws/sagemaker/TrainingJobs", f"job-{number}/") for number in range(100)]
    assert len(tail(logs, places, 200)) == 6
