"""Violations in words."""

from __future__ import annotations

import pytest

from contender.executions import violations
from tests.pipelines.fakes import FakeS3


@pytest.mark.parametrize(
    ("violation", "said"),
    [
        ({"feature_name": "Age", "description": "Age is gone"}, "Age is gone"),
        ({"metric_name": "auc", "description": "0.5 is below 0.7"}, "auc: 0.5 is below 0.7"),
        ({"facet": "Plan", "facet_value": "yes", "metric_name": "DI", "description": "0.2"}, "DI of Plan = yes: 0.2"),
        (
            {
                "facet": "Plan",
                "facet_value": "yes",
                "metric_name": "RD",
                "description": "Value 0.2 does not meet the constraint requirement: Recall Difference (RD) rose to 0.2",
            },
            "Recall Difference (RD) rose to 0.2",
        ),
        ({"label": "1", "metric_name": "shap", "description": "0.2"}, "shap of label 1: 0.2"),
        ({}, "no description"),
    ],
)
def test_a_violation_in_words(violation: dict[str, str], said: str) -> None:
    assert violations.sentence(violation) == said


def test_a_report_that_cannot_be_read_says_so(s3: FakeS3) -> None:
    s3.put_object(Bucket="b", Key="k", Body=b"[]")
    assert violations.read(s3, "s3://b/k") == ("s3://b/k is no report of violations",)
    assert violations.read(s3, "s3://b/none") == ("s3://b/none cannot be read: NoSuchKey",)
