"""Metrics that a monitoring job's container left in a file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contender.local.jobs.emitted_metrics import FOLDER, namespace, publish

BODY = {"ProcessingJobName": "j", "Environment": {"sagemaker_endpoint_name": "shop"}}
METRIC = {"MetricName": "m", "Timestamp": "2026-01-01T10:00:00Z", "Dimensions": [], "Value": 0.5}


class CloudWatch:
    def __init__(self, refuses: bool = False) -> None:
        self.put: list[tuple[str, list[dict[str, Any]]]] = []
        self._refuses = refuses

    def put_metric_data(self, Namespace: str, MetricData: list[dict[str, Any]]) -> None:
        if self._refuses:
            raise ClientError({"Error": {"Code": "Throttling", "Message": "later"}}, "PutMetricData")
        self.put.append((Namespace, MetricData))


def left(ml: Path, text: str) -> Path:
    (ml / FOLDER).mkdir(parents=True)
    (ml / FOLDER / "cloudwatch_metrics.jsonl").write_text(text)
    return ml


def test_a_line_or_an_indented_object_is_a_metric(tmp_path: Path) -> None:
    cloudwatch = CloudWatch()
    text = json.dumps(METRIC) + "\n" + json.dumps({**METRIC, "MetricName": "n", "Comment": "?"}, indent=4) + "\n"
    publish(lambda: cloudwatch, left(tmp_path, text), BODY)
    ((where, data),) = cloudwatch.put
    assert where == "aws/sagemaker/Endpoints/data-metrics"
    assert [each["MetricName"] for each in data] == ["m", "n"]
    assert data[1] == {**METRIC, "MetricName": "n", "Timestamp": datetime(2026, 1, 1, 10, tzinfo=UTC)}


def test_what_is_no_metric_is_logged_and_the_rest_is_sent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cloudwatch = CloudWatch()
    publish(lambda: cloudwatch, left(tmp_path, json.dumps(METRIC) + "\n{broken"), BODY)
    assert len(cloudwatch.put[0][1]) == 1
    assert "holds no more metrics" in caplog.text


def test_many_metrics_go_in_parts_and_none_at_all_are_fine(tmp_path: Path) -> None:
    cloudwatch = CloudWatch()
    publish(lambda: cloudwatch, tmp_path, BODY)
    assert cloudwatch.put == []
    publish(lambda: cloudwatch, left(tmp_path, (json.dumps(METRIC) + "\n") * 700), BODY)
    assert [len(data) for _, data in cloudwatch.put] == [500, 200]


def test_metrics_that_cloudwatch_refuses_fail_no_job(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    publish(lambda: CloudWatch(refuses=True), left(tmp_path, json.dumps(METRIC)), BODY)
    assert "metrics of j are lost" in caplog.text


def test_the_namespace_says_what_was_measured_of_what() -> None:
    quality = {"analysis_type": "MODEL_QUALITY"}
    assert namespace({"Environment": {"sagemaker_endpoint_name": "e", **quality}}) == (
        "aws/sagemaker/Endpoints/model-metrics"
    )
    assert namespace({"Environment": {}}) == "aws/sagemaker/ModelMonitoring/data-metrics"
