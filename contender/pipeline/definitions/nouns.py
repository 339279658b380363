"""What the places in a definition are called in a sentence: `hyperparameter eta` for Arguments.HyperParameters.eta."""

from __future__ import annotations

from collections.abc import Sequence

from contender.pipeline.definitions.changes import ORDER, Path

NOUNS: Sequence[tuple[Path, str]] = (
    (("Arguments", "HyperParameters", "*"), "hyperparameter {0}"),
    (("Arguments", "TrainingJobDefinition", "StaticHyperParameters", "*"), "hyperparameter {0}"),
    (("Arguments", "HyperParameterTuningJobConfig", "ParameterRanges", "?", "*", "MinValue"), "lowest {0} tried"),
    (("Arguments", "HyperParameterTuningJobConfig", "ParameterRanges", "?", "*", "MaxValue"), "highest {0} tried"),
    (("Arguments", "HyperParameterTuningJobConfig", "ParameterRanges", "?", "*"), "range of {0}"),
    (
        ("Arguments", "HyperParameterTuningJobConfig", "ResourceLimits", "MaxNumberOfTrainingJobs"),
        "number of trials",
    ),
    (
        ("Arguments", "HyperParameterTuningJobConfig", "ResourceLimits", "MaxParallelTrainingJobs"),
        "number of trials at once",
    ),
    (("Arguments", "HyperParameterTuningJobConfig", "Strategy"), "search strategy"),
    (("Arguments", "AppSpecification", "ContainerArguments", "*"), "argument {0}"),
    (("Arguments", "AppSpecification", "ImageUri"), "image"),
    (("Arguments", "AlgorithmSpecification", "TrainingImage"), "image"),
    (("Arguments", "TrainingJobDefinition", "AlgorithmSpecification", "TrainingImage"), "image"),
    (("Arguments", "Environment", "*"), "environment variable {0}"),
    (("Arguments", "ProcessingInputs", "*", "S3Input", "S3Uri"), "input {0}"),
    (("Arguments", "ProcessingInputs", "*"), "input {0}"),
    (("Arguments", "InputDataConfig", "*", "DataSource", "S3DataSource", "S3Uri"), "channel {0}"),
    (("Arguments", "InputDataConfig", "*"), "channel {0}"),
    (("Arguments", "TrainingJobDefinition", "InputDataConfig", "*"), "channel {0}"),
    (("Arguments", "ProcessingOutputConfig", "Outputs", "*", "S3Output", "S3Uri"), "place of output {0}"),
    (("Arguments", "ProcessingOutputConfig", "Outputs", "*"), "output {0}"),
    (("Arguments", "ProcessingResources", "ClusterConfig", "InstanceType"), "instance type"),
    (("Arguments", "ProcessingResources", "ClusterConfig", "InstanceCount"), "number of instances"),
    (("Arguments", "ProcessingResources", "ClusterConfig", "VolumeSizeInGB"), "disk in GB"),
    (("Arguments", "ResourceConfig", "InstanceType"), "instance type"),
    (("Arguments", "ResourceConfig", "InstanceCount"), "number of instances"),
    (("Arguments", "ResourceConfig", "VolumeSizeInGB"), "disk in GB"),
    (("Arguments", "StoppingCondition", "MaxRuntimeInSeconds"), "seconds it may run"),
    (("Arguments", "Tags", "*", "Value"), "tag {0}"),
    (("Arguments", "Tags", "*"), "tag {0}"),
    (("RetryPolicies", "*", "MaxAttempts"), "retries after {0}"),
    (("RetryPolicies", "*", "IntervalSeconds"), "seconds before a retry after {0}"),
    (("RetryPolicies", "*", "BackoffRate"), "factor between waits after {0}"),
    (("RetryPolicies", "*", "ExpireAfterMin"), "minutes of retries after {0}"),
    (("RetryPolicies", "*"), "retries after {0}"),
    (("CacheConfig", "ExpireAfter"), "how long its results are reused"),
    (("CacheConfig", "Enabled"), "reuse of its results"),
    (("CacheConfig",), "reuse of its results"),
    (("OutputParameters", "*"), "output {0}"),
    (("PropertyFiles", "*"), "report {0}"),
    (("FunctionArn",), "function"),
    (("DisplayName",), "display name"),
    (("Description",), "description"),
    (("FailOnViolation",), "failing on a violation"),
    (("SkipCheck",), "skipping the check"),
    (("RegisterNewBaseline",), "registering a new baseline"),
)
"""Within a step, its nouns. `*` is any name, which the noun says; `?` is one that it does not say."""


def noun(path: Path) -> str:
    """The words for a place in a step; its path where there are none."""
    path = path[:-1] if path and path[-1] == ORDER else path
    for length in range(len(path), 0, -1):
        for pattern, words in NOUNS:
            if len(pattern) == length and _fits(pattern, path):
                names = [part.strip("[]") for want, part in zip(pattern, path, strict=False) if want == "*"]
                return " ".join([words.format(*names), ".".join(path[length:])]).rstrip()
    return ".".join(path[1:] if path[:1] == ("Arguments",) and len(path) > 1 else path)


def _fits(pattern: Path, path: Path) -> bool:
    return all(want in ("*", "?", part) for want, part in zip(pattern, path, strict=False))
