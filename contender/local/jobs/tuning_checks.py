"""What a tuning job's request must hold beyond its shape, checked before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.jobs.images import UnknownImage
from contender.local.jobs.training import is_builtin
from contender.local.jobs.trials import definitions_of, objective_of

OURS = "train:", "validation:"


def check(request: Mapping[str, Any]) -> None:
    """Raises ValidationException that names the field."""
    name, config = request["HyperParameterTuningJobName"], request["HyperParameterTuningJobConfig"]
    definitions = definitions_of(request)
    if not definitions:
        raise ValidationException(f"Tuning job {name!r} needs a TrainingJobDefinition")
    if "MaxNumberOfTrainingJobs" not in config["ResourceLimits"] and config["Strategy"] != "Grid":
        raise ValidationException(f"Tuning job {name!r}: ResourceLimits.MaxNumberOfTrainingJobs is needed")
    if config["Strategy"] == "Hyperband" and config.get("TrainingJobEarlyStoppingType") == "Auto":
        raise ValidationException("Hyperband stops training jobs by itself: TrainingJobEarlyStoppingType must be Off")
    for definition in definitions:
        _check_definition(config, request, definition)


def max_trials(body: Mapping[str, Any]) -> int:
    """How many training jobs the search may start; a grid without a limit is walked once."""
    config = body["HyperParameterTuningJobConfig"]
    limit = config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    if limit is not None:
        return int(limit)
    return sum(
        prod(len(each["Values"]) for each in _ranges(config, definition).get("CategoricalParameterRanges", ()))
        for definition in definitions_of(body)
    )


def _ranges(config: Mapping[str, Any], definition: Mapping[str, Any]) -> Mapping[str, Any]:
    ranges: Mapping[str, Any] = definition.get("HyperParameterRanges") or config.get("ParameterRanges", {})
    return ranges


def _check_definition(config: Mapping[str, Any], request: Mapping[str, Any], definition: Mapping[str, Any]) -> None:
    ranges = _ranges(config, definition)
    if not any(ranges.values()):
        raise ValidationException("A tuning job needs at least one parameter range")
    names = [each["Name"] for group in ranges.values() for each in group]
    for name in names:
        if names.count(name) > 1 or name in definition.get("StaticHyperParameters", {}):
            raise ValidationException(f"Hyperparameter {name!r} is given more than once")
    if (
        config["Strategy"] == "Grid"
        and (ranges.keys() - {"CategoricalParameterRanges"})
        and names != [each["Name"] for each in ranges.get("CategoricalParameterRanges", ())]
    ):
        raise ValidationException("Grid search takes CategoricalParameterRanges only")
    for group in ("IntegerParameterRanges", "ContinuousParameterRanges"):
        for each in ranges.get(group, ()):
            _check_range(group, each)
    _check_objective(request, definition)


def _check_range(group: str, each: Mapping[str, str]) -> None:
    try:
        low, high = float(each["MinValue"]), float(each["MaxValue"])
    except ValueError as error:
        raise ValidationException(f"{group} {each['Name']!r}: MinValue and MaxValue must be numbers") from error
    if low > high:
        raise ValidationException(f"{group} {each['Name']!r}: MinValue {low:g} is above MaxValue {high:g}")
    if each.get("ScalingType") == "Logarithmic" and low <= 0:
        raise ValidationException(f"{group} {each['Name']!r}: Logarithmic scaling needs a MinValue above 0")
    if each.get("ScalingType") == "ReverseLogarithmic" and not (low >= 0 and high < 1):
        raise ValidationException(f"{group} {each['Name']!r}: ReverseLogarithmic scaling needs a range within [0, 1)")


def _check_objective(request: Mapping[str, Any], definition: Mapping[str, Any]) -> None:
    specification = definition["AlgorithmSpecification"]
    if "TrainingImage" not in specification:
        raise ValidationException("AlgorithmSpecification.TrainingImage is needed on this machine")
    metric = objective_of(request, definition).metric
    named = [each["Name"] for each in specification.get("MetricDefinitions", ())]
    try:
        own = is_builtin({**definition, "HyperParameters": definition.get("StaticHyperParameters", {})})
    except UnknownImage:
        return
    if metric not in named and not (own and metric.startswith(OURS)):
        raise ValidationException(
            f"The objective metric {metric!r} is not among the MetricDefinitions: {', '.join(named) or 'none'}"
        )
