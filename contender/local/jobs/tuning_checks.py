"""What a tuning job's request must hold beyond its shape, checked before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, prod
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.context import Context
from contender.local.jobs import documents
from contender.local.jobs.images import UnknownImage
from contender.local.jobs.kinds import TUNING
from contender.local.jobs.training import is_builtin
from contender.local.jobs.trials import definitions_of, objective_of, parents_of

OURS = "train:", "validation:"
EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
"""Static hyperparameters that tell Hyperband how long a training job may be, as on AWS."""


def check(context: Context, request: Mapping[str, Any]) -> None:
    """Raises ValidationException that names the field."""
    name, config = request["HyperParameterTuningJobName"], request["HyperParameterTuningJobConfig"]
    definitions = definitions_of(request)
    if not definitions:
        raise ValidationException(f"Tuning job {name!r} needs a TrainingJobDefinition")
    if "TrainingJobDefinition" in request and "TrainingJobDefinitions" in request:
        raise ValidationException(
            f"Tuning job {name!r}: give TrainingJobDefinition or TrainingJobDefinitions, not both"
        )
    if "MaxNumberOfTrainingJobs" not in config["ResourceLimits"] and config["Strategy"] != "Grid":
        raise ValidationException(f"Tuning job {name!r}: ResourceLimits.MaxNumberOfTrainingJobs is needed")
    if config["Strategy"] == "Hyperband" and config.get("TrainingJobEarlyStoppingType") == "Auto":
        raise ValidationException("Hyperband stops training jobs by itself: TrainingJobEarlyStoppingType must be Off")
    _check_parents(context, request)
    _check_names(request)
    for definition in definitions:
        _check_definition(config, request, definition)


def hyperband_of(config: Mapping[str, Any], definition: Mapping[str, Any]) -> dict[str, int]:
    """HyperbandStrategyConfig, with a MaxResource that AWS infers from the static hyperparameters if there is none."""
    found: dict[str, int] = dict(config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {}))
    static = definition.get("StaticHyperParameters", {})
    epochs = next((static[name] for name in EPOCHS if static.get(name, "").isdigit()), None)
    return {"MaxResource": int(epochs), **found} if epochs is not None else found


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


def _check_parents(context: Context, request: Mapping[str, Any]) -> None:
    for parent in parents_of(request):
        body = context.store.find(TUNING.kind, parent)
        if body is None:
            raise ValidationException(f"WarmStartConfig: there is no tuning job {parent!r} to start from")
        if not documents.is_over(TUNING, body):
            raise ValidationException(f"WarmStartConfig: the tuning job {parent!r} is still running")
        _check_kinship(parent, body, request)


def _check_kinship(parent: str, body: Mapping[str, Any], request: Mapping[str, Any]) -> None:
    """A child has its parent's objective and number of hyperparameters; several definitions are not compared."""
    (old, *others), (new, *more) = definitions_of(body), definitions_of(request)
    if others or more:
        return
    if objective_of(body, old) != objective_of(request, new):
        raise ValidationException(f"WarmStartConfig: the tuning job {parent!r} has another objective metric")
    before, after = _hyperparameters(body, old), _hyperparameters(request, new)
    if before != after:
        raise ValidationException(
            f"WarmStartConfig: static and tunable hyperparameters of the tuning job {parent!r} are {before} together, "
            f"here they are {after}: the number must be the same"
        )


def _hyperparameters(body: Mapping[str, Any], definition: Mapping[str, Any]) -> int:
    ranges = _ranges(body["HyperParameterTuningJobConfig"], definition)
    return len(definition.get("StaticHyperParameters", {})) + sum(len(group) for group in ranges.values())


def _check_names(request: Mapping[str, Any]) -> None:
    names = [each.get("DefinitionName") for each in request.get("TrainingJobDefinitions", ())]
    for name in names:
        if name is None:
            raise ValidationException("Each of the TrainingJobDefinitions needs a DefinitionName")
        if names.count(name) > 1:
            raise ValidationException(f"TrainingJobDefinitions: the DefinitionName {name!r} is given more than once")


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
    if config["Strategy"] == "Hyperband":
        _check_hyperband(hyperband_of(config, definition))
    _check_objective(request, definition)


def _check_hyperband(limits: Mapping[str, int]) -> None:
    if "MaxResource" not in limits:
        raise ValidationException(
            f"Hyperband needs HyperbandStrategyConfig.MaxResource, or one of {', '.join(EPOCHS)} in "
            "StaticHyperParameters"
        )
    if limits.get("MinResource", 1) > limits["MaxResource"]:
        raise ValidationException("HyperbandStrategyConfig: MinResource is above MaxResource")


def _check_range(group: str, each: Mapping[str, str]) -> None:
    try:
        low, high = float(each["MinValue"]), float(each["MaxValue"])
    except ValueError as error:
        raise ValidationException(f"{group} {each['Name']!r}: MinValue and MaxValue must be numbers") from error
    if not (isfinite(low) and isfinite(high)):
        raise ValidationException(f"{group} {each['Name']!r}: MinValue and MaxValue must be finite")
    if group == "IntegerParameterRanges" and not (low.is_integer() and high.is_integer()):
        raise ValidationException(f"{group} {each['Name']!r}: MinValue and MaxValue must be integers")
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
