"""`contender monitoring`: what schedules found, one more execution now, and the truth as SageMaker merges it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from contender.cli.monitoring import command
from contender.config import Settings
from contender.errors import DataError, DeploymentError, NotFoundError
from contender.naming import Names
from contender.watching import truth
from contender.watching.executions import NO_DATA, Executions
from tests.lambdas.fakes import client_error, operation
from tests.watching.fakes import NOW, FakeS3, FakeSageMaker
from tests.watching.test_drift import DRIFTED, JOB, REPORT, job, statistics

NAMES = Names("contender")
ENDPOINT = "contender-SM-1"


class Schedules(FakeSageMaker):
    """What a schedule was asked is done at the second look; `ends` says how."""

    def __init__(self, status: str = "Completed", reason: str = "") -> None:
        super().__init__()
        self.ends = {"MonitoringExecutionStatus": status, **({"FailureReason": reason} if reason else {})}
        self.looks = 0
        self.definitions["one"] = {}
        self.jobs[JOB] = job()
        config = {"MonitoringJobDefinitionName": "one", "MonitoringType": "DataQuality"}
        self.create_monitoring_schedule(MonitoringScheduleName=f"{ENDPOINT}-data", MonitoringScheduleConfig=config)

    @operation
    def describe_monitoring_schedule(self, **request: Any) -> dict[str, Any]:
        name = request["MonitoringScheduleName"]
        if name not in self.schedules:
            raise client_error("DescribeMonitoringSchedule", "ResourceNotFound", "there is none")
        self.looks += 1
        summary = {
            "MonitoringScheduleName": name,
            "ScheduledTime": NOW,
            "CreationTime": NOW,
            "LastModifiedTime": NOW,
            "ProcessingJobArn": f"arn:aws:sagemaker:eu-west-1:123456789012:processing-job/{JOB}",
            **(self.ends if self.looks > 2 else {"MonitoringExecutionStatus": "InProgress"}),
        }
        return {
            "MonitoringScheduleArn": self.arn(f"monitoring-schedule/{name}"),
            "MonitoringScheduleName": name,
            "MonitoringScheduleStatus": "Scheduled",
            "CreationTime": NOW,
            "LastModifiedTime": NOW,
            "MonitoringScheduleConfig": self.schedules[name]["MonitoringScheduleConfig"],
            "LastMonitoringExecutionSummary": summary,
        }


def reports() -> FakeS3:
    return FakeS3(
        {
            f"{REPORT}/constraint_violations.json": json.dumps({"violations": [DRIFTED]}).encode(),
            f"{REPORT}/statistics.json": statistics(100.0),
            "artifacts/base/statistics.json": statistics(179.8),
        }
    )


def test_a_run_is_a_schedule_of_its_own_that_goes_when_it_is_done() -> None:
    sagemaker, slept = Schedules("CompletedWithViolations"), list[float]()
    found = Executions(sagemaker, reports(), NAMES).run("SM-1", "data", 3, slept.append, 60)
    assert found.status == "CompletedWithViolations"
    assert found.sentences[0].startswith("Day Mins fell, its mean from 179.8 to 100. Baseline drift distance")
    asked = sagemaker.made("CreateMonitoringSchedule")[-1]
    assert asked["MonitoringScheduleName"] == f"{ENDPOINT}-data-1"
    assert asked["MonitoringScheduleConfig"]["ScheduleConfig"] == {
        "ScheduleExpression": "NOW",
        "DataAnalysisStartTime": "-PT3H",
        "DataAnalysisEndTime": "-PT0H",
    }
    assert list(sagemaker.schedules) == [f"{ENDPOINT}-data"]
    assert slept


def test_a_run_takes_the_place_of_one_that_was_killed() -> None:
    sagemaker = Schedules()
    sagemaker.schedules[f"{ENDPOINT}-data-1"] = sagemaker.schedules[f"{ENDPOINT}-data"]
    assert Executions(sagemaker, reports(), NAMES).run("SM-1", "data", 1, lambda s: None, 60).status == "Completed"


def test_a_dimension_that_nothing_compares_is_refused_and_a_long_run_given_up() -> None:
    executions = Executions(Schedules(), reports(), NAMES)
    with pytest.raises(NotFoundError, match="nothing compares the data of 'SM-2'"):
        executions.run("SM-2", "data", 1, lambda s: None, 60)
    with pytest.raises(DeploymentError, match=f"{ENDPOINT}-data-1 is not done after 0 s"):
        executions.run("SM-1", "data", 1, lambda s: None, 0)


def test_an_hour_without_requests_is_told_as_that() -> None:
    sagemaker = Schedules("Failed", NO_DATA)
    sagemaker.looks = 2
    (found,) = Executions(sagemaker, reports(), NAMES).latest()
    assert (found.dimension, found.status, found.sentences) == ("SM-1", "no data", ())


def test_one_dimension_is_looked_at_without_the_others() -> None:
    sagemaker = Schedules("CompletedWithViolations")
    sagemaker.looks = 2
    executions = Executions(sagemaker, reports(), NAMES)
    (found,) = executions.latest_of("SM-1")
    assert (found.kind, found.status, len(found.sentences)) == ("data", "CompletedWithViolations", 1)
    assert list(executions.latest_of("SM-2")) == []


def test_the_status_is_a_table_with_sentences_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sagemaker = Schedules("CompletedWithViolations")
    sagemaker.looks = 2
    clients = {"sagemaker": sagemaker, "s3": reports()}
    result = CliRunner().invoke(command, ["status"], obj=lambda service, region: clients[service])
    assert result.exit_code == 0
    assert "SM-1 data: Day Mins fell" in result.stdout
    assert "endpoint.data_capture_percent is 0" in result.stderr


def test_settings_that_compare_nothing_are_said_to() -> None:
    def told(**values: Any) -> str:
        return Settings.model_validate(values).monitoring_rests

    assert told().startswith("monitoring of data rests")
    assert told(endpoint={"data_capture_percent": 1}) == ""
    assert told(monitoring={"data_quality": False}) == ""
    assert told(monitoring={"enabled": False}) == "monitoring rests: monitoring.enabled is false"


def test_truth_becomes_the_lines_that_sagemaker_merges(tmp_path: Path) -> None:
    file = tmp_path / "truth.csv"
    file.write_text("inference_id,Churn?,note\na-1,True.,x\na-2,False.,y\n")
    body = truth.lines(truth.read(file, "Churn?", "True."))
    first, second = map(json.loads, body.splitlines())
    assert first == {
        "groundTruthData": {"data": "1", "encoding": "CSV"},
        "eventMetadata": {"eventId": "a-1"},
        "eventVersion": "0",
    }
    assert second["groundTruthData"]["data"] == "0"
    uri = truth.uri("artifacts", ENDPOINT, body, NOW)
    assert uri.startswith(f"s3://artifacts/ground-truth/{ENDPOINT}/2026/01/02/03/")
    assert truth.uri("artifacts", ENDPOINT, body, NOW) == uri, "the same content has one place"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("id,label\n1,1\n", "needs the columns inference_id and 'Churn"),
        ("inference_id,label\n,1\n", "line 2: an inference_id or a label is missing"),
    ],
)
def test_truth_that_cannot_be_used_is_refused_by_its_line(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "truth.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=problem.replace("?", r"\?")):
        list(truth.read(file, "Churn?", "True."))


def test_truth_that_says_yes_in_another_word_is_no_no(tmp_path: Path) -> None:
    """`True` beside `True.` and `False.` would count as a no, and a good model as a bad one."""
    file = tmp_path / "truth.csv"
    file.write_text("inference_id,label\na,True.\nb,False.\nc,1\nd,0\n")
    assert [value for _, value in truth.read(file, "Churn?", "True.")] == ["1", "0", "1", "0"]
    file.write_text("inference_id,label\na,False.\nb,True\n")
    with pytest.raises(DataError, match=r"line 3: 'True' is a third value of label: give 'True\.' and one other"):
        list(truth.read(file, "Churn?", "True."))
