"""The service `context.serving`: which processes serve which endpoint, and the front that leads requests to them.

    apply(endpoint, plans)   start what is new ─► all healthy? ─► switch the route at once ─► drain ─► stop what is old
                                                     └ no: stop what is new, VariantFailed; nothing has changed

Plans come from endpoint configs (`plans.py`); who calls, and what an endpoint's status says, is in `deployments.py`.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contender.local.context import Context
from contender.local.jobs.logs import LogFeed, LogShipper
from contender.local.serving import deployments
from contender.local.serving.capture_shipping import CaptureShipper
from contender.local.serving.front_process import FrontProcess
from contender.local.serving.plans import VariantFailed, VariantPlan
from contender.local.serving.processes import Worker, WorkerFailed, WorkerLaunch, run_directory
from contender.local.serving.publishing import MetricPublisher

__all__ = ["Serving", "ServingClosed", "VariantFailed", "VariantPlan"]

logger = logging.getLogger(__name__)

PARALLEL_STARTS = 4


class ServingClosed(Exception):
    """The server is stopping; what was under way is taken up again when it starts."""


@dataclass(slots=True)
class Process:
    """A worker of a variant, with its log on the way to CloudWatch Logs."""

    worker: Worker
    feed: LogFeed

    def stop(self) -> None:
        self.worker.stop()
        self.feed.close()


@dataclass(frozen=True, slots=True)
class Deployed:
    """A variant as it serves now."""

    plan: VariantPlan
    processes: Sequence[Process]


class Serving:
    """Endpoints in service. One deployment an endpoint at a time; different endpoints change in parallel."""

    def __init__(self, context: Context, seed: int | None = None) -> None:
        settings = context.settings
        self._context = context
        self._logs_home = settings.home / "logs" / "endpoints"
        self._run = run_directory(settings.home)
        self._endpoints: dict[str, dict[str, Deployed]] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._starting: set[Worker] = set()
        self._logs = LogShipper(lambda: context.aws.client("logs"))
        self._metrics = MetricPublisher(lambda: context.aws.client("cloudwatch"), context.clock, self._instances)
        spool = settings.home / "capture"
        self._captures = CaptureShipper(lambda: context.aws.client("s3"), spool)
        self._deployments = deployments.Deployments(context)
        self._front = FrontProcess(
            port=settings.runtime_port,
            account=settings.account,
            region=settings.region,
            log=settings.home / "logs" / "runtime.log",
            spool=spool,
            on_metrics=self._metrics.put,
            seed=seed,
        )

    @property
    def deployments(self) -> deployments.Deployments:
        return self._deployments

    @property
    def port(self) -> int:
        """Where the runtime answers."""
        return self._front.port

    def recover(self) -> None:
        """After a start: everything that was in service serves again, and what was under way is finished.

        Requests wait until then instead of failing.
        """
        shutil.rmtree(self._logs_home, ignore_errors=True)
        self._deployments.recover(self._front.open)

    def close(self) -> None:
        with self._lock:
            self._closing.set()
            starting = list(self._starting)
        for worker in starting:
            worker.give_up()
        self._deployments.close()
        self._front.close()
        with self._lock:
            endpoints, self._endpoints = self._endpoints, {}
        for variants in endpoints.values():
            for deployed in variants.values():
                _stop(deployed.processes)
        self._metrics.close()
        self._captures.close()
        self._logs.close()

    def pids(self, endpoint: str) -> dict[str, list[int]]:
        """The process ids that serve each variant."""
        with self._lock:
            variants = dict(self._endpoints.get(endpoint, {}))
        return {
            name: [pid for process in deployed.processes if (pid := process.worker.pid) is not None]
            for name, deployed in variants.items()
        }

    def flush_metrics(self) -> None:
        """Send what was counted so far to CloudWatch, and wait until it is there."""
        self._front.flush()
        self._metrics.flush()

    def flush_captures(self) -> None:
        """Write what was captured so far to S3, and wait until it is there."""
        self._front.flush()
        self._captures.flush()

    def apply(
        self,
        endpoint: str,
        plans: Sequence[VariantPlan],
        *,
        capture: Mapping[str, Any] | None = None,
        despite_failures: bool = False,
    ) -> None:
        """Serve the endpoint with exactly these variants; processes of unchanged variants stay as they are.

        `capture`: the DataCaptureConfig of what is kept of requests and answers; None keeps nothing.
        `despite_failures`: a variant that does not come up now is served as soon as it does, as after a crash.

        Raises:
            VariantFailed: a variant did not come up; the endpoint serves as before.
            ServingClosed: the server is stopping.
        """
        with self._lock:
            before = dict(self._endpoints.get(endpoint, {}))
        after: dict[str, Deployed] = {}
        fresh: list[Process] = []
        starts: list[tuple[VariantPlan, Process]] = []
        for plan in plans:
            kept = _reusable(before.get(plan.name), plan)
            added = [self._prepare(endpoint, plan) for _ in range(plan.processes - len(kept))]
            fresh += added
            starts += [(plan, process) for process in added]
            after[plan.name] = Deployed(plan, [*kept, *added])
        try:
            # threads of its own: a model that takes minutes to load must not hold up other endpoints
            with ThreadPoolExecutor(PARALLEL_STARTS, thread_name_prefix=f"start-{endpoint}") as pool:
                list(pool.map(lambda start: self._start(start[0], start[1], despite_failures), starts))
        except BaseException as error:
            _stop(fresh)
            if self._closing.is_set():
                raise ServingClosed from error
            raise
        self._switch(endpoint, before, after, capture)

    def remove(self, endpoint: str) -> None:
        """Serve the endpoint no more; requests in flight are answered first."""
        self._front.remove(endpoint)
        with self._lock:
            variants = self._endpoints.pop(endpoint, {})
        for deployed in variants.values():
            _stop(deployed.processes)

    def _switch(
        self,
        endpoint: str,
        before: dict[str, Deployed],
        after: dict[str, Deployed],
        capture: Mapping[str, Any] | None,
    ) -> None:
        with self._lock:
            if self._closing.is_set():
                _stop([process for deployed in after.values() for process in deployed.processes])
                raise ServingClosed
            self._endpoints[endpoint] = after
        self._front.route(
            endpoint,
            [
                {
                    "name": name,
                    "weight": deployed.plan.weight,
                    "workers": [str(process.worker.path) for process in deployed.processes],
                }
                for name, deployed in after.items()
            ],
            capture,
        )
        staying = {id(process) for deployed in after.values() for process in deployed.processes}
        _stop([one for deployed in before.values() for one in deployed.processes if id(one) not in staying])

    def _prepare(self, endpoint: str, plan: VariantPlan) -> Process:
        identity = secrets.token_hex(8)
        log = self._logs_home / endpoint / f"{plan.name}-{identity}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        launch = WorkerLaunch(Path(plan.model_dir), {**self._surroundings(), **plan.environment}, log)
        worker = Worker(self._context.warm, launch, self._run / f"{identity}.sock")
        return Process(
            worker, self._logs.open(f"/aws/sagemaker/Endpoints/{endpoint}", f"{plan.name}/i-{identity}", log)
        )

    def _start(self, plan: VariantPlan, process: Process, despite_failures: bool) -> None:
        worker = process.worker
        with self._lock:
            if self._closing.is_set():
                raise ServingClosed
            self._starting.add(worker)
        try:
            worker.start(plan.startup_s)
        except WorkerFailed as error:
            if despite_failures:
                logger.error("variant %s does not serve yet: %s", plan.name, error)
                worker.watch()
                return
            raise VariantFailed(
                plan.name,
                f"The primary container for production variant {plan.name} did not pass the ping health check."
                f" Please check CloudWatch logs for this endpoint. ({error})",
            ) from error
        finally:
            with self._lock:
                self._starting.discard(worker)

    def _surroundings(self) -> dict[str, str]:
        settings = self._context.settings
        return {
            "AWS_REGION": settings.region,
            "AWS_DEFAULT_REGION": settings.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": settings.aws_url,
            "NO_PROXY": "127.0.0.1,localhost",
            "SAGEMAKER_REGION": settings.region,
        }

    def _instances(self, endpoint: str, variant: str) -> int:
        with self._lock:
            deployed = self._endpoints.get(endpoint, {}).get(variant)
        return deployed.plan.instances if deployed and deployed.plan.instances else 1


def _reusable(before: Deployed | None, plan: VariantPlan) -> list[Process]:
    if before is None or before.plan.spec != plan.spec:
        return []
    return list(before.processes[: plan.processes])


def _stop(processes: Sequence[Process]) -> None:
    for process in processes:
        process.stop()
