"""People hear of each execution once, in words; killed anywhere, the function loses no message and no training."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contender.lambdas.drift import Clients, Reporter
from contender.lambdas.starter import Upload
from contender.lambdas.watch_settings import DriftSettings
from contender.naming import Names
from contender.watching.alarms import wanted
from contender.watching.told import CLAIM_LAPSES_AFTER, Busy, Told
from tests.lambdas.fakes import FakeSqs, Killed, Process
from tests.measurements.dynamodb import FakeDynamoDB
from tests.watching.fakes import NOW, FakeCloudWatch, FakeS3, FakeSageMaker, FakeSns
from tests.watching.world import WISHES, serving

NAMES = Names("contender")
QUEUE = "https://queue/uploads"
SETTINGS = DriftSettings(NAMES, "arn:aws:sns:eu-west-1:123456789012:alerts", "drift", "newest", "data", "data/", QUEUE)
JOB = "model-monitoring-202601020300-0123456789abcdef01234567"
REPORT = "artifacts/monitoring/contender-SM-1/contender-SM-1-data/2026/01/02/03"
EVENT = {"detail-type": "SageMaker Processing Job State Change", "detail": {"ProcessingJobName": JOB}}
DRIFTED = {
    "feature_name": "Day Mins",
    "constraint_check_type": "baseline_drift_check",
    "description": "Baseline drift distance: 0.32 exceeds threshold: 0.1",
}


def statistics(mean: float) -> bytes:
    return json.dumps({"features": [{"name": "Day Mins", "numerical_statistics": {"mean": mean}}]}).encode()


class Table(FakeDynamoDB):
    """The table, in a process that may be killed."""

    def __init__(self) -> None:
        super().__init__(drift=("pk",))
        self.process = Process()
        self.before = self._begin
        self.after = lambda name: self.process.reaches(before=False)

    def _begin(self, name: str) -> None:
        self.process.calls.append(name)
        self.process.reaches(before=True)


class Desk:
    """A reporter whose clients are of one process."""

    def __init__(self, *violations: dict[str, str], status: str = "Completed", retrain: str = "newest") -> None:
        self.process = Process()
        self.sagemaker, self.sns, self.sqs = FakeSageMaker(), FakeSns(), FakeSqs()
        self.cloudwatch, self.table = FakeCloudWatch(), Table()
        self.s3 = FakeS3(
            {
                f"{REPORT}/constraint_violations.json": json.dumps({"violations": violations}).encode(),
                f"{REPORT}/statistics.json": statistics(231.2),
                "artifacts/base/statistics.json": statistics(179.8),
                "data/data/SM-1/old.csv": b"1",
                "data/data/SM-1/new.csv": b"12",
                "data/data/SM-10/other.csv": b"123",
            }
        )
        self.sagemaker.jobs[JOB] = job(status)
        clients = Clients(self.sagemaker, self.s3, self.sns, self.sqs, self.cloudwatch, self.table)
        for each in (self.sagemaker, self.s3, self.sns, self.sqs, self.cloudwatch, self.table):
            each.process = self.process
        self.reporter = Reporter(replace(SETTINGS, retrain=retrain), clients)
        self.now = NOW

    def handle(self) -> dict[str, Any]:
        return self.reporter.handle(EVENT, self.now)

    @property
    def messages(self) -> list[str]:
        return [request["Message"] for request in self.sns.made("Publish")]

    @property
    def trainings(self) -> list[str]:
        return [request["MessageBody"] for request in self.sqs.sent_to(QUEUE)]


def job(status: str = "Completed", **more: Any) -> dict[str, Any]:
    return {
        "ProcessingJobName": JOB,
        "ProcessingJobArn": f"arn:aws:sagemaker:eu-west-1:123456789012:processing-job/{JOB}",
        "ProcessingJobStatus": status,
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20}
        },
        "AppSpecification": {"ImageUri": "analyser"},
        # SageMaker's ARNs of schedules are in lower case.
        "MonitoringScheduleArn": "arn:aws:sagemaker:eu-west-1:123456789012:monitoring-schedule/contender-sm-1-data",
        "Environment": {
            "sagemaker_monitoring_schedule_name": "contender-SM-1-data",
            "sagemaker_endpoint_name": "contender-SM-1",
            "start_time": "2026-01-02T02:00:00Z",
            "end_time": "2026-01-02T03:00:00Z",
        },
        "ProcessingInputs": [
            {
                "InputName": "baseline",
                "S3Input": {"S3Uri": "s3://artifacts/base/statistics.json", "S3DataType": "S3Prefix"},
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "result",
                    "S3Output": {"S3Uri": f"s3://{REPORT}", "LocalPath": "/x", "S3UploadMode": "EndOfJob"},
                }
            ]
        },
        "CreationTime": NOW,
        "LastModifiedTime": NOW,
        "ProcessingEndTime": NOW,
        **more,
    }


def test_a_message_says_what_moved_which_way_and_what_follows() -> None:
    desk = Desk(DRIFTED)
    assert desk.handle()["outcome"] == "told"
    (request,) = desk.sns.made("Publish")
    assert request["Subject"] == "contender SM-1: 1 violation in its requests"
    assert "Day Mins rose, its mean from 179.8 to 231.2. Baseline drift distance: 0.32" in request["Message"]
    assert "A training with s3://data/data/SM-1/new.csv starts" in request["Message"]
    assert request["Message"].endswith("docs/operations.md#drift")
    assert desk.cloudwatch.measured("DriftViolations") == [1]


def test_the_alarm_of_drift_looks_at_the_metric_that_is_sent() -> None:
    desk = Desk(DRIFTED)
    desk.handle()
    (sent,) = desk.cloudwatch.made("PutMetricData")
    (datum,) = sent["MetricData"]
    (alarm,) = (each for each in wanted(WISHES, "SM-1", serving(), drifts=True) if each.name.endswith("-drift"))
    (query,) = alarm.request["Metrics"][1:]
    metric = {"Namespace": sent["Namespace"], "MetricName": datum["MetricName"], "Dimensions": datum["Dimensions"]}
    assert query["MetricStat"]["Metric"] == metric
    assert (alarm.request["Threshold"], alarm.request["TreatMissingData"]) == (0.0, "ignore")


def test_the_same_event_twice_is_one_message_and_one_training() -> None:
    desk = Desk(DRIFTED)
    desk.handle()
    assert desk.handle()["outcome"] == "told before"
    assert (len(desk.messages), len(desk.trainings)) == (1, 1)


def test_a_message_holds_twenty_sentences_and_says_how_many_more_there_are() -> None:
    columns = [{**DRIFTED, "feature_name": f"column {number}"} for number in range(22)]
    desk = Desk(*columns)
    desk.handle()
    (message,) = desk.messages
    assert "column 19: " in message
    assert "column 20" not in message
    assert "- and 2 more, in the report" in message
    assert desk.cloudwatch.measured("DriftViolations") == [22]


def test_what_is_as_before_is_measured_and_nobody_is_told() -> None:
    desk = Desk()
    assert desk.handle()["outcome"] == "as before"
    assert desk.cloudwatch.measured("DriftViolations") == [0]
    assert (desk.messages, desk.trainings) == ([], [])


def test_a_job_that_failed_is_told_and_measures_nothing() -> None:
    desk = Desk(status="Failed")
    desk.sagemaker.jobs[JOB]["FailureReason"] = "AlgorithmError: out of memory"
    assert desk.handle()["outcome"] == "failed"
    assert "AlgorithmError: out of memory" in desk.messages[0]
    assert desk.cloudwatch.measured("DriftViolations") == []


def test_jobs_of_others_and_merges_that_only_prepare_are_nothing_to_tell() -> None:
    desk = Desk(DRIFTED)
    merge = "groundtruth-merge-202601020300-0123456789abcdef01234567"
    desk.sagemaker.jobs = {
        JOB: {key: value for key, value in job().items() if key != "MonitoringScheduleArn"},
        merge: {**job(), "ProcessingJobName": merge},
    }
    assert desk.handle()["outcome"] == "nothing to tell"
    answer = desk.reporter.handle({"detail": {"ProcessingJobName": merge}}, NOW)
    assert answer["outcome"] == "nothing to tell"
    assert desk.messages == []


def test_drift_trains_with_one_version_of_the_data_once_whatever_finds_it() -> None:
    desk = Desk(DRIFTED)
    desk.handle()
    desk.sagemaker.jobs[JOB]["ProcessingJobArn"] += "1"  # the next hour's
    desk.handle()
    assert len(desk.trainings) == 1
    assert "had one started with s3://data/data/SM-1/new.csv before" in desk.messages[1]
    desk.s3.objects["data/data/SM-1/newer.csv"] = b"1234"
    desk.sagemaker.jobs[JOB]["ProcessingJobArn"] += "2"
    desk.handle()
    assert len(desk.trainings) == 2


def test_the_training_is_the_starters_to_start_and_knows_why() -> None:
    desk = Desk(DRIFTED)
    desk.handle()
    upload = Upload.from_event(desk.trainings[0], NAMES, "data/")
    assert (upload.dimension, upload.uri, upload.version) == ("SM-1", "s3://data/data/SM-1/new.csv", "version-2")
    assert upload.drifted
    again = Upload.from_event(desk.trainings[0], NAMES, "data/")
    assert again.token == upload.token


def test_a_champion_that_knows_the_newest_data_is_said_to() -> None:
    desk = Desk(DRIFTED)
    arn = desk.sagemaker.register("contender-SM-1", cycle={"Stage": "Champion", "StageStatus": "InService"})
    desk.sagemaker.packages[arn]["CustomerMetadataProperties"] = {
        "dataUri": "s3://data/data/SM-1/new.csv",
        "dataVersion": "version-2",
    }
    desk.handle()
    assert "The champion, v1, was trained on it already: upload newer rows." in desk.messages[0]


def test_nothing_is_trained_unless_the_settings_say_so() -> None:
    desk = Desk(DRIFTED, retrain="off")
    desk.handle()
    assert desk.trainings == []
    assert "raining" not in desk.messages[0]


def test_somebody_elses_claim_is_waited_for_and_lapses() -> None:
    desk = Desk(DRIFTED)
    Told(desk.table, SETTINGS.table).claim(desk.sagemaker.jobs[JOB]["ProcessingJobArn"], NOW)
    with pytest.raises(Busy):
        desk.handle()
    desk.now = NOW + CLAIM_LAPSES_AFTER + timedelta(seconds=1)
    assert desk.handle()["outcome"] == "told"


def test_what_could_not_be_told_is_told_at_the_next_try() -> None:
    desk = Desk(DRIFTED)
    report = desk.s3.objects.pop(f"{REPORT}/statistics.json")
    desk.s3.objects[f"{REPORT}/statistics.json"] = b"half a file"
    with pytest.raises(ValueError, match="Expecting value"):
        desk.handle()
    desk.s3.objects[f"{REPORT}/statistics.json"] = report
    assert desk.handle()["outcome"] == "told"


def calls() -> int:
    desk = Desk(DRIFTED)
    desk.handle()
    return len(desk.process.calls)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("at", range(1, calls() + 1))
def test_a_kill_anywhere_loses_nothing(at: int, before: bool) -> None:
    """Delivered again after the claim has lapsed, as Lambda does. Only a kill between message and note sends twice."""
    desk = Desk(DRIFTED)
    desk.process.kill_at = (at, before)
    with contextlib.suppress(Killed):
        desk.handle()
    desk.now = NOW + CLAIM_LAPSES_AFTER + timedelta(seconds=1)
    desk.handle()
    tokens = {Upload.from_event(body, NAMES, "data/").token for body in desk.trainings}
    assert len(tokens) == 1, "sent twice it is one upload for the starter"
    assert len(desk.messages) in (1, 2)
    assert desk.handle()["outcome"] == "told before"
    published = [name for name in desk.process.calls[: at + 1] if name == "Publish"]
    assert len(desk.messages) == 1 or published, "twice only where the first may have been sent"
