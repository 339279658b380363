"""The biggest lines in sentences, and what would lower them: true of the prices and settings they are about."""

from __future__ import annotations

from typing import Any

import pytest

from contender.config import Settings
from contender.cost.bill import biggest, bill, quotas
from contender.cost.topologies import topologies
from tests.cost.cases import case, settings

CAPTURED = settings(endpoint={"data_capture_percent": 50})
COMPARED = settings(endpoint={"data_capture_percent": 50}, monitoring={"model_quality": True})
DAILY = "cron(0 6 ? * * *)"


def test_the_three_biggest_lines_are_named_with_their_share() -> None:
    found = bill(case(1_000, retrainings_per_month=0, settings=COMPARED))
    sentences = list(biggest(found))
    assert len(sentences) == 3
    assert sentences[0] == (
        f"endpoints, champions, ml.m5.large: 83,950.00, {83_950 / found.total:.0%} of the total. "
        "Less with a smaller endpoint.instance_type: ml.t2.medium costs 0.056 an hour, not 0.115."
    )
    assert sentences[1].startswith("monitoring, model quality, ml.m5.xlarge: 27,983.33")
    assert sentences[1].endswith("Less with a monitoring.schedule of once a day, cron(0 6 ? * * *).")


def test_nothing_smaller_is_advised_than_the_smallest() -> None:
    smallest = settings(endpoint={"instance_type": "ml.t2.medium"}, monitoring={"enabled": False})
    found = bill(case(settings=smallest, retrainings_per_month=0))
    assert "Less with" not in next(biggest(found))


def test_daily_monitoring_is_not_advised_where_it_is_daily_already() -> None:
    daily = settings(endpoint={"data_capture_percent": 50}, monitoring={"schedule": DAILY})
    found = bill(case(settings=daily))
    (line,) = (line for line in found.lines if line.what.startswith("data quality"))
    assert line.lower == "monitoring.instance_type ml.m5.large, if the rows fit"


def test_the_sentence_about_quotas_counts_the_instances_behind_endpoints() -> None:
    assert quotas(case(1_000, retrainings_per_month=0)).startswith("1,000 dimensions serve from 1,000 instances")


def test_other_topologies_cost_less_by_what_they_leave_out() -> None:
    bills = {
        each.name: bill(case(100, settings=each.settings))
        for each in topologies(Settings(), ["ml.t2.medium", "ml.m5.large"])
    }
    assert list(bills) == [
        "as contender.yaml says",
        "endpoints on ml.t2.medium",
        "without experiments",
        "hourly data quality",
        "daily data quality",
        "without monitoring",
    ]
    whole, smaller, direct, hourly, daily, blind = bills.values()
    assert {line.part for line in whole.lines} - {line.part for line in direct.lines} == {"experiments"}
    assert {line.part for line in whole.lines} - {line.part for line in blind.lines} == {"monitoring"}
    instances = [
        sum(b.quantity for b in each.lines if b.part == "endpoints" and b.unit == "hours") for each in (whole, smaller)
    ]
    assert instances[0] == instances[1]
    assert blind.total < whole.total < daily.total < hourly.total
    assert direct.total < whole.total


def names(configured: Settings) -> list[str]:
    return [each.name for each in topologies(configured, ["ml.m5.large"])]


@pytest.mark.parametrize(("schedule", "other"), [(DAILY, "hourly"), ("cron(0 0/1 ? * * *)", "daily")])
def test_what_is_so_already_is_no_other_topology(schedule: str, other: str) -> None:
    configured = settings(
        experiment={"enabled": False}, endpoint={"data_capture_percent": 50}, monitoring={"schedule": schedule}
    )
    assert names(configured) == ["as contender.yaml says", f"{other} data quality", "without monitoring"]


def test_without_monitoring_is_no_other_topology_where_there_is_none() -> None:
    assert names(settings(monitoring={"enabled": False}))[-2:] == ["hourly data quality", "daily data quality"]


@pytest.mark.parametrize(
    ("monitoring", "compared", "jobs"),
    [
        ({"model_quality": True}, "data and model quality", 3),
        ({"model_quality": True, "data_quality": False}, "model quality", 2),
        ({"data_quality": False}, "data quality", 1),
        ({"enabled": False}, "data quality", 1),
    ],
)
def test_what_contender_yaml_compares_is_compared_at_other_times(
    monitoring: dict[str, Any], compared: str, jobs: int
) -> None:
    configured = settings(
        endpoint={"data_capture_percent": 50}, monitoring={"schedule": "cron(0 0/6 ? * * *)", **monitoring}
    )
    found = {each.name: bill(case(settings=each.settings)) for each in topologies(configured, [])}
    for often, runs in (("hourly", 730), ("daily", 730 / 24)):
        lines = found[f"{often} {compared}"].lines
        hours = sum(line.quantity for line in lines if line.part == "monitoring" and line.unit == "hours")
        assert hours == pytest.approx(10 * runs * jobs * 5 / 60)


def test_every_stage_gets_the_other_instance_type() -> None:
    staged = settings(stages={"dev": {}, "prod": {"instance_count": 2}})
    _, other = list(topologies(staged, ["ml.c5.large"]))[:2]
    assert [stage.instance_type for _, stage in other.settings.stages_in_order] == ["ml.c5.large"] * 2


def test_monitoring_is_compared_in_the_last_stage_whatever_others_capture() -> None:
    staged = settings(stages={"dev": {"data_capture_percent": 50}, "prod": {}})
    hourly = next(each for each in topologies(staged, []) if each.name == "hourly data quality")
    assert any(line.what.startswith("data quality") for line in bill(case(settings=hourly.settings)).lines)
