"""Training jobs: channels in, a model archive out, metrics read from the log."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.api.operations import Handler
from contender.local.artifacts import ArtifactError, pack, unpack
from contender.local.context import Context
from contender.local.jobs import components, documents, ending, model_trainer, script_mode, secondary
from contender.local.jobs.files import Files, FilesError
from contender.local.jobs.images import UnknownImage, runtime_of
from contender.local.jobs.instances import memory_mb
from contender.local.jobs.job import Job, JobFailed
from contender.local.jobs.kinds import TRAINING
from contender.local.jobs.metrics import MetricLog, final_metrics, summaries
from contender.local.jobs.process import Limits, Outcome, run
from contender.local.jobs.requirements import command_with
from contender.local.jobs.surroundings import environment, own_python
from contender.local.jobs.training_metrics import BUILTIN_DEFINITIONS
from contender.local.warm.client import Launch

ALGORITHM = ("-c", "import sys; from contender.local.containers.xgboost_algorithm import main; sys.exit(main())")
TABLES_VARIABLE = "CONTENDER_TABLES"
VERSION_VARIABLE = "CONTENDER_IMAGE_VERSION"
DEFAULT_RUNTIME_S = 86_400


def create_training_job(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return {"TrainingJobArn": create(context, request)}


def create(
    context: Context, request: Mapping[str, Any], extra: Mapping[str, Any] | None = None, parent: str = ""
) -> str:
    """Check, store and start a training job; a tuning job adds what makes it one of its own. The answer is the ARN."""
    name = request["TrainingJobName"]
    if "TrainingImage" not in request.get("AlgorithmSpecification", {}):
        raise ValidationException(
            f"Training job {name!r}: AlgorithmSpecification.TrainingImage is needed on this machine"
        )
    for definition in request["AlgorithmSpecification"].get("MetricDefinitions", ()):
        try:
            re.compile(definition["Regex"])
        except re.error as error:
            raise ValidationException(f"MetricDefinition {definition['Name']!r}: Regex is invalid: {error}") from error
    for channel in request.get("InputDataConfig", ()):
        if "S3DataSource" not in channel["DataSource"]:
            raise ValidationException(f"Channel {channel['ChannelName']!r}: only an S3DataSource works on this machine")
    initial = {
        **secondary.begin(context.clock()),
        "ModelArtifacts": {"S3ModelArtifacts": _artifact_uri(request)},
        "StoppingCondition": request.get("StoppingCondition", {"MaxRuntimeInSeconds": DEFAULT_RUNTIME_S}),
        "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
        "EnableInterContainerTrafficEncryption": request.get("EnableInterContainerTrafficEncryption", False),
        "EnableManagedSpotTraining": request.get("EnableManagedSpotTraining", False),
        **(extra or {}),
    }
    stored = {key: value for key, value in request.items() if key != "SessionChainingConfig"}
    arn = documents.create(context, TRAINING, stored, initial, parent=parent)
    context.jobs.start(TRAINING, name)
    return arn


def describe_training_job(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    body = documents.describe(context, TRAINING, request["TrainingJobName"])
    specification = body["AlgorithmSpecification"]
    if "MetricDefinitions" not in specification and _has_builtin_metrics(body):
        specification = {**specification, "MetricDefinitions": BUILTIN_DEFINITIONS}
    return {**body, "AlgorithmSpecification": specification}


def stop_training_job(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    documents.stop(context, TRAINING, request["TrainingJobName"])
    return {}


def list_training_jobs(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    summarise = documents.summary(TRAINING, "SecondaryStatus")
    return documents.list_jobs(context, TRAINING, request, "TrainingJobSummaries", summarise)


def execute(context: Context, job: Job) -> None:
    body = context.store.get(TRAINING.kind, job.name)
    files: Files = context.jobs.files
    try:
        launch, script = _prepare(context, job, body, files)
    except (FilesError, ArtifactError, UnknownImage) as error:
        raise JobFailed(f"ClientError: {error}") from error
    limits = Limits(
        runtime_s=body["StoppingCondition"].get("MaxRuntimeInSeconds", DEFAULT_RUNTIME_S),
        memory_mb=memory_mb(body.get("ResourceConfig", {}).get("InstanceType")),
        grace_s=context.jobs.stop_grace_s,
    )
    feed = context.jobs.logs.open(TRAINING.log_group, ending.stream(context, job.name), job.log)
    try:
        with context.jobs.slot(job):
            _move(context, job.name, "Training", {"TrainingStartTime": context.clock()})
            outcome = run(context.warm, job, launch, limits)
    finally:
        feed.close()
    changes = _results(context, job, body, outcome)
    _deliver(context, job, body, outcome, limits, script, changes)


def end(context: Context, name: str, status: str, reason: str | None, changes: Mapping[str, Any] | None = None) -> None:
    """The last status, with its transition; a stop that nobody asked for is the end of its time."""
    body = context.store.get(TRAINING.kind, name)
    last = "MaxRuntimeExceeded" if status == "Stopped" and reason else status
    failure = documents.shorten(reason) if reason and status == "Failed" else None
    moved = secondary.move(body, last, context.clock(), failure)
    documents.finish(context, TRAINING, name, status, failure, {**moved, **(changes or {})})


def is_builtin(body: Mapping[str, Any]) -> bool:
    """Whether the job runs XGBoost's built-in algorithm rather than a script or a command."""
    specification = body["AlgorithmSpecification"]
    return (
        "ContainerEntrypoint" not in specification
        and script_mode.PROGRAM not in body.get("HyperParameters", {})
        and runtime_of(specification["TrainingImage"]) == "xgboost"
    )


def _has_builtin_metrics(body: Mapping[str, Any]) -> bool:
    try:
        return is_builtin(body)
    except UnknownImage:
        return False


def metric_log(job_log: Path, body: Mapping[str, Any]) -> MetricLog:
    definitions = body["AlgorithmSpecification"].get("MetricDefinitions", ())
    return MetricLog(job_log, definitions, xgboost=is_builtin(body))


def _prepare(context: Context, job: Job, body: dict[str, Any], files: Files) -> tuple[Launch, str | None]:
    """The job's directory filled, and what runs in it; the script's command line if it is one."""
    specification = body["AlgorithmSpecification"]
    runtime = runtime_of(specification["TrainingImage"])
    _move(context, job.name, "Downloading")
    for inside in ("input/config", "input/data", "model", "output/data", "code", "checkpoints"):
        (job.ml / inside).mkdir(parents=True, exist_ok=True)
    for channel in body.get("InputDataConfig", ()):
        job.check_stop()
        source = channel["DataSource"]["S3DataSource"]
        files.download(source["S3Uri"], job.ml / "input/data" / channel["ChannelName"], source["S3DataType"])
    channels, resources = _write_config(job, body)
    hyperparameters = script_mode.decode(body.get("HyperParameters", {}))
    threads = context.jobs.threads_per_job
    argv: tuple[str, ...]
    script = None
    if entrypoint := specification.get("ContainerEntrypoint"):
        argv = (*entrypoint, *specification.get("ContainerArguments", ()))
        if model_trainer.is_recognised(argv, job.ml):
            argv = model_trainer.WARM
    elif program := hyperparameters.get(script_mode.PROGRAM):
        argv = _user_script(job, str(program), hyperparameters, files)
        script = shlex.join(argv)
    elif runtime == "xgboost":
        argv = ALGORITHM
    else:
        raise JobFailed(
            f"ClientError: the image {specification['TrainingImage']!r} trains with a script: "
            f"give the hyperparameters {script_mode.PROGRAM} and {script_mode.SUBMIT_DIRECTORY}"
        )
    env = {
        **environment(context, job),
        **script_mode.variables(job.name, hyperparameters, channels, resources, threads),
        "TRAINING_JOB_NAME": job.name,
        "TRAINING_JOB_ARN": body["TrainingJobArn"],
        **(_for_builtin(context, specification["TrainingImage"]) if is_builtin(body) else own_python(job)),
        **body.get("Environment", {}),
    }
    cwd = script_mode.CODE
    mounts = {str(job.ml): "/opt/ml"}
    return Launch(argv, env, cwd, mounts, str(job.log), threads), script


def _for_builtin(context: Context, image: str) -> dict[str, str]:
    version = image.rpartition("/")[2].partition(":")[2]
    return {TABLES_VARIABLE: str(context.jobs.home / "cache" / "tables"), VERSION_VARIABLE: version}


def _user_script(job: Job, program: str, hyperparameters: Mapping[str, Any], files: Files) -> tuple[str, ...]:
    code = job.ml / "code"
    submitted = str(hyperparameters.get(script_mode.SUBMIT_DIRECTORY, ""))
    if submitted.startswith("s3://"):
        unpack(files.fetch(submitted), code, submitted)
    if not (code / program).is_file():
        raise JobFailed(
            f"ClientError: {script_mode.PROGRAM} is {program!r}, which {submitted or 'no source'} does not hold"
        )
    argv = script_mode.command(program, script_mode.user_arguments(hyperparameters))
    return command_with(code / "requirements.txt", argv, f"{script_mode.CODE}/requirements.txt")


def _write_config(job: Job, body: Mapping[str, Any]) -> tuple[dict[str, dict[str, str]], dict[str, Any]]:
    """The three files of /opt/ml/input/config; the answer is inputdataconfig and resourceconfig."""
    channels = {
        channel["ChannelName"]: {
            "TrainingInputMode": "File",
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
            **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
        }
        for channel in body.get("InputDataConfig", ())
    }
    instance_type = body.get("ResourceConfig", {}).get("InstanceType", "")
    resources = {
        "current_host": "algo-1",
        "current_instance_type": instance_type,
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "instance_groups": [
            {"instance_group_name": "homogeneousCluster", "instance_type": instance_type, "hosts": ["algo-1"]}
        ],
        "network_interface_name": "lo",
    }
    config = job.ml / "input" / "config"
    (config / "hyperparameters.json").write_text(json.dumps(body.get("HyperParameters", {})))
    (config / "inputdataconfig.json").write_text(json.dumps(channels))
    (config / "resourceconfig.json").write_text(json.dumps(resources))
    return channels, resources


def _results(context: Context, job: Job, body: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    now = context.clock()
    readings = metric_log(job.log, body).read()
    context.jobs.metrics.put(job.name, readings, now)
    metrics = final_metrics(readings, now)
    seconds = max(1, round(outcome.seconds))
    changes: dict[str, Any] = {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
    if metrics:
        changes |= {"FinalMetricDataList": metrics, components.METRICS: summaries(readings, now)}
    return changes


def _deliver(
    context: Context,
    job: Job,
    body: Mapping[str, Any],
    outcome: Outcome,
    limits: Limits,
    script: str | None,
    changes: Mapping[str, Any],
) -> None:
    """Upload what there is, and say how the job ended. A stopped job's model is kept if it wrote one."""
    try:
        if outcome.ending == "exited":
            ending.check(outcome, job, limits, script)
            _move(context, job.name, "Uploading")
            _upload(context, job, body)
            end(context, job.name, "Completed", None, changes)
        elif outcome.ending == "out of memory":
            ending.check(outcome, job, limits, script)
        else:
            if any((job.ml / "model").iterdir()):
                _upload(context, job, body)
            reason = (
                f"ran longer than MaxRuntimeInSeconds ({limits.runtime_s:g})" if outcome.ending == "out of time" else ""
            )
            end(context, job.name, "Stopped", reason or None, changes)
    except FilesError as error:
        raise JobFailed(f"ClientError: {error}") from error


def _upload(context: Context, job: Job, body: Mapping[str, Any]) -> None:
    files: Files = context.jobs.files
    model, output = job.ml / "model", job.ml / "output" / "data"
    destination = body["ModelArtifacts"]["S3ModelArtifacts"]
    if destination.endswith(".tar.gz"):
        pack(model, job.directory / "model.tar.gz")
        files.upload(job.directory / "model.tar.gz", destination)
        (job.directory / "model.tar.gz").unlink()
    else:
        files.upload_directory(model, destination)
    if any(output.iterdir()):
        pack(output, job.directory / "output.tar.gz")
        files.upload(job.directory / "output.tar.gz", f"{destination.rpartition('/')[0]}/output.tar.gz")
        (job.directory / "output.tar.gz").unlink()


def _artifact_uri(request: Mapping[str, Any]) -> str:
    output = request["OutputDataConfig"]
    name = "model" if output.get("CompressionType") == "NONE" else "model.tar.gz"
    return f"{output['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output/{name}"


def _move(context: Context, name: str, status: str, changes: Mapping[str, Any] | None = None) -> None:
    """To the next secondary status; a job that is being stopped stays where it is."""
    with context.store.transaction():
        body = context.store.get(TRAINING.kind, name)
        if body["TrainingJobStatus"] == "InProgress":
            moved = secondary.move(body, status, context.clock())
            documents.change(context, TRAINING, name, {**moved, **(changes or {})})


OPERATIONS: dict[str, Handler] = {
    "CreateTrainingJob": create_training_job,
    "DescribeTrainingJob": describe_training_job,
    "StopTrainingJob": stop_training_job,
    "ListTrainingJobs": list_training_jobs,
}
