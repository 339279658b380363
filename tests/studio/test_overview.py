"""Which dimensions the overview shows, and in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from contender.config import Settings
from contender.naming import Names
from contender.rollout.state import Phase, State, Track
from contender.studio.pages.overview import FILTERS, SORTS, Choice, natural
from contender.studio.reading.portfolio import Dimension
from contender.studio.reading.summary import Summary
from tests.studio.recorded import Answer
from tests.studio.visiting import visit

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def track(version: int, phase: Phase) -> Track:
    return Track(version, phase, 1, NOW, NOW, NOW, "step", f"v{version} is {phase}")


def dimension(name: str, *tracks: Track, status: str = "Succeeded", minute: int = 0, paused: bool = False) -> Dimension:
    shares = {1: 0.9, 2: 0.1} if tracks else {1: 1.0}
    state = State(f"contender-{name}", name, champion=1, shares=shares, tracks=tracks, paused=paused)
    return Dimension(name, state, "InService", Summary("arn", status, NOW.replace(minute=minute)))


QUIET = dimension("region-10", minute=1)
CHALLENGED = dimension("region-2", track(2, Phase.RAMPING), minute=2, paused=True)
ASKING = dimension("asking", track(2, Phase.INCONCLUSIVE), minute=3)
FAILED = dimension("failed", status="Failed", minute=4)
RINGING = replace(dimension("ringing", status="Failed"), alarms=("errors",))
NEW = Dimension("new", execution=Summary("arn", "Executing", NOW.replace(minute=5)))
ALL = (QUIET, CHALLENGED, ASKING, FAILED, RINGING, NEW)


def names(**query: str) -> list[str]:
    return [each.name for each in Choice.of(query).of_all(ALL)]


def test_what_asks_for_a_person_comes_first_the_more_the_earlier() -> None:
    assert names() == ["ringing", "asking", "failed", "new", "region-2", "region-10"]


def test_numbers_in_names_are_ordered_by_their_size() -> None:
    assert names(sort="dimension")[-3:] == ["region-2", "region-10", "ringing"]
    assert sorted(["a10b", "a9b", "A9a", "b"], key=natural) == ["A9a", "a9b", "a10b", "b"]


def test_the_newest_execution_and_the_largest_challenge_come_first_when_asked_for() -> None:
    assert names(sort="execution")[:2] == ["new", "failed"]
    assert set(names(sort="share")[:2]) == {"region-2", "asking"}
    assert names(sort="phase")[:2] == ["asking", "region-2"]


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        ("attention", {"ringing", "asking", "failed"}),
        ("challenged", {"region-2", "asking"}),
        ("running", {"new"}),
        ("failed", {"failed", "ringing"}),
        ("alarms", {"ringing"}),
        ("paused", {"region-2"}),
        ("unserved", {"new"}),
    ],
)
def test_a_filter_leaves_those_it_is_named_for(show: str, expected: set[str]) -> None:
    assert set(names(show=show)) == expected


def test_search_takes_any_part_of_a_name_in_any_case() -> None:
    assert set(names(q=" REGION ")) == {"region-2", "region-10"}


@pytest.mark.parametrize("query", [{"show": "x"}, {"sort": "<b>"}, {"page": "-1"}, {"page": "9" * 30}, {"page": "²"}])
def test_an_address_that_says_nonsense_is_as_if_it_did_not(query: dict[str, str]) -> None:
    choice = Choice.of(query)
    assert choice.filter in FILTERS
    assert choice.sort in SORTS
    assert choice.of_all(ALL)


def test_a_dimension_tells_what_is_wrong_with_it() -> None:
    assert RINGING.problems == ("alarm: errors", "last execution failed")
    assert ASKING.problems == ("v2 asks for a person",)
    assert replace(QUIET, endpoint_status="Failed").problems == ("endpoint failed",)
    assert CHALLENGED.problems == ()


def test_the_verdict_told_is_of_the_newest_challenger_or_of_the_last_one_there_was() -> None:
    rolled_back = track(2, Phase.ROLLED_BACK)
    assert dimension("x", rolled_back).track is rolled_back
    newer = track(3, Phase.RAMPING)
    assert dimension("x", rolled_back, newer).track is newer
    assert QUIET.track is None


def test_the_champions_share_stands_first() -> None:
    state = State("contender-x", "x", champion=3, shares={1: 0.2, 3: 0.7, 10: 0.1})
    assert Dimension("x", state).shares == (("v3", 0.7), ("v1", 0.2), ("v10", 0.1))


ARN = "arn:aws:sagemaker:us-east-1:000000000000"
LONG = "customers-of-the-northern-region-2026-q4"
WORLD: dict[str, Answer] = {
    "ListPipelineExecutions": {
        "PipelineExecutionSummaries": [
            {
                "PipelineExecutionArn": f"{ARN}:pipeline/contender/execution/{number}",
                "PipelineExecutionDisplayName": Names("contender").execution(name, f"{number:08x}"),
                "PipelineExecutionStatus": "Failed",
                "StartTime": NOW,
            }
            for number, name in enumerate((LONG, "A"))
        ]
    },
    "ListModelPackages": {
        "ModelPackageSummaryList": [
            {
                "ModelPackageName": group,
                "ModelPackageGroupName": group,
                "ModelPackageVersion": number,
                "ModelPackageArn": f"{ARN}:model-package/{group}/{number}",
                "ModelPackageStatus": "Completed",
                "ModelApprovalStatus": "PendingManualApproval",
                "ModelLifeCycle": {"Stage": "Challenger", "StageStatus": status},
                "CreationTime": NOW,
            }
            for group, number, status in (
                ("contender-A", 3, "Pending"),
                ("contender-A", 2, "Pending"),
                ("contender-A", 1, "Failed"),
                ("somebody-elses", 1, "Pending"),
            )
        ]
    },
}


def test_versions_that_wait_for_approval_lead_to_where_they_are_approved() -> None:
    page = visit(WORLD).get("/").text
    assert 'href="/dimensions/A/models#version-2"' in page
    assert 'href="/dimensions/A/models#version-3"' in page
    assert "/dimensions/A/models#version-1" not in page
    assert "waits for approval (1)" in page
    assert "somebody-elses" not in page
    assert replace(QUIET, waiting=(3,)).problems == ("v3 waits for approval",)


def test_a_name_too_long_for_a_stage_is_shown_there_with_the_rest() -> None:
    staged = Settings.model_validate({"stages": {"dev": {}, "prod": {}}})
    answer = visit(WORLD, settings=staged).get("/?stage=dev")
    assert answer.status_code == 200
    assert LONG in answer.text
    assert 'id="dimension-A"' in answer.text
