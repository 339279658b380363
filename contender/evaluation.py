"""What was measured of a version before it was registered: the pipeline's evaluation report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from contender.evaluation_shape import ours


def read(s3: Any, package: Mapping[str, Any]) -> Mapping[str, Any]:
    """The report of a described model package; empty when it was registered without one, or the report is gone."""
    return read_at(s3, package.get("ModelMetrics", {}).get("ModelQuality", {}).get("Statistics", {}).get("S3Uri", ""))


def read_at(s3: Any, uri: str) -> Mapping[str, Any]:
    """The report at an address; empty where there is none."""
    place = urlsplit(uri)
    if place.scheme != "s3":
        return {}
    try:
        report = json.load(s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "NoSuchBucket"):
            raise
        return {}
    except (ValueError, RecursionError):
        return {}
    return ours(report)


def metrics(report: Mapping[str, Any]) -> dict[str, float]:
    """The challenger's metrics by name: auc, accuracy, log_loss."""
    return _values(_measured(report))


def rules(report: Mapping[str, Any]) -> dict[str, str]:
    """The gate's rules by name: the verdict and the sentence that explains it."""
    judged = report.get("gate", {}).get("rules", {})
    return {name: f"{rule['verdict']}: {rule['sentence']}" for name, rule in judged.items()}


def verdicts(report: Mapping[str, Any]) -> dict[str, str]:
    """The gate's rules by name: passed, failed, not shown or not compared."""
    return {name: rule["verdict"] for name, rule in report.get("gate", {}).get("rules", {}).items()}


def challenger(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was measured of the challenger: metrics, confusion matrix, ROC curve."""
    return _measured(report)


def champion(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was measured of the champion on the same rows; empty where there was none, or it could not answer."""
    found: Mapping[str, Any] = report.get("champion") or {}
    return found if "auc" in found else {}


def confusion(measured: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Rows by actual label, and within it by the label that the model answered; empty in a report without."""
    found = measured.get("confusion_matrix", {})
    return {str(actual): {str(label): int(count) for label, count in row.items()} for actual, row in found.items()}


def curve(measured: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    """Points of the ROC curve, (false, true) positive rate; none in a report without."""
    found = measured.get("receiver_operating_characteristic_curve", {})
    rates = found.get("false_positive_rates", ()), found.get("true_positive_rates", ())
    return tuple((float(false), float(true)) for false, true in zip(*rates, strict=False))


def figures(report: Mapping[str, Any]) -> dict[str, float]:
    """Every figure of a report, by whose it is: evaluation.auc, champion.auc, difference.lower, gate.latency_ms.

    The champion's are of the same held-out rows.
    """
    judged, champion = report.get("gate", {}).get("rules", {}), report.get("champion") or {}
    parts: dict[str, Mapping[str, Any]] = {
        "evaluation": {**metrics(report), "rows": report.get("dataset", {}).get("item_count")},
        "champion": {"version": _number(champion.get("version")), **_values(champion)},
        "difference": report.get("difference") or {},
        # The others' are the evaluation's own.
        "gate": {name: rule.get("figure") for name, rule in judged.items() if name != "auc"},
    }
    return {
        f"{part}.{name}": float(value)
        for part, found in parts.items()
        for name, value in found.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _measured(report: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = report.get("binary_classification_metrics", {})
    return found


def _values(measured: Mapping[str, Any]) -> dict[str, float]:
    """Of what has a value: not of curves, matrices and texts beside it."""
    return {name: found["value"] for name, found in measured.items() if isinstance(found, Mapping) and "value" in found}


def _number(value: Any) -> Any:
    """A champion's version is kept as text."""
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 10 else value
