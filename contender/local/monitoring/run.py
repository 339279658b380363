"""One execution from its window to how it ended: which data there is, the jobs in order, what they say."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contender.local.api.errors import ApiError
from contender.local.context import Context
from contender.local.jobs import processing
from contender.local.jobs.files import FilesError
from contender.local.monitoring import captured, job_requests
from contender.local.monitoring.captured import Folder
from contender.local.monitoring.job_requests import Execution
from contender.local.monitoring.kinds import MODEL_QUALITY, SCHEDULES
from contender.local.monitoring.work import Work
from contender.local.store import Document

logger = logging.getLogger(__name__)

NO_DATA = "Job inputs had no data"
"""AWS's own words, and all of them: programs compare with it."""
VIOLATED = "CompletedWithViolations"

Ended = tuple[str, str | None]
"""An execution's last status, and why it failed."""
Follow = Callable[[str], Document]
"""Waits until the processing job of that name is over, and answers its document."""


def run(context: Context, work: Work, execution: Execution, follow: Follow) -> Ended:
    try:
        work = replace(work, baseline=_baseline(context, work.baseline))
        folders = _folders(context, work, execution)
        if work.kind is MODEL_QUALITY:
            labels = captured.by_hour(context.aws.client("s3"), work.ground_truth or "", execution.window)
            if not folders or not labels:
                return _without_data(work, execution, "labels" if folders else "captured data")
            merged = _job(context, job_requests.merge(work, execution, folders, labels), execution, follow)
            if merged["ProcessingJobStatus"] != "Completed":
                return ended(merged)
            folders = captured.of_endpoint(
                context.aws.client("s3"), job_requests.merged_root(work), str(work.endpoint), execution.window
            )
        if not folders:
            return _without_data(work, execution, "captured data")
        return ended(_job(context, job_requests.analysis(work, execution, folders), execution, follow))
    except (ApiError, FilesError, ClientError, BotoCoreError) as error:
        return "Failed", f"ClientError: {error}"


def ended(job: Document) -> Ended:
    """How an execution ended whose last job is over."""
    status = job["ProcessingJobStatus"]
    if status == "Completed" and job.get("ExitMessage", "").startswith(VIOLATED):
        status = VIOLATED
    return status, job.get("FailureReason")


def _job(context: Context, request: dict[str, Any], execution: Execution, follow: Follow) -> Document:
    arn = context.arn(f"{SCHEDULES}/{execution.schedule}")
    processing.create(context, request, {"MonitoringScheduleArn": arn})
    return follow(request["ProcessingJobName"])


def _folders(context: Context, work: Work, execution: Execution) -> list[Folder]:
    s3 = context.aws.client("s3")
    if work.endpoint is None:
        return captured.of_transforms(s3, work.source["DataCapturedDestinationS3Uri"], execution.window)
    root = captured.destination(context, work.endpoint)
    return captured.of_endpoint(s3, root, work.endpoint, execution.window) if root else []


def _without_data(work: Work, execution: Execution, what: str) -> Ended:
    window = execution.window
    logger.info(
        "schedule %s: no %s of %s from %s to %s", execution.schedule, what, work.endpoint, window.start, window.end
    )
    return "Failed", NO_DATA


def _baseline(context: Context, baseline: Document) -> Document:
    """With the files of the baselining job, where they are not named one by one."""
    name = baseline.get("BaseliningJobName")
    if not name or "ConstraintsResource" in baseline or "StatisticsResource" in baseline:
        return baseline
    job = context.call("DescribeProcessingJob", {"ProcessingJobName": name})
    outputs = job.get("ProcessingOutputConfig", {}).get("Outputs", ())
    roots = [each["S3Output"]["S3Uri"].rstrip("/") for each in outputs if "S3Output" in each]
    files = {"ConstraintsResource": "constraints.json", "StatisticsResource": "statistics.json"}
    return {**baseline, **{name: {"S3Uri": f"{root}/{file}"} for root in roots[:1] for name, file in files.items()}}
