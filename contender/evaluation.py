"""What was measured of a version before it was registered: the pipeline's evaluation report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError


def read(s3: Any, package: Mapping[str, Any]) -> Mapping[str, Any]:
    """The report of a described model package; empty when it was registered without one, or the report is gone."""
    uri = package.get("ModelMetrics", {}).get("ModelQuality", {}).get("Statistics", {}).get("S3Uri", "")
    place = urlsplit(uri)
    if place.scheme != "s3":
        return {}
    try:
        report = json.load(s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "NoSuchBucket"):
            raise
        return {}
    except ValueError:
        return {}
    return report if isinstance(report, dict) else {}


def metrics(report: Mapping[str, Any]) -> dict[str, float]:
    """The challenger's metrics by name: auc, accuracy, log_loss."""
    return {name: measured["value"] for name, measured in report.get("binary_classification_metrics", {}).items()}


def rules(report: Mapping[str, Any]) -> dict[str, str]:
    """The gate's rules by name: the verdict and the sentence that explains it."""
    judged = report.get("gate", {}).get("rules", {})
    return {name: f"{rule['verdict']}: {rule['sentence']}" for name, rule in judged.items()}
