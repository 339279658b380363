"""What did the work of a step: its job, function, model or question, and all that AWS tells of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError

from contender.executions.snapshot import Step
from contender.studio.refusals import ABSENT

SECRET = re.compile(r"secret|token|passw|credential|api_?key", re.IGNORECASE)
HIDDEN = "(not shown)"
MOST_TRAININGS = 100

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Training:
    """One of a search's trainings."""

    name: str
    status: str
    objective: float | None
    took: float | None
    hyperparameters: Mapping[str, str]
    best: bool


@dataclass(frozen=True, slots=True)
class Work:
    """`outputs`: folders in S3 by name. `patterns`: how a metric's value is found in the log, by the metric's name."""

    kind: str
    name: str = ""
    status: str = ""
    reason: str = ""
    facts: Pairs = ()
    inputs: Pairs = ()
    hyperparameters: Pairs = ()
    arguments: Pairs = ()
    environment: Pairs = ()
    results: Pairs = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    objective: str = ""
    trainings: tuple[Training, ...] = ()


def read(sagemaker: Any, step: Step) -> Work | None:
    """None for a step that has not begun, or whose kind leaves nothing behind."""
    for kind, describe in READERS.items():
        if found := step.metadata.get(kind):
            try:
                return describe(sagemaker, found)
            except ClientError as error:
                if error.response["Error"]["Code"] not in ABSENT:
                    raise
                return Work(kind, _name(found.get("Arn", "")), reason="AWS does not know it any more")
    for kind, found in step.metadata.items():
        return Work(kind, results=_flat(found))
    return None


def _processing(sagemaker: Any, found: Mapping[str, Any]) -> Work:
    job = sagemaker.describe_processing_job(ProcessingJobName=_name(found["Arn"]))
    specification, cluster = job["AppSpecification"], job["ProcessingResources"]["ClusterConfig"]
    inputs = ((each["InputName"], each.get("S3Input", {}).get("S3Uri", "")) for each in job.get("ProcessingInputs", ()))
    outputs = job.get("ProcessingOutputConfig", {}).get("Outputs", ())
    return Work(
        "ProcessingJob",
        job["ProcessingJobName"],
        job["ProcessingJobStatus"],
        job.get("FailureReason", job.get("ExitMessage", "")),
        facts=(
            ("image", specification["ImageUri"]),
            *_instances(cluster),
            *_given("entry point", " ".join(specification.get("ContainerEntrypoint", ()))),
        ),
        inputs=tuple(inputs),
        arguments=tuple(_split(argument) for argument in specification.get("ContainerArguments", ())),
        environment=_environment(job),
        outputs={each["OutputName"]: each["S3Output"]["S3Uri"] for each in outputs if "S3Output" in each},
    )


def _check(sagemaker: Any, found: Mapping[str, Any]) -> Work:
    """A check is a processing job, with what it compares itself; one that is skipped may have none."""
    said = tuple((_spaced(key), str(value)) for key, value in found.items() if key not in ("CheckJobArn", "Arn"))
    if not found.get("CheckJobArn"):
        return Work("Check", results=said)
    return replace(_processing(sagemaker, {"Arn": found["CheckJobArn"]}), results=said)


def _training(sagemaker: Any, found: Mapping[str, Any]) -> Work:
    job = sagemaker.describe_training_job(TrainingJobName=_name(found["Arn"]))
    algorithm = job.get("AlgorithmSpecification", {})
    folder = f"{job['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{job['TrainingJobName']}/output"
    metrics = {each["MetricName"]: each["Value"] for each in job.get("FinalMetricDataList", ())}
    return Work(
        "TrainingJob",
        job["TrainingJobName"],
        job["TrainingJobStatus"],
        job.get("FailureReason", ""),
        facts=(
            ("image", algorithm.get("TrainingImage", algorithm.get("AlgorithmName", ""))),
            *_instances(job.get("ResourceConfig", {})),
            *_given("seconds billed", job.get("BillableTimeInSeconds")),
            *_given("phase", job.get("SecondaryStatus")),
        ),
        inputs=_channels(job),
        hyperparameters=tuple(sorted(job.get("HyperParameters", {}).items())),
        environment=_environment(job),
        outputs={"output": folder},
        metrics=metrics,
        patterns={
            each["Name"]: each["Regex"] for each in algorithm.get("MetricDefinitions", ()) if each["Name"] in metrics
        },
    )


def _tuning(sagemaker: Any, found: Mapping[str, Any]) -> Work:
    name = _name(found["Arn"])
    job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    listed = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        MaxResults=MOST_TRAININGS,
        SortBy="FinalObjectiveMetricValue",
        SortOrder="Ascending" if _objective(job).get("Type") == "Minimize" else "Descending",
    )["TrainingJobSummaries"]
    best = job.get("BestTrainingJob", {}).get("TrainingJobName", "")
    template = job.get("TrainingJobDefinition", {})
    base = template.get("OutputDataConfig", {}).get("S3OutputPath", "").rstrip("/")
    config = job["HyperParameterTuningJobConfig"]
    return Work(
        "TuningJob",
        name,
        job["HyperParameterTuningJobStatus"],
        job.get("FailureReason", ""),
        facts=(
            *_given("strategy", config.get("Strategy")),
            *_given("trainings at most", config.get("ResourceLimits", {}).get("MaxNumberOfTrainingJobs")),
            *_given("image", template.get("AlgorithmSpecification", {}).get("TrainingImage")),
            *_instances(template.get("ResourceConfig", {})),
            *_given("warm start", job.get("WarmStartConfig", {}).get("WarmStartType")),
        ),
        inputs=_channels(template),
        hyperparameters=tuple(sorted(template.get("StaticHyperParameters", {}).items())),
        arguments=tuple(_ranges(config.get("ParameterRanges", {}))),
        outputs={"output": f"{base}/{best}/output"} if base and best else {},
        objective=_objective(job).get("MetricName", ""),
        trainings=tuple(_trained(each, best) for each in listed),
    )


def _transform(sagemaker: Any, found: Mapping[str, Any]) -> Work:
    job = sagemaker.describe_transform_job(TransformJobName=_name(found["Arn"]))
    source, target, resources = job["TransformInput"], job["TransformOutput"], job["TransformResources"]
    return Work(
        "TransformJob",
        job["TransformJobName"],
        job["TransformJobStatus"],
        job.get("FailureReason", ""),
        facts=(
            ("model", job["ModelName"]),
            *_instances(resources),
            *_given("content type", source.get("ContentType")),
            *((_spaced(key), str(value)) for key, value in job.get("DataProcessing", {}).items()),
        ),
        inputs=(("rows", source["DataSource"]["S3DataSource"]["S3Uri"]),),
        environment=_environment(job),
        outputs={"answers": target["S3OutputPath"]},
    )


def _model(sagemaker: Any, found: Mapping[str, Any]) -> Work:
    job = sagemaker.describe_model(ModelName=_name(found["Arn"]))
    containers = job.get("Containers") or [job.get("PrimaryContainer", {})]
    facts = (pair for each in containers for pair in _given("image", each.get("Image")))
    inputs = (("model data", each["ModelDataUrl"]) for each in containers if each.get("ModelDataUrl"))
    return Work("Model", job["ModelName"], facts=tuple(facts), inputs=tuple(inputs))


def _package(sagemaker: Any, found: Mapping[str, Any]) -> Work:
    package = sagemaker.describe_model_package(ModelPackageName=found["Arn"])
    containers = package.get("InferenceSpecification", {}).get("Containers", ())
    return Work(
        "ModelPackage",
        f"{package.get('ModelPackageGroupName', '')}, version {package.get('ModelPackageVersion', '')}",
        package["ModelPackageStatus"],
        facts=(
            *_given("approval", package.get("ModelApprovalStatus")),
            *(pair for each in containers for pair in _given("image", each.get("Image"))),
        ),
        inputs=tuple(("model data", each["ModelDataUrl"]) for each in containers if each.get("ModelDataUrl")),
        results=tuple(sorted(package.get("CustomerMetadataProperties", {}).items())),
    )


def _function(sagemaker: Any, found: Mapping[str, Any]) -> Work:
    outputs = tuple((each["Name"], str(each["Value"])) for each in found.get("OutputParameters", ()))
    return Work("Lambda", found["Arn"].partition(":function:")[2], results=outputs)


READERS: Mapping[str, Callable[[Any, Mapping[str, Any]], Work]] = {
    "ProcessingJob": _processing,
    "TrainingJob": _training,
    "TuningJob": _tuning,
    "TransformJob": _transform,
    "QualityCheck": _check,
    "ClarifyCheck": _check,
    "Model": _model,
    "RegisterModel": _package,
    "Lambda": _function,
}
"""By what a step's metadata hold."""


def _trained(summary: Mapping[str, Any], best: str) -> Training:
    started, ended = summary.get("TrainingStartTime"), summary.get("TrainingEndTime")
    return Training(
        summary["TrainingJobName"],
        summary["TrainingJobStatus"],
        summary.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value"),
        (ended - started).total_seconds() if started and ended else None,
        summary.get("TunedHyperParameters", {}),
        summary["TrainingJobName"] == best,
    )


def _objective(job: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = job["HyperParameterTuningJobConfig"].get("HyperParameterTuningJobObjective", {})
    return found


def _ranges(ranges: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind in ranges.values():
        for each in kind if isinstance(kind, list) else ():
            if "MinValue" in each:
                yield each["Name"], f"{each['MinValue']} to {each['MaxValue']}"
            elif "Values" in each:
                yield each["Name"], ", ".join(map(str, each["Values"]))


def _channels(job: Mapping[str, Any]) -> Pairs:
    return tuple(
        (each["ChannelName"], each["DataSource"].get("S3DataSource", {}).get("S3Uri", ""))
        for each in job.get("InputDataConfig", ())
    )


def _instances(resources: Mapping[str, Any]) -> Pairs:
    if "InstanceType" not in resources:
        return ()
    return (("instances", f"{resources.get('InstanceCount', 1)} × {resources['InstanceType']}"),)


def _environment(job: Mapping[str, Any]) -> Pairs:
    return tuple((name, str(value)) for name, value in sorted(without_secrets(job.get("Environment", {})).items()))


def without_secrets(named: Mapping[str, Any]) -> dict[str, Any]:
    """The same, without the values of what is named as a secret is."""
    return {name: HIDDEN if SECRET.search(name) else value for name, value in named.items()}


def _split(argument: str) -> tuple[str, str]:
    """`--label=Churn?` is the value of a name; anything else stands alone."""
    name, equals, value = argument.partition("=")
    return (name, value) if equals and name.startswith("--") else (argument, "")


def _given(name: str, value: Any) -> Pairs:
    return ((name, str(value)),) if value not in (None, "") else ()


def _flat(found: Any) -> Pairs:
    if not isinstance(found, Mapping):
        return (("value", str(found)),)
    return tuple((_spaced(key), str(value)) for key, value in without_secrets(found).items())


def _spaced(key: str) -> str:
    """`CheckType` as words: check type."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key).lower()


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
