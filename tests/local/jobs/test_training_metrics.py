"""Training metrics where AWS's tools look for them: in the description and in CloudWatch."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contender.local.jobs.metrics import Reading
from contender.local.jobs.training_metrics import MAX_VALUES, metric_data
from tests.local.jobs.conftest import SKLEARN, Machine, channel

ROWS = "".join(f"{number % 2},{number % 2}.5,{number}\n" for number in range(40))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def datapoints(machine: Machine, job: str, metric: str, described: dict[str, Any]) -> list[dict[str, Any]]:
    """What CloudWatch has, once it arrived."""
    client = machine.context.aws.client("cloudwatch")
    deadline = time.monotonic() + 10
    while True:
        found: list[dict[str, Any]] = client.get_metric_statistics(
            Namespace="/aws/sagemaker/TrainingJobs",
            MetricName=metric,
            Dimensions=[{"Name": "TrainingJobName", "Value": job}],
            StartTime=described["TrainingStartTime"] - timedelta(minutes=1),
            EndTime=described["TrainingEndTime"] + timedelta(minutes=1),
            Period=60,
            Statistics=["Average", "SampleCount"],
        )["Datapoints"]
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def test_the_builtin_algorithms_metrics_are_described_and_in_cloudwatch(machine: Machine) -> None:
    rows = machine.put("measured/train.csv", ROWS)
    hyperparameters = {"num_round": "3", "objective": "binary:logistic", "eval_metric": "auc"}
    described = machine.train("measured", HyperParameters=hyperparameters, InputDataConfig=[channel("train", rows)])
    definitions = {each["Name"]: each["Regex"] for each in described["AlgorithmSpecification"]["MetricDefinitions"]}
    assert {"train:auc", "validation:auc", "validation:rmse"} <= definitions.keys()
    found = datapoints(machine, "measured", "train:auc", described)
    assert sum(each["SampleCount"] for each in found) == 3
    assert found[0]["Average"] == pytest.approx(1.0)


def test_other_jobs_describe_the_metrics_they_defined(machine: Machine) -> None:
    mine = [{"Name": "loss", "Regex": "loss=(.*)"}]
    specification = {"TrainingImage": SKLEARN, "TrainingInputMode": "File"}
    described = machine.train("defines", AlgorithmSpecification={**specification, "MetricDefinitions": mine})
    assert described["AlgorithmSpecification"]["MetricDefinitions"] == mine
    described = machine.train("defines-none", AlgorithmSpecification=specification)
    assert "MetricDefinitions" not in described["AlgorithmSpecification"]


def test_values_are_grouped_by_metric_and_split_where_cloudwatch_asks_for_it() -> None:
    readings = [Reading("a", number / 2, number) for number in range(MAX_VALUES + 1)] + [Reading("b", 1.0, 0)]
    data = list(metric_data("job", readings, NOW))
    assert [(each["MetricName"], len(each["Values"])) for each in data] == [("a", MAX_VALUES), ("a", 1), ("b", 1)]
    assert {each["Timestamp"] for each in data} == {NOW}
    assert data[0]["Dimensions"] == [{"Name": "TrainingJobName", "Value": "job"}]
