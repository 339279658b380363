"""Processing jobs: a container with inputs and outputs from and to S3."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.api.operations import Handler
from contender.local.artifacts import ArtifactError
from contender.local.context import Context
from contender.local.jobs import documents, emitted_metrics, ending, framework_processor
from contender.local.jobs.files import FilesError
from contender.local.jobs.images import ENTRYPOINTS, UnknownImage, runtime_of
from contender.local.jobs.instances import memory_mb
from contender.local.jobs.job import Job, JobFailed, JobStopped
from contender.local.jobs.kinds import PROCESSING
from contender.local.jobs.process import Limits, run
from contender.local.jobs.surroundings import environment, own_python
from contender.local.warm.client import Launch

ROOT = "/opt/ml/processing"
DEFAULT_RUNTIME_S = 86_400


def create_processing_job(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return {"ProcessingJobArn": create(context, request, {})}


def create(context: Context, request: Mapping[str, Any], extra: Mapping[str, Any]) -> str:
    """Start a job, with fields that no client may ask for; the answer is its ARN. Raises as CreateProcessingJob."""
    for what, place in _places(request):
        if place.rstrip("/") != ROOT and not place.startswith(f"{ROOT}/"):
            raise ValidationException(f"{what}: LocalPath must begin with {ROOT}, not {place!r}")
    if defined := [each["InputName"] for each in request.get("ProcessingInputs", ()) if "DatasetDefinition" in each]:
        raise ValidationException(f"ProcessingInput {defined[0]!r}: DatasetDefinition is not available on this machine")
    arn = documents.create(context, PROCESSING, request, extra)
    context.jobs.start(PROCESSING, request["ProcessingJobName"])
    return arn


def describe_processing_job(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return documents.describe(context, PROCESSING, request["ProcessingJobName"])


def stop_processing_job(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    documents.stop(context, PROCESSING, request["ProcessingJobName"])
    return {}


def list_processing_jobs(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    summarise = documents.summary(PROCESSING, "FailureReason", "ExitMessage")
    return documents.list_jobs(context, PROCESSING, request, "ProcessingJobSummaries", summarise)


def execute(context: Context, job: Job) -> None:
    body = context.store.get(PROCESSING.kind, job.name)
    try:
        runtime = runtime_of(body["AppSpecification"]["ImageUri"])
        _download(context, job, body)
        argv, cwd = _command(job, body, ENTRYPOINTS.get(runtime, ()))
    except UnknownImage as error:
        raise JobFailed(f"ClientError: {error}") from error
    except (FilesError, ArtifactError) as error:
        raise JobFailed(f"ClientError: {error}") from error
    _write_config(job, body)
    feed = context.jobs.logs.open(PROCESSING.log_group, ending.stream(context, job.name), job.log)
    launch = Launch(
        argv=argv,
        env={
            **environment(context, job),
            **own_python(job),
            "PROCESSING_JOB_NAME": job.name,
            "PROCESSING_JOB_ARN": body["ProcessingJobArn"],
            "SM_PROCESSING_DIR": ROOT,
            "SM_OUTPUT_DIR": "/opt/ml/output",
            **body.get("Environment", {}),
        },
        cwd=cwd,
        mounts={str(job.ml): "/opt/ml"},
        stdout=str(job.log),
        threads=context.jobs.threads_per_job,
    )
    limits = Limits(
        runtime_s=body.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DEFAULT_RUNTIME_S),
        memory_mb=memory_mb(body["ProcessingResources"]["ClusterConfig"].get("InstanceType")),
        grace_s=context.jobs.stop_grace_s,
    )
    try:
        with context.jobs.slot(job):
            documents.change(context, PROCESSING, job.name, {"ProcessingStartTime": context.clock()})
            outcome = run(context.warm, job, launch, limits)
    finally:
        feed.close()
    message = ending.read_message(job.ml / "output" / "message")
    if message:
        documents.change(context, PROCESSING, job.name, {"ExitMessage": documents.shorten(message)})
    if outcome.ending == "out of time":
        raise JobStopped(f"ClientError: the job ran longer than MaxRuntimeInSeconds ({limits.runtime_s:g})")
    ending.check(outcome, job, limits)
    try:
        _upload(context, job, body)
    except FilesError as error:
        raise JobFailed(f"ClientError: {error}") from error
    if "MonitoringScheduleArn" in body:
        emitted_metrics.publish(lambda: context.aws.client("cloudwatch"), job.ml, body)
    documents.finish(context, PROCESSING, job.name, "Completed")


def end(context: Context, name: str, status: str, reason: str | None) -> None:
    documents.finish(context, PROCESSING, name, status, reason)


def _places(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for each in request.get("ProcessingInputs", ()):
        if place := each.get("S3Input", {}).get("LocalPath"):
            yield f"ProcessingInput {each['InputName']!r}", place
    for each in _outputs(request):
        yield f"ProcessingOutput {each['OutputName']!r}", each["S3Output"]["LocalPath"]


def _outputs(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Outputs that we upload; the rest is the application's own business (AppManaged)."""
    outputs = body.get("ProcessingOutputConfig", {}).get("Outputs", ())
    return [each for each in outputs if "LocalPath" in each.get("S3Output", {}) and not each.get("AppManaged")]


def _host(job: Job, place: str) -> Path:
    return job.ml / place.removeprefix("/opt/ml").strip("/")


def _download(context: Context, job: Job, body: dict[str, Any]) -> None:
    for each in body.get("ProcessingInputs", ()):
        source = each.get("S3Input", {})
        if "LocalPath" in source and not each.get("AppManaged"):
            job.check_stop()
            context.jobs.files.download(source["S3Uri"], _host(job, source["LocalPath"]), source["S3DataType"])
    for each in _outputs(body):
        _host(job, each["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
    for inside in (emitted_metrics.FOLDER, "config", "processing"):
        (job.ml / inside).mkdir(parents=True, exist_ok=True)


def _command(job: Job, body: dict[str, Any], own: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """What the container starts, and in which directory; `own` is the image's entrypoint, if we know it."""
    application = body["AppSpecification"]
    entrypoint = application.get("ContainerEntrypoint") or own
    arguments = application.get("ContainerArguments", ())
    if not entrypoint:
        raise JobFailed(
            f"ClientError: the entrypoint inside the image {application['ImageUri']!r} is not known on this machine; "
            "give AppSpecification.ContainerEntrypoint"
        )
    script = framework_processor.recognise(entrypoint, job.ml)
    if script is not None:
        return framework_processor.prepare(script, arguments, job.ml), framework_processor.CODE
    return (*entrypoint, *arguments), ROOT


def _write_config(job: Job, body: dict[str, Any]) -> None:
    cluster = body["ProcessingResources"]["ClusterConfig"]
    described = {key: value for key, value in body.items() if not key.startswith("_")}
    files = {
        "processingjobconfig.json": described,
        "resourceconfig.json": {
            "current_host": "algo-1",
            "hosts": ["algo-1"],
            "instance_type": cluster.get("InstanceType"),
        },
    }
    for name, content in files.items():
        (job.ml / "config" / name).write_text(json.dumps(content, default=str))


def _upload(context: Context, job: Job, body: dict[str, Any]) -> None:
    for each in _outputs(body):
        output = each["S3Output"]
        context.jobs.files.upload_directory(_host(job, output["LocalPath"]), output["S3Uri"])


OPERATIONS: dict[str, Handler] = {
    "CreateProcessingJob": create_processing_job,
    "DescribeProcessingJob": describe_processing_job,
    "StopProcessingJob": stop_processing_job,
    "ListProcessingJobs": list_processing_jobs,
}
