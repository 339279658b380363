"""Every line by hand, and what makes a line come and go."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from contender.config import Settings
from contender.config.sections import Rollout
from contender.cost import delivery, experiments, inference, monitoring, pipelines, rollouts, serving, storage
from contender.cost.assumptions import Assumptions
from contender.cost.bill import PARTS, bill
from contender.cost.serving import rollout_days
from tests.cost.cases import EVERYTHING, case, lines, settings

BIASED = settings(checks={"bias": {"facet": "Plan"}})
CAPTURED = settings(endpoint={"data_capture_percent": 50})
COMPARED = settings(
    endpoint={"data_capture_percent": 50}, monitoring={"model_quality": True, "instance_type": "ml.m5.large"}
)
BATCH = settings(inference={"max_file_mb": 0.5})
KEYED = settings(stacks={"encryption": "project", "log_days": 90})
UNWATCHED = settings(endpoint={"data_capture_percent": 50}, monitoring={"enabled": False})
DIRECT = settings(experiment={"enabled": False})
SCALED = settings(monitoring={"autoscaling": {"enabled": True}})
STORED = settings(experiment={"sticky": "stored"})
TUNED = settings(training={"tuning_trials": 10})

# Ten dimensions: 304,166.67 requests and 30,416.67 conversions a month, 40 executions, 304.17 files to predict.
# A challenger is there for 8 days of steps (500 requests at 100, 250 and 500 a day) and an hour of bake, four times.
BESIDE = 4 * (5 + 2 + 1 + 1 / 24) / (730 / 24)
EVENTS = 334_583.333
JOB_HOURS = 40 * 5 / 60
FILE_HOURS = 304.1667 * 5 / 60
LOGS_KEPT = 30 / (730 / 24)  # days of a month
BY_HAND: list[tuple[Settings, str, float]] = [
    (Settings(), "endpoints: champions, ml.m5.large", 10 * 730 * 0.115),
    (Settings(), "endpoints: challengers, ml.m5.large", 10 * 730 * 0.115 * BESIDE),
    (Settings(), "endpoints: volumes", 10 * (1 + BESIDE) * 8 * 0.14),
    (Settings(), "endpoints: requests and answers", 304_166.667 * 2_000 / 1e9 * 0.016),
    (Settings(), "training: Preprocess, ml.m5.large", JOB_HOURS * 0.115),
    (Settings(), "training: DataQuality, ml.m5.xlarge", JOB_HOURS * 0.23),
    (BIASED, "training: DataBias, ml.m5.xlarge", JOB_HOURS * 0.23),
    (Settings(), "training: Train, ml.m5.large", JOB_HOURS * 0.115),
    (TUNED, "training: Tune, ml.m5.large", JOB_HOURS * 0.115 * 10),
    (Settings(), "training: Package, ml.m5.large", JOB_HOURS * 0.115),
    (Settings(), "training: Evaluate, ml.m5.large", JOB_HOURS * 0.115),
    (Settings(), "training: Transform, ml.m5.large", JOB_HOURS * 0.115),
    (Settings(), "training: ModelQuality, ml.m5.xlarge", JOB_HOURS * 0.23),
    (BIASED, "training: ModelBias, ml.m5.xlarge", JOB_HOURS * 0.23),
    (BIASED, "training: ModelBias, its endpoint, ml.m5.large", JOB_HOURS * 0.115),
    (Settings(), "training: Explainability, ml.m5.xlarge", JOB_HOURS * 0.23),
    (Settings(), "training: Explainability, its endpoint, ml.m5.large", JOB_HOURS * 0.115),
    (Settings(), "training: volumes", 8 * JOB_HOURS / 730 * 30 * 0.14),
    (Settings(), "training: Lambda calls: steps", 160 * 0.2e-6),
    (Settings(), "training: Lambda time: steps", 160 * 1.5 * 0.25 * 0.0000133334),
    (Settings(), "training: logs: steps", 160 * 800 / 1e9 * 0.50),
    (Settings(), "training: logs kept: steps", 160 * 800 / 1e9 * LOGS_KEPT * 0.03),
    (Settings(), "rollouts: Lambda calls: tick", 43_800 * 0.2e-6),
    (Settings(), "rollouts: Lambda time: tick", 43_800 * 0.7 * 0.5 * 0.0000133334),
    (Settings(), "rollouts: logs: tick", 43_800 * 800 / 1e9 * 0.50),
    (Settings(), "rollouts: logs kept: tick", 43_800 * 800 / 1e9 * LOGS_KEPT * 0.03),
    (Settings(), "rollouts: reads of states and counts", 43_800 * 10 * 2 * 0.125e-6),
    (DIRECT, "rollouts: metrics of rollouts under way", 43_800 * 10 * 2 * (BESIDE + 1) * 0.01e-3),
    (Settings(), "experiments: API calls", EVENTS * 3.5e-6),
    (Settings(), "experiments: Lambda calls: invocation", 304_166.667 * 0.2e-6),
    (Settings(), "experiments: Lambda time: invocation", 304_166.667 * 0.06 * 0.0000133334),
    (Settings(), "experiments: logs: invocation", 304_166.667 * 800 / 1e9 * 0.50),
    (Settings(), "experiments: logs kept: invocation", 304_166.667 * 800 / 1e9 * LOGS_KEPT * 0.03),
    (Settings(), "experiments: Lambda calls: conversion", 30_416.667 * 0.2e-6),
    (Settings(), "experiments: Lambda time: conversion", 30_416.667 * 0.02 * 0.5 * 0.0000133334),
    (Settings(), "experiments: logs: conversion", 30_416.667 * 800 / 1e9 * 0.50),
    (Settings(), "experiments: logs kept: conversion", 30_416.667 * 800 / 1e9 * LOGS_KEPT * 0.03),
    (Settings(), "experiments: traces", EVENTS * 0.05 * 5e-6),
    (STORED, "experiments: reads of users' variants", 304_166.667 * 0.125e-6),
    (Settings(), "experiments: events through Firehose", EVENTS * 5_000 / 1e9 * 0.029),
    (Settings(), "experiments: files of events", 43_800 * 0.005e-3),
    (Settings(), "experiments: events kept", EVENTS * 100 / 1e9 * 12 * 0.023),
    (Settings(), "experiments: notices of files", 43_800 * 1e-6),
    (Settings(), "experiments: queue of files", (657_000 + 87_600) * 0.4e-6),
    (Settings(), "experiments: Lambda calls: count, files", 43_800 * 0.2e-6),
    (Settings(), "experiments: Lambda time: count, files", 43_800 * 0.3 * 0.0000133334),
    (Settings(), "experiments: Lambda time: count, events", EVENTS * 0.001 * 0.0000133334),
    (Settings(), "experiments: logs: count, files", 43_800 * 800 / 1e9 * 0.50),
    (Settings(), "experiments: logs kept: count, files", 43_800 * 800 / 1e9 * LOGS_KEPT * 0.03),
    (Settings(), "experiments: events remembered", EVENTS * 4 * 0.625e-6),
    (Settings(), "experiments: events looked up", EVENTS * 2 * 0.125e-6),
    (Settings(), "experiments: events remembered, kept", EVENTS / (730 / 24) * 36 * 2 * 300 / 1e9 * 0.25),
    (Settings(), "experiments: metrics of variants", 10 * 3 * (1 + BESIDE) * 0.30),
    (Settings(), "experiments: metrics sent", 43_800 * 0.01e-3),
    (Settings(), "experiments: metrics of the API", 15 * 0.30),
    (Settings(), "experiments: alarms", 2 * 0.10),
    (Settings(), "inference: predictions written", 1_520_833.333 * 0.625e-6),
    (Settings(), "inference: predictions kept", 1_520_833.333 * 300 / 1e9 * 12 * 0.25),
    (Settings(), "inference: queues", (2 * 657_000 + 4_562.5) * 0.4e-6),
    (Settings(), "inference: Lambda calls: messages", 1_520.8333 * 0.2e-6),
    (Settings(), "inference: Lambda time: messages", 1_520.8333 * 1.5 * 0.0000133334),
    (Settings(), "inference: logs: messages", 1_520.8333 * 800 / 1e9 * 0.50),
    (Settings(), "inference: logs kept: messages", 1_520.8333 * 800 / 1e9 * LOGS_KEPT * 0.03),
    (Settings(), "inference: Lambda calls: files", 304.1667 * 0.2e-6),
    (Settings(), "inference: Lambda time: files", 304.1667 * 2 * 1769 / 1024 * 0.0000133334),
    (Settings(), "inference: logs: files", 304.1667 * 800 / 1e9 * 0.50),
    (Settings(), "inference: logs kept: files", 304.1667 * 800 / 1e9 * LOGS_KEPT * 0.03),
    (Settings(), "inference: notices of files", 304.1667 * 1e-6),
    (Settings(), "inference: files written", 304.1667 * 3 * 0.005e-3),
    (Settings(), "inference: files kept", 1_520_833.333 * 200 / 1e9 * 12 * 0.023),
    (Settings(), "inference: alarms", 0.10),
    (BATCH, "inference: Prepare, ml.m5.large", FILE_HOURS * 0.115),
    (BATCH, "inference: ScoreChampion, ml.m5.large", FILE_HOURS * 0.115),
    (BATCH, "inference: Collect, ml.m5.large", FILE_HOURS * 0.115),
    (BATCH, "inference: volumes", 3 * FILE_HOURS / 730 * 30 * 0.14),
    (BATCH, "inference: Lambda calls: lookup", 304.1667 * 0.2e-6),
    (BATCH, "inference: Lambda time: lookup", 304.1667 * 1.5 * 0.25 * 0.0000133334),
    (BATCH, "inference: logs: lookup", 304.1667 * 800 / 1e9 * 0.50),
    (BATCH, "inference: logs kept: lookup", 304.1667 * 800 / 1e9 * LOGS_KEPT * 0.03),
    (BATCH, "inference: predictions written", 1_520_833.333 * 0.625e-6),
    (BATCH, "inference: queues", (2 * 657_000 + 304.1667 * 3) * 0.4e-6),
    (BATCH, "inference: Lambda calls: messages", 304.1667 * 0.2e-6),
    (BATCH, "inference: Lambda time: messages", 304.1667 * 6.7 * 0.0000133334),
    (BATCH, "inference: Lambda calls: files", 608.3333 * 0.2e-6),
    (BATCH, "inference: files written", 304.1667 * 13 * 0.005e-3),
    (BATCH, "inference: files kept", 3 * 1_520_833.333 * 200 / 1e9 * 12 * 0.023),
    (CAPTURED, "monitoring: data quality, ml.m5.xlarge", 10 * 730 * 5 / 60 * 0.23),
    (CAPTURED, "monitoring: volumes", 10 * 5 / 60 * 20 * 0.14),
    (COMPARED, "monitoring: data quality, ml.m5.large", 10 * 730 * 5 / 60 * 0.115),
    (COMPARED, "monitoring: model quality, ml.m5.large", 10 * 730 * 2 * 5 / 60 * 0.115),
    (COMPARED, "monitoring: volumes", 10 * 3 * 5 / 60 * 20 * 0.14),
    (COMPARED, "monitoring: Lambda calls: drift", 21_900 * 0.2e-6),
    (COMPARED, "monitoring: metrics of drift", 20 * 0.30),
    (COMPARED, "monitoring: metrics sent", (2_920 + 14_600) * 0.01e-3),
    (COMPARED, "monitoring: alarms of endpoints", 10 * (2 * (1 + BESIDE) + 2) * 0.10),
    (CAPTURED, "monitoring: Lambda calls: drift", 7_300 * 0.2e-6),
    (CAPTURED, "monitoring: Lambda time: drift", 7_300 * 2 * 0.25 * 0.0000133334),
    (CAPTURED, "monitoring: logs: drift", 7_300 * 800 / 1e9 * 0.50),
    (CAPTURED, "monitoring: logs kept: drift", 7_300 * 800 / 1e9 * LOGS_KEPT * 0.03),
    (CAPTURED, "monitoring: metrics of drift", 10 * 0.30),
    (CAPTURED, "monitoring: metrics sent", (2_920 + 7_300) * 0.01e-3),
    (CAPTURED, "monitoring: alarms of endpoints", 10 * (2 * (1 + BESIDE) + 1) * 0.10),
    (Settings(), "monitoring: metrics of the project", 0.30),
    (Settings(), "monitoring: metrics sent", 2_920 * 0.01e-3),
    (Settings(), "monitoring: alarms of endpoints", 10 * 2 * (1 + BESIDE) * 0.10),
    (Settings(), "monitoring: Lambda calls: watch", 2_920 * 0.2e-6),
    (Settings(), "monitoring: Lambda time: watch", 2_920 * 2 * 0.5 * 0.0000133334),
    (Settings(), "monitoring: logs: watch", 2_920 * 800 / 1e9 * 0.50),
    (Settings(), "monitoring: logs kept: watch", 2_920 * 800 / 1e9 * LOGS_KEPT * 0.03),
    (KEYED, "monitoring: logs kept: watch", 2_920 * 800 / 1e9 * 3 * LOGS_KEPT * 0.03),
    (SCALED, "monitoring: alarms of scaling", 10 * (1 + BESIDE) * 2 * 0.10),
    (Settings(), "monitoring: alarms of the project", 7 * 0.10),
    (Settings(), "monitoring: dashboard", 3.00),
    (Settings(), "monitoring: mails", 40 * 2e-5),
    (CAPTURED, "monitoring: captured files", 152_083.333 * 0.005e-3),
    (CAPTURED, "monitoring: captures kept", 152_083.333 * 2_000 / 1e9 * 35 / (730 / 24) * 0.023),
    (Settings(), "storage: uploads and artifacts", 40 * (5_000 * 200 * 4 / 1e9 + 0.003) * 12 * 0.023),
    (Settings(), "storage: objects of jobs", 40 * 60 * 0.005e-3),
    (Settings(), "storage: notices of uploads", 40 * 1e-6),
    (Settings(), "storage: queue of uploads", (657_000 + 120) * 0.4e-6),
    (KEYED, "storage: key", 1.00),
    (Settings(), "delivery: builds", 20 * 15 * 0.005),
    (Settings(), "delivery: pipeline", 20 * 16 * 0.002),
    (Settings(), "delivery: alarms", 0.10),
]


@pytest.mark.parametrize(("configured", "name", "cost"), BY_HAND, ids=[name for _, name, _ in BY_HAND])
def test_a_line_is_what_it_is_by_hand(configured: Settings, name: str, cost: float) -> None:
    assert lines(case(settings=configured))[name].cost == pytest.approx(cost, rel=1e-6)


def test_no_line_is_left_out_of_the_examples() -> None:
    worked = {name for _, name, _ in BY_HAND}
    for configured in (Settings(), BATCH, BIASED, CAPTURED, COMPARED, DIRECT, KEYED, SCALED, STORED, TUNED):
        assert lines(case(settings=configured)).keys() <= worked


def test_the_total_is_the_sum_of_the_lines_and_shared_by_the_dimensions() -> None:
    found = bill(case(10))
    assert found.total == pytest.approx(sum(line.cost for line in found.lines))
    assert found.per_dimension == pytest.approx(found.total / 10)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.PART)
def test_each_further_dimension_costs_the_same(part: Any) -> None:
    """From where Firehose writes a file every minute on."""
    totals = [sum(line.cost for line in part.lines(case(count))) for count in (100, 200, 300, 1_300)]
    each = (totals[1] - totals[0]) / 100
    assert totals[2] - totals[1] == pytest.approx(100 * each)
    assert totals[3] - totals[2] == pytest.approx(1_000 * each)
    assert each > 0 or part is delivery


@pytest.mark.parametrize(
    ("part", "off"),
    [
        (inference, {"settings": settings(inference={"enabled": False})}),
        (monitoring, {"settings": settings(monitoring={"enabled": False})}),
        (delivery, {"pushes_per_month": 0}),
        (experiments, {"settings": DIRECT}),
    ],
    ids=lambda value: getattr(value, "PART", ""),
)
def test_a_part_that_is_off_has_no_lines(part: Any, off: dict[str, Any]) -> None:
    assert list(part.lines(case()))
    assert list(part.lines(case(**off))) == []


def test_what_is_captured_is_kept_without_monitoring_too() -> None:
    found = {line.what for line in monitoring.lines(case(settings=UNWATCHED))}
    assert found == {"captured files", "captures kept"}


@pytest.mark.parametrize(
    ("schedule", "runs_per_day"),
    [
        ("cron(0 * ? * * *)", 24),
        ("cron(0 0/1 ? * * *)", 24),
        ("cron(0 17/12 ? * * *)", 2),
        ("cron(0 3/5 ? * * *)", 5),
        ("cron(0 6 ? * * *)", 1),
        ("cron(0 0/24 ? * * *)", 1),
    ],
)
def test_jobs_that_compare_run_as_often_as_their_schedule_says(schedule: str, runs_per_day: int) -> None:
    configured = settings(endpoint={"data_capture_percent": 50}, monitoring={"schedule": schedule})
    found = lines(case(settings=configured))["monitoring: data quality, ml.m5.xlarge"]
    assert found.quantity == pytest.approx(10 * runs_per_day * 730 / 24 * 5 / 60)


@pytest.mark.parametrize("monitoring", [{"data_quality": False}, {"enabled": False}])
def test_nothing_is_compared_where_that_is_not_wanted(monitoring: dict[str, Any]) -> None:
    configured = settings(endpoint={"data_capture_percent": 50}, monitoring=monitoring)
    assert not [name for name in lines(case(settings=configured)) if "quality, " in name and "monitoring" in name]


def test_nothing_is_compared_where_nothing_is_captured() -> None:
    assert not [line for line in monitoring.lines(case()) if line.unit == "hours"]


def test_files_are_waited_for_where_none_come() -> None:
    found = {line.what for line in bill(case(files_per_day=0)).lines if line.part == "inference"}
    assert found == {"queues", "alarms"}


@pytest.mark.parametrize(("rows_per_message", "messages"), [(1_000, 5), (2_000, 3), (5_000, 1)])
def test_a_file_is_as_many_messages_as_its_rows_take(rows_per_message: int, messages: int) -> None:
    found = lines(case(settings=settings(inference={"rows_per_message": rows_per_message})))
    assert found["inference: Lambda calls: messages"].quantity == pytest.approx(304.1667 * messages, rel=1e-6)


@pytest.mark.parametrize(("rows_per_message", "messages"), [(500, 4), (1_000, 2), (2_000, 2)])
def test_a_message_of_scored_rows_has_five_times_as_many_up_to_the_largest(
    rows_per_message: int, messages: int
) -> None:
    large = settings(inference={"rows_per_message": rows_per_message, "max_file_mb": 0.5})
    found = lines(case(rows_per_file=10_000, settings=large))
    assert found["inference: Lambda calls: messages"].quantity == pytest.approx(304.1667 * messages, rel=1e-6)


@pytest.mark.parametrize(("keep_days", "months"), [(365, 12), (73, 2.4), (0, 24)])
def test_predictions_stay_in_the_table_as_long_as_the_setting_says_and_for_good_as_long_as_files(
    keep_days: int, months: float
) -> None:
    found = lines(case(months_kept=24, settings=settings(inference={"keep_days": keep_days})))
    assert found["inference: predictions kept"].quantity == pytest.approx(1_520_833.333 * 300 / 1e9 * months)


def test_only_a_file_that_is_larger_than_allowed_goes_through_the_batch_pipeline() -> None:
    just = settings(inference={"max_file_mb": 1})  # 5,000 rows of 200 bytes
    assert not [name for name in lines(case(settings=just)) if "ScoreChampion" in name]
    assert [name for name in lines(case(settings=just, row_bytes=201)) if "ScoreChampion" in name]


def test_the_projects_own_key_is_paid_for_where_there_is_one() -> None:
    assert "storage: key" in lines(case(settings=KEYED))
    assert "storage: key" not in lines(case())


def test_each_stage_has_endpoints_of_its_own() -> None:
    staged = settings(stages={"dev": {"instance_type": "ml.t2.medium"}, "prod": {"instance_count": 2}})
    found = lines(case(settings=staged))
    assert found["endpoints: champions in dev, ml.t2.medium"].cost == pytest.approx(10 * 730 * 0.056)
    assert found["endpoints: champions in prod, ml.m5.large"].cost == pytest.approx(10 * 730 * 2 * 0.115)
    assert found["storage: queue of uploads"].quantity == 657_000 + 120  # a retraining serves both
    assert found["monitoring: alarms of endpoints"].quantity == pytest.approx(20 * (1 + BESIDE))  # of the last one


def test_pinned_versions_run_on_their_own_instances_all_month() -> None:
    pinned = settings(
        dimensions={
            "SM-1": {
                "champion": 3,
                "challengers": [5, 6],
                "instances": {3: {"type": "ml.c5.large", "count": 2}, 5: {"type": "ml.m5.xlarge", "count": 3}},
            }
        }
    )
    found = lines(case(settings=pinned, retrainings_per_month=0))
    hours = {name: line.quantity / 730 for name, line in found.items() if line.unit == "hours" and "champ" in name}
    assert hours == {"endpoints: champions, ml.c5.large": 2, "endpoints: champions, ml.m5.large": 9}
    beside = {name: line.quantity / 730 for name, line in found.items() if "challengers" in name}
    assert beside == {"endpoints: challengers, ml.m5.xlarge": 3, "endpoints: challengers, ml.m5.large": 1}


@pytest.mark.parametrize(
    ("rollout", "requests_per_day", "days"),
    [
        ({"steps": [{"share": 0.5, "time_s": 86_400, "sample": 0}], "goal": None, "bake_time_s": 0}, 1_000, 1),
        ({"steps": [{"share": 0.5, "time_s": 0, "sample": 1_000}], "goal": None, "bake_time_s": 0}, 1_000, 2),
        ({"steps": [{"share": 0.5, "time_s": 0, "sample": 0}], "bake_time_s": 0}, 1_000, 5),
        ({"steps": [{"share": 0.5, "time_s": 0, "sample": 0}], "bake_time_s": 86_400}, 1_000, 6),
        ({"steps": [{"share": 0.5, "time_s": 0, "sample": 0}], "goal": {"method": "msprt"}, "bake_time_s": 0}, 500, 2),
        ({"bake_time_s": 0}, 10, 14),
        ({"bake_time_s": 0}, 0, 14),
        ({"goal": None}, 0, float("inf")),
    ],
)
def test_a_rollout_takes_as_long_as_its_steps_and_its_goal(
    rollout: dict[str, Any], requests_per_day: float, days: float
) -> None:
    assert rollout_days(Rollout.model_validate(rollout), requests_per_day) == pytest.approx(days)


def test_no_more_challengers_are_counted_than_may_be_there() -> None:
    found = lines(case(requests_per_day=0, settings=settings(rollout={"max_challengers": 1})))
    assert found["endpoints: challengers, ml.m5.large"].quantity == 10 * 730
    assert "rollout.max_challengers" in found["endpoints: challengers, ml.m5.large"].lower


def test_without_retrainings_there_are_no_challengers() -> None:
    assert not [name for name in lines(case(retrainings_per_month=0, requests_per_day=0)) if "challengers" in name]


def test_a_rollout_takes_as_long_as_is_said() -> None:
    found = lines(case(challenger_days=730 / 24, retrainings_per_month=1))
    assert found["endpoints: challengers, ml.m5.large"].quantity == pytest.approx(10 * 730)


@pytest.mark.parametrize("assumed", [each.name for each in fields(Assumptions) if each.name != "challenger_days"])
def test_more_of_anything_costs_more(assumed: str) -> None:
    less, more = (case(1_000, **{assumed: getattr(EVERYTHING, assumed) * factor}) for factor in (1, 2))
    if assumed == "requests_per_day":  # challengers are beside for a shorter time then
        less, more = (case(1_000, challenger_days=5, requests_per_day=each) for each in (1_000, 2_000))
    assert bill(more).total > bill(less).total


def test_parts_are_named_once() -> None:
    modules = (serving, pipelines, rollouts, experiments, inference, monitoring, storage, delivery)
    assert modules == PARTS
    assert len({module.PART for module in modules}) == len(PARTS)
