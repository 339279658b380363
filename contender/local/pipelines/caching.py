"""Step caching: reuse what an earlier run of the same step put out, while its inputs are the same.

The attributes that count are those AWS documents for each step type; where a job writes, on which instances it runs
and for how long it may are not among them.
https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

# What QualityCheckConfig or ClarifyCheckConfig, and CheckJobConfig, become in a definition.
CHECK = (
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "ProcessingInputs",
    "ProcessingResources",
    "RoleArn",
    "StoppingCondition",
    "Tags",
)
ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
    "Tuning": ("HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions"),
    "Transform": ("DataProcessing", "Environment", "ModelName", "TransformInput"),
    "QualityCheck": CHECK,
    "ClarifyCheck": CHECK,
}
# Fields beside the arguments that do not count.
NO_ATTRIBUTES = frozenset({"CacheConfig", "RetryPolicies", "FailOnViolation"})
TRAINING_JOB_DEFINITION = (
    "AlgorithmSpecification",
    "HyperParameterRanges",
    "InputDataConfig",
    "StaticHyperParameters",
    "TuningObjective",
)

_DURATION = re.compile(
    r"P?(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How old an earlier run may be; None is any age."""

    expire_after: timedelta | None


def parse(body: Any) -> tuple[CachePolicy | None, list[str]]:
    """A step's CacheConfig: its policy (None when it is off), and what is wrong with it."""
    if not isinstance(body, dict) or not isinstance(body.get("Enabled"), bool):
        return None, ["Enabled: true or false is needed"]
    problems = [f"{name}: there is no such field" for name in body.keys() - {"Enabled", "ExpireAfter"}]
    expire_after = None
    if "ExpireAfter" in body:
        expire_after = parse_duration(body["ExpireAfter"])
        if expire_after is None:
            problems.append(f"ExpireAfter: {body['ExpireAfter']!r} is not an ISO 8601 duration such as P30D or PT1H")
    return (CachePolicy(expire_after) if body["Enabled"] and not problems else None), problems


def parse_duration(text: Any) -> timedelta | None:
    """`P30D`, `PT1H`, and AWS's looser `30d`, `T12H`; None for anything else. A month is 30 days, a year 365."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None or not any(found.groupdict().values()):
        return None
    part = {unit: int(digits or 0) for unit, digits in found.groupdict().items()}
    return timedelta(
        days=part["years"] * 365 + part["months"] * 30 + part["weeks"] * 7 + part["days"],
        hours=part["hours"],
        minutes=part["minutes"],
        seconds=part["seconds"],
    )


def key(step_type: str, arguments: Mapping[str, Any], extra: Mapping[str, Any]) -> str:
    """The signature of a step's work: its type and the attributes that count, resolved.

    A type without a list of attributes counts everything; `extra` is what lies beside the arguments (FunctionArn).
    """
    extra = {name: value for name, value in extra.items() if name not in NO_ATTRIBUTES}
    names = ATTRIBUTES.get(step_type)
    counted = dict(arguments) if names is None else {name: arguments[name] for name in names if name in arguments}
    if isinstance(definition := counted.get("TrainingJobDefinition"), Mapping):
        counted["TrainingJobDefinition"] = {name: definition.get(name) for name in TRAINING_JOB_DEFINITION}
    text = json.dumps([step_type, counted, extra], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
