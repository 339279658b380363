"""What the environment of the container asks for, under the names that AWS documents for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from contender.local.containers.monitor.capture import GROUND_TRUTH
from contender.local.containers.monitor.errors import MonitorError

Kind = Literal["csv", "json", "capture", "merged"]
ProblemType = Literal["BinaryClassification", "MulticlassClassification", "Regression"]

PROBLEM_TYPES: tuple[ProblemType, ...] = ("BinaryClassification", "MulticlassClassification", "Regression")
DRIFT_METHODS = ("LInfinity", "ChiSquared")
FORMATS = (
    '{"csv": {"header": true}}, {"json": {"lines": true}}, {"sagemakerCaptureJson": {}} or {"sagemakerMergeJson": {}}'
)


@dataclass(frozen=True, slots=True)
class Format:
    """How the dataset's files are written; `header` counts for CSV, `lines` for JSON."""

    kind: Kind
    header: bool = True
    lines: bool = True

    @classmethod
    def from_text(cls, text: str) -> Format:
        """From the variable `dataset_format`, in the spelling of a baselining job or of a monitoring schedule."""
        try:
            (kind, options), *others = json.loads(text).items()
            options = {str(name).lower(): value for name, value in options.items()}
        except (ValueError, AttributeError):
            raise MonitorError(f"dataset_format {text!r} is not one of {FORMATS}") from None
        kind = str(kind).lower()
        if kind == "csv" and not others:
            return cls("csv", header=bool(options.get("header", True)))
        if kind == "json" and not others:
            return cls("json", lines=bool(options.get("lines", options.get("line", True))))
        if kind == "sagemakercapturejson" and not others:
            return cls("capture")
        if kind == "sagemakermergejson" and not others:
            return cls("merged")
        raise MonitorError(f"dataset_format {text!r} is unknown here; known are {FORMATS}")


@dataclass(frozen=True, slots=True)
class QualitySettings:
    """Which columns hold the truth and the predictions of a model whose quality is analysed."""

    problem_type: ProblemType
    ground_truth: str
    inference: str | None
    probability: str | None
    threshold: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """The schedule that this analysis runs for; its metrics belong to `metric_time`."""

    name: str
    endpoint: str | None
    metric_time: datetime


@dataclass(frozen=True, slots=True)
class Settings:
    """One analysis: its dataset, where the files go, the baseline to check against, the user's scripts.

    `window` is from when to when captured records count; `excluded` are columns that are not looked at, by name or by
    position.
    """

    dataset: Path
    format: Format
    output: Path
    baseline_statistics: Path | None
    baseline_constraints: Path | None
    quality: QualitySettings | None
    categorical_drift_method: str
    preprocessor: Path | None
    postprocessor: Path | None
    window: tuple[datetime, datetime] | None
    excluded: tuple[str, ...]
    schedule: Schedule | None
    publishes: bool
    metrics: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Raises MonitorError for a variable that is missing or cannot be used."""

        def place(name: str) -> Path | None:
            return Path(environment[name]) if environment.get(name) else None

        dataset = place("dataset_source")
        if dataset is None:
            raise MonitorError("the variable dataset_source is not set; it names the folder that holds the dataset")
        if not environment.get("dataset_format"):
            raise MonitorError(f"the variable dataset_format is not set; give one of {FORMATS}")
        method = environment.get("categorical_drift_method") or DRIFT_METHODS[0]
        if method not in DRIFT_METHODS:
            raise MonitorError(f"categorical_drift_method {method!r} is none of {', '.join(DRIFT_METHODS)}")
        excluded = environment.get("exclude_features_attribute", "")
        settings = cls(
            dataset=dataset,
            format=Format.from_text(environment["dataset_format"]),
            output=place("output_path") or Path("/opt/ml/processing/output"),
            baseline_statistics=place("baseline_statistics"),
            baseline_constraints=place("baseline_constraints"),
            quality=_quality(environment) if environment.get("analysis_type") == "MODEL_QUALITY" else None,
            window=window_of(environment),
            excluded=tuple(filter(None, map(str.strip, excluded.split(",")))),
            schedule=_schedule(environment),
            categorical_drift_method=method,
            preprocessor=place("record_preprocessor_script"),
            postprocessor=place("post_analytics_processor_script"),
            publishes=environment.get("publish_cloudwatch_metrics") == "Enabled",
            metrics=Path(environment.get("SM_OUTPUT_DIR", "/opt/ml/output")) / "metrics" / "cloudwatch",
        )
        if settings.baseline_statistics and not settings.baseline_constraints:
            raise MonitorError(
                "baseline_statistics is set and baseline_constraints is not; a check needs the constraints"
            )
        if settings.preprocessor and settings.format.kind not in ("capture", "merged"):
            raise MonitorError(
                "record_preprocessor_script is run on records that an endpoint captured "
                f"(dataset_format sagemakerCaptureJson), not on {settings.format.kind}; change the dataset beforehand"
            )
        return settings


def window_of(environment: Mapping[str, str]) -> tuple[datetime, datetime] | None:
    """From when to when captured records count; None: all do. Raises MonitorError for what is no time."""
    if not environment.get("start_time") or not environment.get("end_time"):
        return None
    return _time(environment, "start_time"), _time(environment, "end_time")


def _schedule(environment: Mapping[str, str]) -> Schedule | None:
    name = environment.get("sagemaker_monitoring_schedule_name")
    if not name:
        return None
    time = _time(environment, "metric_time" if environment.get("metric_time") else "start_time")
    return Schedule(name, environment.get("sagemaker_endpoint_name") or None, time)


def _time(environment: Mapping[str, str], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(environment.get(name, ""))
    except ValueError:
        raise MonitorError(f"{name} {environment.get(name)!r} is no time such as 2026-01-31T13:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _quality(environment: Mapping[str, str]) -> QualitySettings:
    problem: Any = environment.get("problem_type")
    if problem not in PROBLEM_TYPES:
        raise MonitorError(f"problem_type {problem!r} is none of {', '.join(PROBLEM_TYPES)}")
    truth = environment.get("ground_truth_attribute")
    if Format.from_text(environment["dataset_format"]).kind == "merged":
        truth = GROUND_TRUTH
    if not truth:
        raise MonitorError("ground_truth_attribute is not set; it names the column of the actual labels")
    inference, probability = environment.get("inference_attribute"), environment.get("probability_attribute")
    if not inference and not (problem == "BinaryClassification" and probability):
        raise MonitorError(f"inference_attribute is not set; it names the column of the predictions of {problem}")
    text = environment.get("probability_threshold_attribute") or "0.5"
    try:
        threshold = float(text)
    except ValueError:
        raise MonitorError(f"probability_threshold_attribute {text!r} is not a number") from None
    return QualitySettings(problem, truth, inference or None, probability or None, threshold)
