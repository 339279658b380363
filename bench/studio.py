"""The web page with many dimensions: a hundred that serve on the laptop, then a thousand that the ledger knows of.

A page is cold where nothing was read before it, as for whoever opens the first one; then it is warm. A thousand
endpoints, which no laptop serves, would be nine more calls of a list.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench.figure import Figure
from contender.local.launcher.laptop import Laptop, Ports
from contender.studio.access import Access
from contender.studio.desk import AT_ONCE, Clients, Desk
from contender.studio.kept import Kept
from tests.studio import hundred
from tests.studio.hundred import NAMES, SETTINGS, Fleet
from tests.studio.serving import Answer, ask, serving

ROUNDS = 9
THOUSAND = 1000
BOUND_MS, BOUND_CALLS = 300.0, 30.0
LATER_S = 5.0
"""After which the overview fetches itself again."""
RARELY_S = 45.0
"""After which nothing is kept for long enough, groups neither."""
PAGES = {
    "endpoint of one of 100": "/dimensions/D1/endpoint",
    "rollout of one of 100": "/dimensions/D1/rollout",
    "executions of 100": "/executions",
}


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        laptop = Laptop(Path(folder) / "home")
        laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
        try:
            yield from _measure(_Services(laptop.env()), Path(folder))
        finally:
            laptop.down()


def _measure(services: _Services, work: Path) -> Iterator[Figure]:
    fleet = Fleet()
    began = time.perf_counter()
    hundred.make(services, work, fleet)
    yield Figure("100 dimensions made and rolled out", time.perf_counter() - began, "s")
    clients = Clients(lambda service, region: services(service), SETTINGS.region)
    yield Figure("a page of three words, as a yardstick", _median(_warm(clients, "/health"))[0], "ms")
    yield from _figures("overview, 100 dimensions", clients, "/", cold_bound=BOUND_MS)
    execution = _execution(services("sagemaker"))
    for what, path in {**PAGES, "execution of one of 100": f"/executions/{NAMES.pipeline}/{execution}"}.items():
        yield from _figures(what, clients, path, cold_bound=BOUND_MS)
    hundred.know(services, Fleet(THOUSAND), beyond=fleet.dimensions)
    yield from _figures("overview, 1,000 dimensions", clients, "/", cold_bound=None)
    slowest, _ = _median(_warm(clients, "/", RARELY_S))
    yield Figure("overview, 1,000 dimensions: all read again, every 45 s", slowest, "ms", BOUND_MS)


def _execution(sagemaker: Any) -> str:
    """Id of the latest one."""
    latest = sagemaker.list_pipeline_executions(PipelineName=NAMES.pipeline, MaxResults=1)["PipelineExecutionSummaries"]
    return str(latest[0]["PipelineExecutionArn"].rpartition("/")[2])


def _figures(what: str, clients: Clients, path: str, cold_bound: float | None) -> Iterator[Figure]:
    cold, cold_calls = _median(_cold(clients, path))
    warm, warm_calls = _median(_warm(clients, path))
    yield Figure(f"{what}: cold", cold, "ms", cold_bound)
    yield Figure(f"{what}: warm, looked at every 5 s", warm, "ms", BOUND_MS)
    yield Figure(f"{what}: AWS calls, cold", cold_calls, "", BOUND_CALLS)
    yield Figure(f"{what}: AWS calls, warm", warm_calls, "", BOUND_CALLS)


def _median(asked: Iterator[Answer]) -> tuple[float, int]:
    """Milliseconds, and the most AWS calls; without the first, which warms the process up."""
    found = list(asked)[1:]
    assert all(answer.status == 200 for answer in found)
    return statistics.median(answer.ms for answer in found), max(answer.calls for answer in found)


def _cold(clients: Clients, path: str) -> Iterator[Answer]:
    """Each with a desk of its own; the clients are made and connected, and templates read."""
    for _ in range(ROUNDS):
        with serving(Desk(SETTINGS, clients), Access()) as address:
            ask(address + "/health")
            yield ask(address + path)


def _warm(clients: Clients, path: str, later_s: float = LATER_S) -> Iterator[Answer]:
    """A page that is looked at for long: what changes has to be read each time, long lists every few times."""
    passed_s = 0.0

    def now() -> datetime:
        return datetime.fromtimestamp(time.time() + passed_s, UTC)

    with serving(Desk(SETTINGS, clients, kept=Kept(now)), Access()) as address:
        ask(address + path)
        for _ in range(ROUNDS):
            passed_s += later_s
            yield ask(address + path)


class _Services:
    """boto3 clients of the laptop."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        if service not in self._made:
            address = self._env["AWS_ENDPOINT_URL_SAGEMAKER" if service == "sagemaker" else "AWS_ENDPOINT_URL"]
            self._made[service] = boto3.client(
                service,
                region_name=SETTINGS.region,
                endpoint_url=address,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(s3={"addressing_style": "path"}, proxies={}, max_pool_connections=2 * AT_ONCE),
            )
        return self._made[service]
