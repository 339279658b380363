"""Batch transform: a model answers the records of many files."""

from __future__ import annotations

import json
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.jobs import documents, ending, transform_capture
from contender.local.jobs.files import FilesError
from contender.local.jobs.instances import memory_mb
from contender.local.jobs.job import Job, JobFailed
from contender.local.jobs.kinds import TRANSFORM
from contender.local.jobs.process import Limits, run
from contender.local.jobs.surroundings import environment, own_python
from contender.local.serving.plans import VariantFailed, VariantPlan, make_plan
from contender.local.warm.client import Launch

TRANSFORM_COMMAND = ("-c", "import sys; from contender.local.containers.transform import main; sys.exit(main())")


def create_transform_job(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    context.call("DescribeModel", {"ModelName": request["ModelName"]})
    source, processing = request["TransformInput"], request.get("DataProcessing", {})
    if source.get("SplitType", "None") not in ("None", "Line"):
        raise ValidationException(f"SplitType {source['SplitType']} does not work on this machine; Line and None do")
    by_line = source.get("SplitType") == "Line" and request["TransformOutput"].get("AssembleWith") == "Line"
    if processing.get("JoinSource") == "Input" and not by_line:
        raise ValidationException("JoinSource Input needs SplitType Line and AssembleWith Line")
    if request.get("DataCaptureConfig", {}).get("GenerateInferenceId"):
        raise ValidationException("GenerateInferenceId of a transform job does not work on this machine")
    arn = documents.create(context, TRANSFORM, request, {})
    context.jobs.start(TRANSFORM, request["TransformJobName"])
    return {"TransformJobArn": arn}


def describe_transform_job(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    body = documents.describe(context, TRANSFORM, request["TransformJobName"])
    return {key: value for key, value in body.items() if key != "LastModifiedTime"}  # in summaries only


def stop_transform_job(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    documents.stop(context, TRANSFORM, request["TransformJobName"])
    return {}


def list_transform_jobs(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    summarise = documents.summary(TRANSFORM, "FailureReason")
    return documents.list_jobs(context, TRANSFORM, request, "TransformJobSummaries", summarise)


def execute(context: Context, job: Job) -> None:
    body = context.store.get(TRANSFORM.kind, job.name)
    try:
        plan = make_plan(context, {"VariantName": job.name, "ModelName": body["ModelName"]}, 1.0, 1)
        _fill(context, job, body)
    except VariantFailed as error:
        raise JobFailed(f"ClientError: {error.reason.removeprefix(f'Production variant {job.name}: ')}") from error
    except FilesError as error:
        raise JobFailed(f"ClientError: {error}") from error
    limits = Limits(memory_mb=memory_mb(body["TransformResources"]["InstanceType"]), grace_s=context.jobs.stop_grace_s)
    feed = context.jobs.logs.open(TRANSFORM.log_group, ending.stream(context, job.name), job.log)
    try:
        with context.jobs.slot(job):
            documents.change(context, TRANSFORM, job.name, {"TransformStartTime": context.clock()})
            outcome = run(context.warm, job, _launch(context, job, body, plan), limits)
    finally:
        feed.close()
    ending.check(outcome, job, limits)
    try:
        context.jobs.files.upload_directory(job.ml / "output" / "data", body["TransformOutput"]["S3OutputPath"])
        transform_capture.write(context, context.store.get(TRANSFORM.kind, job.name))
    except FilesError as error:
        raise JobFailed(f"ClientError: {error}") from error
    documents.finish(context, TRANSFORM, job.name, "Completed")


def end(context: Context, name: str, status: str, reason: str | None) -> None:
    documents.finish(context, TRANSFORM, name, status, reason)


def _fill(context: Context, job: Job, body: dict[str, Any]) -> None:
    """The job's directory: its settings, the files to transform, places for the model and the answers."""
    for inside in ("input/config", "input/data", "model", "output/data"):
        (job.ml / inside).mkdir(parents=True)
    settings = {key: value for key, value in body.items() if not key.startswith("_")}
    (job.ml / "input" / "config" / "transform.json").write_text(json.dumps(settings, default=str))
    source = body["TransformInput"]["DataSource"]["S3DataSource"]
    context.jobs.files.download(source["S3Uri"], job.ml / "input" / "data", source["S3DataType"])


def _launch(context: Context, job: Job, body: dict[str, Any], plan: VariantPlan) -> Launch:
    variables = {
        "SM_INPUT_DIR": "/opt/ml/input",
        "SM_MODEL_DIR": "/opt/ml/model",
        "SM_OUTPUT_DIR": "/opt/ml/output",
        "TRANSFORM_JOB_NAME": job.name,
    }
    return Launch(
        argv=TRANSFORM_COMMAND,
        env={
            **environment(context, job),
            **own_python(job),
            **variables,
            **plan.environment,
            **body.get("Environment", {}),
        },
        cwd="/opt/ml",
        mounts={str(job.ml): "/opt/ml", plan.model_dir: "/opt/ml/model"},
        stdout=str(job.log),
        threads=context.jobs.threads_per_job,
    )


OPERATIONS: dict[str, Handler] = {
    "CreateTransformJob": create_transform_job,
    "DescribeTransformJob": describe_transform_job,
    "StopTransformJob": stop_transform_job,
    "ListTransformJobs": list_transform_jobs,
}
