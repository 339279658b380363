"""The list of executions: what it shows of many, in few calls, and two beside one another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from contender.executions.snapshot import ANY_FAILURE
from contender.studio.charts.gantt import Bar, gantt
from contender.studio.reading import executions
from contender.studio.reading.executions import Choice, Row, listing
from contender.trials.record import Outcome
from tests.studio.account import NOW, Ran, Site, record

MOST_CALLS = 30


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def calls(site: Site) -> int:
    return len(site.account.process.calls)


def test_executions_of_all_pipelines_are_listed_newest_first(site: Site) -> None:
    site.account.ran = [Ran(0), Ran(1, "contender-batch", dimension="B"), Ran(2, "contender-warm")]
    found = listing(site.desk, Choice())
    assert [row.pipeline for row in found.rows] == ["contender", "contender-batch", "contender-warm"]
    assert [row.dimension for row in found.rows] == ["A", "B", "A"]
    assert found.older is None


def test_one_search_tells_when_they_ended_and_what_came_of_them(site: Site) -> None:
    site.account.ran = [Ran(number) for number in range(40)]
    for ran in site.account.ran:
        site.account.keep(record(ran))
    found = listing(site.desk, Choice())
    assert {row.took(NOW) for row in found.rows} == {timedelta(seconds=90)}
    assert found.rows[0].record is not None
    assert site.account.process.calls.count("Search") == 1
    assert "DescribePipelineExecution" not in site.account.process.calls


def test_what_left_no_record_is_described_a_few_at_a_time_and_once(site: Site) -> None:
    site.account.ran = [Ran(number) for number in range(executions.DESCRIBED + 5)]
    first = listing(site.desk, Choice())
    assert sum(row.ended is not None for row in first.rows) == executions.DESCRIBED
    site.wait(2)
    second = listing(site.desk, Choice())
    assert all(row.took(NOW) == timedelta(minutes=1) for row in second.rows)
    site.wait(60)
    before = calls(site)
    listing(site.desk, Choice())
    assert calls(site) - before == 3  # a list of each pipeline


def test_of_one_that_has_just_ended_the_record_is_awaited(site: Site) -> None:
    ran = Ran(0, started=NOW - timedelta(seconds=65))
    site.account.ran = [ran]
    assert listing(site.desk, Choice()).rows[0].record is None
    site.account.keep(replace(record(ran), ended=NOW))
    site.wait(executions.JUST_ENDED_S + 1)
    assert listing(site.desk, Choice()).rows[0].record is not None


def test_of_a_hundred_thousand_only_a_page_is_read(site: Site) -> None:
    site.account.many = 100_000
    page = site.get("/executions")
    assert calls(site) <= MOST_CALLS
    assert page.count('<tr id="execution-') == executions.ROWS
    assert "were not looked at" in page
    assert site.account.process.calls.count("ListPipelineExecutions") == 3


def test_a_filter_that_nothing_fits_says_how_far_back_was_looked(site: Site) -> None:
    site.account.many = 100_000
    page = site.get("/executions?dimension=nobody")
    assert calls(site) <= MOST_CALLS
    assert "None of the 1,000 executions that were looked through" in page
    assert "Look further back" in page


def test_older_ones_follow_without_a_gap_and_without_repeating(site: Site) -> None:
    site.account.ran = [Ran(number) for number in range(120)]
    seen: list[int] = []
    choice = Choice()
    while True:
        found = listing(site.desk, choice)
        seen += [int(row.id) for row in found.rows]
        if found.older is None:
            break
        choice = replace(choice, before=found.older)
    assert seen == list(range(120))


def test_a_page_does_not_end_between_executions_of_one_moment(site: Site) -> None:
    site.account.ran = [
        Ran(number, started=NOW - timedelta(hours=1) if 45 <= number < 55 else NOW - timedelta(minutes=number))
        for number in range(60)
    ]
    assert len(listing(site.desk, Choice()).rows) == 55


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("?state=Executing", [0]),
        ("?state=Failed", [2]),
        ("?dimension=b", [1]),
        ("?dimension=B*", [1, 4]),
        ("?pipeline=contender-batch", [3]),
        ("?state=nonsense&pipeline=others&before=never", [0, 1, 2, 3, 4]),
    ],
)
def test_filters(site: Site, query: str, shown: list[int]) -> None:
    site.account.ran = [
        Ran(0, status="Executing"),
        Ran(1, dimension="B"),
        Ran(2, status="Failed"),
        Ran(3, "contender-batch"),
        Ran(4, dimension="B-4"),
    ]
    page = site.get(f"/executions{query}")
    assert [number for number in range(5) if f'id="execution-{number:012d}"' in page] == shown


def test_it_looks_more_often_while_something_runs(site: Site) -> None:
    site.account.ran = [Ran(0)]
    assert 'data-every="10"' in site.get("/executions")
    site.account.ran = [Ran(0, status="Executing")]
    site.wait(5)
    assert 'data-every="2"' in site.get("/executions")


def test_a_refused_challenger_says_why(site: Site) -> None:
    ran = Ran(0, status="Failed")
    site.account.ran = [ran]
    site.account.keep(record(ran, Outcome.REFUSED, reason='Refused: "<b>AUC</b>" is low'))
    page = site.get("/executions")
    assert "refused" in page
    assert "Refused: &#34;&lt;b&gt;AUC&lt;/b&gt;&#34; is low" in page


def test_nothing_has_run_yet(site: Site) -> None:
    assert "contender data upload" in site.get("/executions")


def test_bars_lie_by_the_clock_unless_they_are_too_far_apart() -> None:
    near = [Bar(f"r{number}", "Succeeded", NOW, NOW + timedelta(minutes=number)) for number in (1, 2)]
    assert gantt("g", "G", near).spec["layer"][0]["encoding"]["x"]["field"] == "start"
    apart = [*near, Bar("r3", "Failed", NOW - timedelta(days=9), NOW - timedelta(days=9) + timedelta(minutes=1))]
    chart = gantt("g", "G", apart)
    assert chart.spec["layer"][0]["encoding"]["x"]["field"] == "seconds"
    assert "from its own start" in chart.about
    assert chart.spec["data"]["values"][2]["took"] == "✕ Failed, 1 min 0 s"
    assert gantt("g", "G", []).rows == []


def compared(site: Site, *numbers: int) -> str:
    chosen = "&".join(f"of=contender/{number:012d}" for number in numbers)
    return site.get(f"/executions/compare?{chosen}").partition("<table")[2]


def test_two_stand_side_by_side_with_what_differs_first(site: Site) -> None:
    site.account.ran = [Ran(1), Ran(2)]
    for number, eta in ((1, 0.1), (2, 0.4)):
        chosen = {"hyperparameter.depth": 5.0, "hyperparameter.eta": eta}
        site.account.keep(record(Ran(number), auc=0.9 + number / 100, parameters=chosen))
    page = compared(site, 1, 2)
    assert page.index("hyperparameter.eta") < page.index("hyperparameter.depth")
    assert '<tr class="differs"><th scope="row">hyperparameter.eta</th>' in page
    assert "0.92 ★" in page
    assert "s3://data/1.csv" in page
    assert "21.0 s" in page
    assert "22.0 s" in page
    assert calls(site) <= MOST_CALLS


def test_executions_of_one_dimension_stand_among_its_other_pages(site: Site) -> None:
    page = site.get("/executions?dimension=A")
    assert 'href="/dimensions/A/models"' in page
    assert "<title>Executions of A ·" in page
    assert "/models" not in site.get("/executions?dimension=A*")


def test_what_only_a_first_execution_is_given_stands_apart(site: Site) -> None:
    site.account.ran = [Ran(1), Ran(2)]
    site.account.keep(record(Ran(1), parameters={"pipeline.SkipDataQualityCheck": "true", "hyperparameter.eta": 0.1}))
    site.account.keep(record(Ran(2), parameters={"hyperparameter.eta": 0.1}))
    chosen, _, apart = compared(site, 1, 2).partition("<details>")
    assert "hyperparameter.eta" in chosen
    assert "SkipDataQualityCheck" not in chosen
    assert "SkipDataQualityCheck" in apart


def test_one_that_runs_is_compared_by_what_it_was_given(site: Site) -> None:
    site.account.ran = [Ran(1), Ran(2, status="Executing")]
    site.account.keep(record(Ran(1)))
    assert "pipeline.Rounds" in compared(site, 1, 2)
    assert 'data-every="2"' in site.get(f"/executions/compare?of=contender/{2:012d}")


def test_what_was_never_recorded_is_read_together(site: Site) -> None:
    site.account.ran = [Ran(1), Ran(2, "contender-batch")]
    page = site.get(f"/executions/compare?of=contender/{1:012d}&of=contender-batch/{2:012d}")
    assert "pipeline.Rounds" in page
    assert "s3://data/2.csv" in page


def test_two_must_be_chosen_and_exist(site: Site) -> None:
    assert "No execution was chosen" in site.get("/executions/compare")
    assert "names no execution" in site.get("/executions/compare?of=contender", 404)
    assert "has no execution" in site.get("/executions/compare?of=contender/99&of=contender/98", 404)
    assert "pipeline &#39;other&#39; is none of" in site.get("/executions/compare?of=other/1&of=other/2", 404)


def test_why_one_failed_begins_with_the_step_that_did() -> None:
    failed = Row(Ran(1).arn, "A-1", "A", "Failed", Ran(1).start, reason=f"{ANY_FAILURE}Refuse: too low")
    assert failed.why == "Refuse: too low"
