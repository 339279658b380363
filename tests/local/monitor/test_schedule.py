"""What a schedule adds to an analysis: a window, columns left out, and metrics for CloudWatch."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.local.monitor.image import CAPTURE, Image, Outcome
from tests.local.monitor.test_merger import captured

ROWS = 300
SCHEDULE = {
    "sagemaker_endpoint_name": "shop",
    "sagemaker_monitoring_schedule_name": "hourly",
    "publish_cloudwatch_metrics": "Enabled",
    "metric_time": "2026-01-01T10:00:00Z",
}


def metrics(outcome: Outcome) -> dict[str, dict[str, Any]]:
    path = outcome.folder.parent / "metrics" / "cloudwatch" / "cloudwatch_metrics.jsonl"
    lines = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
    return {each["MetricName"]: each for each in lines}


def table(shift: float = 0.0) -> pd.DataFrame:
    random = np.random.default_rng(3)
    colours = np.where(random.random(ROWS) < 0.5 + shift, "red", "blue")
    return pd.DataFrame({"age": random.random(ROWS) + shift, "colour": colours})


def test_only_records_of_the_window_count(image: Image) -> None:
    lines = [captured(time, "1", time=f"2026-01-01T{time}Z") for time in ("10:00:00", "10:30:00", "10:59:59")]
    window = {"start_time": "2026-01-01T10:10:00Z", "end_time": "2026-01-01T11:00:00Z"}
    assert image.run("\n".join(lines), CAPTURE, **window).file("statistics.json")["dataset"]["item_count"] == 2
    late = image.run("\n".join(lines), CAPTURE, **{**window, "start_time": "2026-01-01T10:59:59.500Z"})
    assert late.file("statistics.json")["dataset"]["item_count"] == 1
    none = image.run("\n".join(lines[:1]), CAPTURE, **window)
    assert none.code != 0
    assert "nothing that was captured from 2026-01-01 10:10:00+00:00 to" in none.message
    wrong = image.run("\n".join(lines), CAPTURE, start_time="yesterday", end_time="now")
    assert "start_time 'yesterday' is no time" in wrong.message


def test_excluded_columns_are_not_looked_at(image: Image) -> None:
    baseline = image.run(table())
    outcome = image.run(table(0.4), against=baseline, exclude_features_attribute="age")
    assert list(outcome.features) == ["colour"]
    assert {name for name, _ in outcome.checks} == {"colour"}
    assert list(image.run(table(), against=baseline, exclude_features_attribute="0").features) == ["colour"]
    bare = image.run("\n".join([captured("1", "5"), captured("2", "6")]), CAPTURE, exclude_features_attribute="0, 2")
    assert list(bare.features) == ["_c1"]


def test_metrics_tell_of_each_column_and_how_far_it_moved(image: Image) -> None:
    baseline = image.run(table())
    shifted = table(0.3)
    found = metrics(image.run(shifted, against=baseline, **SCHEDULE))
    assert set(found) == {
        "feature_data_age",
        "feature_non_null_age",
        "feature_non_null_colour",
        "feature_baseline_drift_age",
        "feature_baseline_drift_colour",
    }
    age = found["feature_data_age"]
    assert age["Dimensions"] == [
        {"Name": "Endpoint", "Value": "shop"},
        {"Name": "MonitoringSchedule", "Value": "hourly"},
    ]
    assert age["Timestamp"] == "2026-01-01T10:00:00Z"
    assert age["StatisticValues"]["Sum"] == pytest.approx(shifted["age"].sum())
    assert age["StatisticValues"]["SampleCount"] == ROWS
    assert 0.2 < found["feature_baseline_drift_age"]["Value"] < 0.4
    unmoved = metrics(image.run(table(), against=baseline, **SCHEDULE))
    assert unmoved["feature_baseline_drift_age"]["Value"] < 0.05


def test_no_metrics_without_a_schedule_or_where_they_are_switched_off(image: Image) -> None:
    assert metrics(image.run(table(), publish_cloudwatch_metrics="Enabled")) == {}
    assert metrics(image.run(table(), **{**SCHEDULE, "publish_cloudwatch_metrics": "Disabled"})) == {}
    baseline = image.run(table())
    constraints = baseline.folder / "constraints.json"
    document = json.loads(constraints.read_text())
    document["monitoring_config"]["emit_metrics"] = "Disabled"
    constraints.write_text(json.dumps(document))
    assert metrics(image.run(table(), against=baseline, **SCHEDULE)) == {}


def test_metrics_of_a_models_quality(image: Image) -> None:
    rows = pd.DataFrame({"score": [0.9, 0.2, 0.7, 0.4], "label": [1, 0, 1, 0]})
    quality = {
        "analysis_type": "MODEL_QUALITY",
        "problem_type": "BinaryClassification",
        "probability_attribute": "score",
        "ground_truth_attribute": "label",
    }
    found = metrics(image.run(rows, **quality, **SCHEDULE))
    assert found["auc"]["Value"] == 1.0
    assert found["recall"]["Dimensions"][1]["Value"] == "hourly"
