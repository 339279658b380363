"""A server that watches an endpoint, without network or processes: captured data by key, jobs that end as told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from contender.local.api.operations import Dispatcher, merge
from contender.local.context import Context
from contender.local.jobs import documents, processing
from contender.local.jobs.kinds import PROCESSING, JobKind
from contender.local.monitoring import operations
from contender.local.monitoring.monitor import Monitoring
from contender.local.resources import tags
from contender.local.serving import endpoints
from contender.local.settings import LocalSettings
from contender.local.store import Store
from tests.local.small_sagemaker import MODEL, ROLE, WAIT_S, Clock

IMAGE = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
OUTPUT = {"MonitoringOutputs": [{"S3Output": {"S3Uri": "s3://b/reports", "LocalPath": "/opt/ml/processing/output"}}]}
HOURLY = {"ScheduleExpression": "cron(0 * ? * * *)"}
NOW = {"ScheduleExpression": "NOW", "DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT0H"}
VIOLATED = "CompletedWithViolations: Job completed successfully with 2 violations."


class S3:
    """Keys of one bucket, listed as S3 lists them."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def list_objects_v2(
        self, *, Bucket: str, Prefix: str, Delimiter: str | None = None, MaxKeys: int = 1000
    ) -> dict[str, Any]:
        found = sorted(key for key in self.keys if key.startswith(Prefix))
        if Delimiter is None:
            return {"Contents": [{"Key": key} for key in found[:MaxKeys]]}
        below = {Prefix + key.removeprefix(Prefix).partition("/")[0] + "/" for key in found}
        return {"CommonPrefixes": [{"Prefix": each} for each in sorted(below)]}

    def get_paginator(self, operation: str) -> Pages:
        return Pages(getattr(self, operation))


class Pages:
    """All there is, on one page."""

    def __init__(self, operation: Callable[..., dict[str, Any]]) -> None:
        self._operation = operation

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        yield self._operation(**request)


class Aws:
    def __init__(self) -> None:
        self.s3 = S3()

    def client(self, service: str) -> Any:
        assert service == "s3"
        return self.s3


class Jobs:
    """Jobs that end at once, in the order of `endings`: an exit message, a failure's reason, or "hold" for the test."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._changed = threading.Condition()
        self.version = 0
        self.endings: list[str] = []
        self.started: list[str] = []

    def start(self, kind: JobKind, name: str) -> None:
        with self._changed:
            self.started.append(name)
            self._changed.notify_all()
        ending = self.endings.pop(0) if self.endings else "Completed: fine"
        if ending != "hold":
            self.end(name, ending)

    def end(self, name: str, ending: str) -> None:
        status = ending.partition(":")[0].replace("WithViolations", "")
        reason = ending if status == "Failed" else None
        changes = {} if reason else {"ExitMessage": ending}
        documents.finish(self._context, PROCESSING, name, status, reason, changes)

    def stop(self, kind: str, name: str) -> None:
        documents.mark_stopping(self._context, PROCESSING, name)

    def until_started(self, count: int) -> str:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.started) >= count, WAIT_S)
            return self.started[count - 1]

    def notify(self) -> None:
        with self._changed:
            self.version += 1
            self._changed.notify_all()

    def wait_for_change(self, version: int, timeout_s: float | None) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.version != version, WAIT_S), "no job changed"


class Watched:
    """One server, with an endpoint `shop` whose captures go to s3://b/captured; `restart` is a kill and a new start."""

    def __init__(self, home: Path) -> None:
        self.settings = LocalSettings(home=home, aws_url="http://127.0.0.1:1")
        self.clock = Clock()
        self.clock.now = datetime.fromisoformat("2026-03-01T12:30:00+00:00")
        self.aws = Aws()
        self.events: list[dict[str, Any]] = []
        self._open()
        self.endpoint("shop")

    def _open(self) -> None:
        tables = (operations.OPERATIONS, processing.OPERATIONS, tags.OPERATIONS, endpoints.OPERATIONS)
        self.context = Context(
            settings=self.settings,
            store=Store(self.settings.database),
            aws=self.aws,  # type: ignore[arg-type]
            dispatcher=Dispatcher(MODEL, merge(*tables)),
            publish=lambda kind, resources, detail: self.events.append(detail),
            clock=self.clock,
        )
        self.jobs = Jobs(self.context)
        self.context.jobs = self.jobs  # type: ignore[assignment]
        self.monitoring = self.context.monitoring = Monitoring(self.context)

    def restart(self, ending: str = "Failed: interrupted") -> None:
        """Jobs that ran end so before the schedules go on; the job runner lets them fail."""
        old = self.jobs
        self.monitoring.close()
        old.notify()
        assert self.monitoring.join(WAIT_S)
        self.context.store.close()
        self._open()
        for body in self.context.store.page(PROCESSING.kind):
            self.jobs.end(body["ProcessingJobName"], ending)
        self.monitoring.recover()

    def close(self) -> None:
        self.monitoring.close()
        self.jobs.notify()
        self.context.store.close()

    def endpoint(self, name: str, **capture: Any) -> None:
        body = {
            "EndpointName": name,
            "EndpointArn": self.context.arn(f"endpoint/{name}"),
            "EndpointStatus": "InService",
            "capture": {"DestinationS3Uri": "s3://b/captured", "EnableCapture": True, **capture},
        }
        self.context.store.insert("endpoint", name, body, now=self.clock(), status="InService")

    def capture(self, hour: str, variant: str = "v1", endpoint: str = "shop") -> None:
        self.aws.s3.keys.add(f"captured/{endpoint}/{variant}/{hour}/10-00-000-a.jsonl")

    def __call__(self, operation: str, **request: Any) -> dict[str, Any]:
        """An operation, its answer checked as the server checks it."""
        answer = self.context.call(operation, request)
        MODEL.serialise_answer(MODEL.operation(operation), answer)
        return answer

    def define(self, name: str = "d", kind: str = "DataQuality", **more: Any) -> None:
        source = {"EndpointName": "shop", "LocalPath": "/opt/ml/processing/input/endpoint", **more.pop("source", {})}
        inputs = more.pop("inputs", {})
        if "BatchTransformInput" not in inputs:
            inputs = {"EndpointInput": source, **inputs}
        self(
            f"Create{kind}JobDefinition",
            **{
                "JobDefinitionName": name,
                f"{kind}AppSpecification": {"ImageUri": IMAGE, **more.pop("application", {})},
                f"{kind}JobInput": inputs,
                f"{kind}JobOutputConfig": OUTPUT,
                "JobResources": {"ClusterConfig": CLUSTER},
                "RoleArn": ROLE,
                **more,
            },
        )

    def baseline(self, job: str, uri: str) -> None:
        """A processing job that leaves a baseline at `uri`."""
        place = {"S3Uri": uri, "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
        self(
            "CreateProcessingJob",
            ProcessingJobName=job,
            ProcessingResources={"ClusterConfig": CLUSTER},
            AppSpecification={"ImageUri": IMAGE},
            RoleArn=ROLE,
            ProcessingOutputConfig={"Outputs": [{"OutputName": "o", "S3Output": place}]},
        )

    def schedule(
        self, name: str, timing: dict[str, str], definition: str = "d", kind: str = "DataQuality", **more: Any
    ) -> None:
        config = {"MonitoringJobDefinitionName": definition, "MonitoringType": kind, "ScheduleConfig": timing}
        self("CreateMonitoringSchedule", MonitoringScheduleName=name, MonitoringScheduleConfig=config, **more)

    def run_due(self) -> datetime | None:
        """What the clock's thread does, and wait for what it started."""
        following = self.monitoring.run_due()
        assert self.monitoring.join(WAIT_S)
        return following

    def executions(self, **request: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self("ListMonitoringExecutions", **request)["MonitoringExecutionSummaries"]
        return found

    def job(self, name: str) -> dict[str, Any]:
        return self("DescribeProcessingJob", ProcessingJobName=name)
