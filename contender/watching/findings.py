"""What a monitoring execution found, in sentences that a person acts on: which column moved, and which way.

Model Monitor's own words about drift are a distance; the statistics beside them say where the column went.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from contender import s3_object
from contender.executions import violations
from contender.naming import Names
from contender.watching.wishes import Kind

MOST_SENTENCES = 20
SCHEDULE = "sagemaker_monitoring_schedule_name"
"""A variable that SageMaker gives every monitoring job; unlike the schedule's ARN it keeps upper case."""
COMPLETED = "Completed"
DRIFT = "baseline_drift_check"
"""The kind of violation that says how far a column's distribution has gone, and not which way."""


@dataclass(frozen=True, slots=True)
class Examination:
    """One execution's job: of which endpoint and kind, what data it saw from when to when, how it ended and where its
    report is. `baseline` is the statistics that it compared with, "" where there are none."""

    job_arn: str
    endpoint: str
    dimension: str
    kind: Kind
    status: str
    reason: str
    report: str
    baseline: str
    begin: str
    end: str
    ended_at: datetime

    @property
    def completed(self) -> bool:
        return self.status == COMPLETED


def examination(job: Mapping[str, Any], names: Names) -> Examination | None:
    """The execution that a described processing job is of; None for one that is none of this project's last stage."""
    environment = job.get("Environment", {})
    arn = job.get("MonitoringScheduleArn", "")
    place = names.schedule_of(environment.get(SCHEDULE) or arn.rpartition("/")[2]) if arn else None
    dimension = names.dimension_of(place.endpoint) if place is not None else None
    if place is None or dimension is None:
        return None
    outputs = job.get("ProcessingOutputConfig", {}).get("Outputs", [])
    report = next((each["S3Output"]["S3Uri"] for each in outputs if "S3Output" in each), "")
    inputs = {each["InputName"]: each.get("S3Input", {}).get("S3Uri", "") for each in job.get("ProcessingInputs", [])}
    return Examination(
        job_arn=job["ProcessingJobArn"],
        endpoint=place.endpoint,
        dimension=dimension,
        kind=place.kind,
        status=job["ProcessingJobStatus"],
        reason=job.get("FailureReason") or job.get("ExitMessage", ""),
        report=report.rstrip("/"),
        baseline=inputs.get("baseline", ""),
        begin=environment.get("start_time", ""),
        end=environment.get("end_time", ""),
        ended_at=job.get("ProcessingEndTime") or job["LastModifiedTime"],
    )


def sentences(s3: Any, seen: Examination) -> tuple[str, ...]:
    """A sentence for each violation; none where the data are as they were."""
    found = (_read(s3, f"{seen.report}/constraint_violations.json") or {}).get("violations", [])
    if not found:
        return ()
    before: Mapping[str, float] = {}
    now: Mapping[str, float] = {}
    if any(violation.get("constraint_check_type") == DRIFT for violation in found):
        before, now = _means(_read(s3, seen.baseline)), _means(_read(s3, f"{seen.report}/statistics.json"))
    return tuple(_sentence(violation, before, now) for violation in found)


def _sentence(violation: Mapping[str, Any], before: Mapping[str, float], now: Mapping[str, float]) -> str:
    said = violations.sentence(violation)
    name = str(violation.get("feature_name", ""))
    if violation.get("constraint_check_type") != DRIFT or not (name in before and name in now):
        return said
    if (was := before[name]) == (is_ := now[name]):
        return said
    way = "rose" if is_ > was else "fell"
    words = said.removeprefix(f"{name}: ")
    return f"{name} {way}, its mean from {was:.4g} to {is_:.4g}. {words}"


def listed(found: Sequence[str]) -> str:
    """The sentences one below the other, as many as a message should have."""
    more = len(found) - MOST_SENTENCES
    lines = [f"- {each}" for each in found[:MOST_SENTENCES]]
    return "\n".join(lines + ([f"- and {more} more, in the report"] if more > 0 else []))


def _means(statistics: Mapping[str, Any] | None) -> dict[str, float]:
    means = {}
    for feature in (statistics or {}).get("features", []):
        mean = feature.get("numerical_statistics", {}).get("mean")
        if isinstance(mean, int | float):
            means[str(feature["name"])] = float(mean)
    return means


def _read(s3: Any, uri: str) -> Mapping[str, Any] | None:
    """A JSON document, or None where there is none: a job that finds nothing may write nothing."""
    if not uri:
        return None
    bucket, key = s3_object.place(uri)
    try:
        document: Mapping[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return None
    return document
