"""The types of monitoring that run here, and how AWS names the fields and jobs of each."""

from __future__ import annotations

from dataclasses import dataclass

from contender.local.api.errors import ValidationException


@dataclass(frozen=True, slots=True)
class MonitoringKind:
    """`type` begins the fields of a job definition, `jobs` the names of its processing jobs; `kind` is the store's."""

    type: str
    kind: str
    jobs: str


DATA_QUALITY = MonitoringKind("DataQuality", "data-quality-job-definition", "model-monitoring")
MODEL_QUALITY = MonitoringKind("ModelQuality", "model-quality-job-definition", "model-quality-monitoring")
MERGE_JOBS = "groundtruth-merge"
SCHEDULES = "monitoring-schedule"
"""The kind of a schedule, in the store and in its ARN."""

KINDS = {each.type: each for each in (DATA_QUALITY, MODEL_QUALITY)}


def kind_of(monitoring_type: str) -> MonitoringKind:
    """Raises ValidationException for a type that does not run on this machine."""
    try:
        return KINDS[monitoring_type]
    except KeyError:
        raise ValidationException(
            f"MonitoringType {monitoring_type} does not run on this machine; {' and '.join(KINDS)} do"
        ) from None
