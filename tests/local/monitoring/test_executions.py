"""Executions: started when they are due, run as processing jobs, listed with how they ended."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tests.local.monitoring.watched import HOURLY, IMAGE, NOW, VIOLATED, Watched
from tests.local.running import eventually


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.fixture
def hourly(watched: Watched) -> Watched:
    """A schedule `s` every hour; it is 12:30, and requests were captured from 12:00 on."""
    watched.define()
    watched.capture("2026/03/01/12")
    watched.schedule("s", HOURLY)
    return watched


def statuses(watched: Watched, **request: Any) -> list[str]:
    return [each["MonitoringExecutionStatus"] for each in watched.executions(SortOrder="Ascending", **request)]


def test_nothing_runs_before_it_is_due(hourly: Watched) -> None:
    following = hourly.run_due()
    assert following is not None
    assert at("2026-03-01T13:00") < following < at("2026-03-01T13:01")  # what was captured last is still on its way
    assert hourly.executions() == []


def test_the_job_is_the_one_that_awss_service_asks_for(hourly: Watched) -> None:
    hourly.define(
        "whole",
        DataQualityBaselineConfig={
            "ConstraintsResource": {"S3Uri": "s3://b/base/constraints.json"},
            "StatisticsResource": {"S3Uri": "s3://b/base/stats.json"},
        },
        application={
            "RecordPreprocessorSourceUri": "s3://b/code/pre.py",
            "PostAnalyticsProcessorSourceUri": "s3://b/code/post.py",
            "ContainerArguments": ["x"],
            "Environment": {"mine": "1", "publish_cloudwatch_metrics": "Disabled"},
        },
        NetworkConfig={"EnableNetworkIsolation": True},
        StoppingCondition={"MaxRuntimeInSeconds": 900},
    )
    config = {"MonitoringJobDefinitionName": "whole", "MonitoringType": "DataQuality", "ScheduleConfig": HOURLY}
    hourly("UpdateMonitoringSchedule", MonitoringScheduleName="s", MonitoringScheduleConfig=config)
    hourly.capture("2026/03/01/12", "v2")
    hourly.capture("2026/03/01/11")
    hourly.clock.now = at("2026-03-01T13:00:30")
    hourly.run_due()
    (execution,) = hourly.executions()
    assert execution["ScheduledTime"] == at("2026-03-01T13:00")
    name = execution["ProcessingJobArn"].rpartition("/")[2]
    assert name.startswith("model-monitoring-202603011300-")
    job = hourly.job(name)
    assert job["MonitoringScheduleArn"].endswith(":monitoring-schedule/s")
    assert job["AppSpecification"] == {"ImageUri": IMAGE, "ContainerArguments": ["x"]}
    assert job["NetworkConfig"] == {"EnableNetworkIsolation": True}
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 900}
    places = {each["InputName"]: each["S3Input"] for each in job["ProcessingInputs"]}
    root = "/opt/ml/processing"
    assert {name: (place["S3Uri"], place["LocalPath"]) for name, place in places.items()} == {
        "endpoint_input_1": (
            "s3://b/captured/shop/v1/2026/03/01/12",
            f"{root}/input/endpoint/shop/v1/2026/03/01/12",
        ),
        "endpoint_input_2": (
            "s3://b/captured/shop/v2/2026/03/01/12",
            f"{root}/input/endpoint/shop/v2/2026/03/01/12",
        ),
        "constraints": ("s3://b/base/constraints.json", f"{root}/baseline/constraints"),
        "baseline": ("s3://b/base/stats.json", f"{root}/baseline/stats"),
        "record_preprocessor_script": ("s3://b/code/pre.py", f"{root}/code/recordpreprocessor"),
        "post_analytics_processor_script": ("s3://b/code/post.py", f"{root}/code/postanalyticsprocessor"),
    }
    (output,) = job["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == "s3://b/reports/shop/s/2026/03/01/13"
    environment = dict(job["Environment"])
    assert json.loads(environment.pop("dataset_format")) == {
        "sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}
    }
    assert environment == {
        "dataset_source": f"{root}/input/endpoint",
        "output_path": f"{root}/output",
        "publish_cloudwatch_metrics": "Disabled",
        "sagemaker_endpoint_name": "shop",
        "sagemaker_monitoring_schedule_name": "s",
        "start_time": "2026-03-01T12:00:00Z",
        "end_time": "2026-03-01T13:00:00Z",
        "metric_time": "2026-03-01T12:00:00Z",
        "baseline_constraints": f"{root}/baseline/constraints/constraints.json",
        "baseline_statistics": f"{root}/baseline/stats/stats.json",
        "record_preprocessor_script": f"{root}/code/recordpreprocessor/pre.py",
        "post_analytics_processor_script": f"{root}/code/postanalyticsprocessor/post.py",
        "mine": "1",
    }
    assert hourly.events[-1]["MonitoringScheduleArn"] == job["MonitoringScheduleArn"]


def test_the_baselining_job_names_the_baseline(hourly: Watched) -> None:
    hourly.jobs.endings = ["Completed: baselined"]
    hourly.baseline("baselining", "s3://b/found")
    hourly.define("by-job", DataQualityBaselineConfig={"BaseliningJobName": "baselining"})
    hourly.schedule("t", NOW, "by-job")
    hourly.run_due()
    job = hourly.job(hourly.executions()[0]["ProcessingJobArn"].rpartition("/")[2])
    places = {each["InputName"]: each["S3Input"]["S3Uri"] for each in job["ProcessingInputs"]}
    assert (places["constraints"], places["baseline"]) == (
        "s3://b/found/constraints.json",
        "s3://b/found/statistics.json",
    )


def test_files_that_are_named_one_by_one_count_before_the_baselining_job(hourly: Watched) -> None:
    hourly.jobs.endings = ["Completed: baselined"]
    hourly.baseline("baselining", "s3://b/found")
    own = {"BaseliningJobName": "baselining", "ConstraintsResource": {"S3Uri": "s3://b/own/constraints.json"}}
    hourly.define("own", DataQualityBaselineConfig=own)
    hourly.schedule("t", NOW, "own")
    hourly.run_due()
    job = hourly.job(hourly.executions()[0]["ProcessingJobArn"].rpartition("/")[2])
    places = {each["InputName"]: each["S3Input"]["S3Uri"] for each in job["ProcessingInputs"]}
    assert places["constraints"] == "s3://b/own/constraints.json"
    assert "baseline" not in places


@pytest.mark.parametrize(
    ("ending", "status", "reason"),
    [
        ("Completed: Job completed successfully with no violations.", "Completed", None),
        (VIOLATED, "CompletedWithViolations", None),
        ("Failed: AlgorithmError: no such column", "Failed", "Failed: AlgorithmError: no such column"),
        ("Stopped", "Stopped", None),
    ],
)
def test_an_execution_ends_as_its_job(hourly: Watched, ending: str, status: str, reason: str | None) -> None:
    hourly.jobs.endings = [ending]
    hourly.clock.now = at("2026-03-01T13:00:30")
    hourly.run_due()
    (execution,) = hourly.executions(MonitoringScheduleName="s")
    assert execution["MonitoringExecutionStatus"] == status
    assert execution.get("FailureReason") == reason
    described = hourly("DescribeMonitoringSchedule", MonitoringScheduleName="s")
    assert described["LastMonitoringExecutionSummary"] == execution


def test_an_hour_without_captured_data_fails_in_awss_words(hourly: Watched) -> None:
    hourly.clock.now = at("2026-03-01T14:00:30")
    hourly.run_due()
    (execution,) = hourly.executions()
    assert (execution["MonitoringExecutionStatus"], execution["FailureReason"]) == ("Failed", "Job inputs had no data")
    assert "ProcessingJobArn" not in execution
    assert hourly.jobs.started == []


def test_a_day_has_a_folder_for_every_hour(watched: Watched) -> None:
    watched.define()
    for hour in range(24):
        watched.capture(f"2026/03/01/{hour:02}")
    watched.schedule("daily", {"ScheduleExpression": "cron(0 0 ? * * *)"})
    watched.clock.now = at("2026-03-02T00:00:30")
    watched.run_due()
    assert statuses(watched) == ["Completed"]
    assert len(watched.job(watched.jobs.started[0])["ProcessingInputs"]) == 24


def test_a_place_outside_the_containers_folder_fails_the_execution(watched: Watched) -> None:
    watched.define(source={"LocalPath": "/tmp/data"})
    watched.capture("2026/03/01/12")
    watched.schedule("astray", NOW)
    watched.run_due()
    (execution,) = watched.executions()
    assert "LocalPath must begin with /opt/ml/processing" in execution["FailureReason"]


def test_a_schedule_for_now_runs_once_and_again_when_it_is_started_again(watched: Watched) -> None:
    watched.define()
    watched.capture("2026/03/01/11")
    watched.capture("2026/03/01/12")
    watched.schedule("now", NOW)
    assert watched.run_due() is None
    watched.run_due()
    assert statuses(watched) == ["Completed"]
    inputs = watched.job(watched.jobs.started[0])["ProcessingInputs"]
    assert [each["S3Input"]["S3Uri"][-2:] for each in inputs] == ["11", "12"]
    watched("StartMonitoringSchedule", MonitoringScheduleName="now")  # it is started: nothing happens
    watched.run_due()
    watched("StopMonitoringSchedule", MonitoringScheduleName="now")
    watched("StartMonitoringSchedule", MonitoringScheduleName="now")
    watched.run_due()
    assert statuses(watched) == ["Completed", "Completed"]


def test_a_stopped_schedule_starts_nothing_until_it_is_started(hourly: Watched) -> None:
    hourly("StopMonitoringSchedule", MonitoringScheduleName="s")
    assert hourly("DescribeMonitoringSchedule", MonitoringScheduleName="s")["MonitoringScheduleStatus"] == "Stopped"
    hourly.clock.now = at("2026-03-01T13:00:30")
    assert hourly.run_due() is None
    hourly("StartMonitoringSchedule", MonitoringScheduleName="s")
    assert hourly.run_due() == at("2026-03-01T14:00:05")
    assert hourly.executions() == []


def test_a_schedule_that_is_stopped_while_it_is_looked_at_starts_nothing(hourly: Watched) -> None:
    def stops_it() -> datetime:
        hourly.context.clock = hourly.clock
        hourly("StopMonitoringSchedule", MonitoringScheduleName="s")
        return hourly.clock()

    hourly.clock.now = at("2026-03-01T13:00:30")
    hourly.context.clock = stops_it
    hourly.run_due()
    assert hourly.executions() == []


def test_the_clocks_thread_starts_what_is_due(hourly: Watched) -> None:
    hourly.monitoring.open()
    hourly.clock.now = at("2026-03-01T13:00:30")
    hourly.monitoring.look()
    assert hourly.jobs.until_started(1).startswith("model-monitoring-202603011300-")


def test_every_hour_runs_once(hourly: Watched) -> None:
    for moment in ("13:00:06", "13:00:40", "13:59:59", "14:00:10", "14:10:00"):
        hourly.clock.now = at(f"2026-03-01T{moment}")
        hourly.run_due()
    scheduled = [each["ScheduledTime"] for each in hourly.executions(SortOrder="Ascending")]
    assert scheduled == [at("2026-03-01T13:00"), at("2026-03-01T14:00")]


def test_an_hour_runs_once_even_if_the_clock_is_turned_back(hourly: Watched) -> None:
    hourly.clock.now = at("2026-03-01T13:00:30")
    hourly.run_due()
    hourly.clock.now = at("2026-03-01T12:50:00")
    config = hourly("DescribeMonitoringSchedule", MonitoringScheduleName="s")["MonitoringScheduleConfig"]
    hourly("UpdateMonitoringSchedule", MonitoringScheduleName="s", MonitoringScheduleConfig=config)
    hourly.clock.now = at("2026-03-01T13:00:40")
    assert hourly.run_due() == at("2026-03-01T14:00:05")
    assert len(hourly.executions()) == 1


@pytest.mark.parametrize(
    ("woken", "ran"),
    [("15:10:00", ["15:00"]), ("15:40:00", []), ("15:19:59", ["15:00"]), ("15:00:02", [])],
)
def test_hours_missed_while_the_laptop_was_down_are_left_out(hourly: Watched, woken: str, ran: list[str]) -> None:
    hourly.clock.now = at(f"2026-03-01T{woken}")
    hourly.restart()
    hourly.run_due()
    assert [each["ScheduledTime"] for each in hourly.executions()] == [at(f"2026-03-01T{hour}") for hour in ran]
    hourly.capture("2026/03/01/15")
    hourly.clock.now = at("2026-03-01T16:00:30")
    hourly.run_due()
    assert hourly.executions()[0]["ScheduledTime"] == at("2026-03-01T16:00")


def test_a_kill_during_an_execution_ends_it_and_the_schedule_goes_on(hourly: Watched) -> None:
    hourly.jobs.endings = ["hold"]
    hourly.clock.now = at("2026-03-01T13:00:30")
    hourly.monitoring.run_due()
    hourly.jobs.until_started(1)
    hourly.restart()
    (execution,) = hourly.executions()
    assert (execution["MonitoringExecutionStatus"], execution["FailureReason"]) == ("Failed", "Failed: interrupted")
    hourly.capture("2026/03/01/13")
    hourly.clock.now = at("2026-03-01T14:00:30")
    hourly.run_due()
    assert statuses(hourly) == ["Failed", "Completed"]


def test_an_execution_is_stopped_with_its_job(hourly: Watched) -> None:
    hourly.jobs.endings = ["hold"]
    hourly.clock.now = at("2026-03-01T13:00:30")
    hourly.monitoring.run_due()
    name = hourly.jobs.until_started(1)
    hourly("StopProcessingJob", ProcessingJobName=name)
    eventually(lambda: statuses(hourly) == ["Stopping"])
    hourly.jobs.end(name, "Stopped")
    assert hourly.monitoring.join(10)
    assert statuses(hourly) == ["Stopped"]


def test_executions_are_listed_by_what_is_asked_for(hourly: Watched) -> None:
    hourly.endpoint("other")
    hourly.define("e", source={"EndpointName": "other"})
    hourly.schedule("t", HOURLY, "e")
    hourly.jobs.endings = [VIOLATED]
    hourly.clock.now = at("2026-03-01T13:00:30")
    hourly.run_due()
    hourly.clock.now = at("2026-03-01T14:00:30")
    hourly.run_due()
    assert statuses(hourly) == ["CompletedWithViolations", "Failed", "Failed", "Failed"]
    assert statuses(hourly, StatusEquals="CompletedWithViolations") == ["CompletedWithViolations"]
    assert statuses(hourly, MonitoringScheduleName="s") == ["CompletedWithViolations", "Failed"]
    assert len(hourly.executions(EndpointName="other")) == 2
    assert len(hourly.executions(MonitoringJobDefinitionName="d")) == 2
    assert hourly.executions(MonitoringTypeEquals="ModelQuality") == []
    assert len(hourly.executions(ScheduledTimeAfter=at("2026-03-01T13:30"))) == 2
    assert len(hourly.executions(ScheduledTimeBefore=at("2026-03-01T13:30"), MaxResults=1)) == 1
    assert len(hourly.executions(CreationTimeAfter=at("2026-03-01T14:00"))) == 2
    assert hourly.executions(MonitoringScheduleName="nobody") == []


def test_the_history_of_a_deleted_schedule_stays_and_is_not_its_successors(hourly: Watched) -> None:
    hourly.clock.now = at("2026-03-01T13:00:30")
    hourly.run_due()
    hourly("DeleteMonitoringSchedule", MonitoringScheduleName="s")
    assert statuses(hourly, MonitoringScheduleName="s") == ["Completed"]
    hourly.schedule("s", HOURLY)
    described = hourly("DescribeMonitoringSchedule", MonitoringScheduleName="s")
    assert "LastMonitoringExecutionSummary" not in described
