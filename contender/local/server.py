"""The SageMaker server's process: puts the parts together, recovers what a stop interrupted, and serves.

    python -m contender.local.server --home .contender --port 4567 --runtime-port 4568 --aws-url http://127.0.0.1:4566

It owns two children, the warm process (jobs and model workers are forked from it) and the runtime front (invocations);
both end when this process does, however it ends.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import uvicorn

from contender.local.api.app import ControlPlane
from contender.local.api.operations import Dispatcher, merge
from contender.local.api.protocol import SageMakerModel
from contender.local.aws import Aws
from contender.local.context import Context, utc_now
from contender.local.events import EventBus
from contender.local.experiments import operations as experiments
from contender.local.jobs import operations as jobs
from contender.local.jobs.runner import JobRunner
from contender.local.monitoring import operations as monitoring
from contender.local.monitoring.monitor import Monitoring
from contender.local.pipelines import operations as pipelines
from contender.local.pipelines.engine import Engine
from contender.local.resources import model_package_groups, model_packages, models, tags
from contender.local.serving import operations as serving
from contender.local.serving.control import Serving
from contender.local.settings import LocalSettings
from contender.local.store import Store
from contender.local.warm.client import Warm

logger = logging.getLogger(__name__)

HANDLERS = merge(
    models.OPERATIONS,
    model_package_groups.OPERATIONS,
    model_packages.OPERATIONS,
    tags.OPERATIONS,
    pipelines.OPERATIONS,
    jobs.OPERATIONS,
    serving.OPERATIONS,
    experiments.OPERATIONS,
    monitoring.OPERATIONS,
)


class Server:
    """Everything one server holds, started and stopped in order."""

    def __init__(self, settings: LocalSettings) -> None:
        self.events = EventBus(settings.aws_url, utc_now)
        self.context = Context(
            settings=settings,
            store=Store(settings.database),
            aws=Aws(settings.aws_url, settings.region),
            dispatcher=Dispatcher(SageMakerModel(), HANDLERS),
            publish=self.events.publish,
        )

    def start(self) -> None:
        """Start the children, then put right what the last stop left half done."""
        context = self.context
        context.warm = Warm(context.settings.home)
        context.warm.open()
        context.jobs = JobRunner(context)
        context.serving = Serving(context)
        context.engine = Engine(context)
        context.monitoring = Monitoring(context)
        context.jobs.recover()
        context.serving.recover()
        context.engine.recover()
        context.monitoring.recover()
        context.monitoring.open()

    def close(self) -> None:
        context = self.context
        context.engine.close()
        context.monitoring.close()
        context.jobs.close()
        context.serving.close()
        context.warm.close()
        self.events.close()
        context.store.close()


def main(argv: Sequence[str] | None = None) -> None:
    settings = _settings(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    server = Server(settings)
    server.start()
    try:
        uvicorn.run(
            ControlPlane(server.context),
            host="127.0.0.1",
            port=settings.port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_keep_alive=75,
        )
    finally:
        server.close()


def _settings(argv: Sequence[str] | None) -> LocalSettings:
    parser = argparse.ArgumentParser(prog="contender.local.server", description="SageMaker on this machine")
    defaults = {field.name: field.default for field in fields(LocalSettings)}
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--aws-url", required=True)
    for name in ("port", "runtime_port", "max_executions"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=defaults[name])
    for name in ("region", "account"):
        parser.add_argument(f"--{name}", default=defaults[name])
    parser.add_argument("--job-slots", type=int, default=os.cpu_count() or defaults["job_slots"])
    return LocalSettings(**vars(parser.parse_args(argv)))


if __name__ == "__main__":
    main()
