"""Makes sure that what serves is watched: monitoring schedules, alarms and automatic scaling of each endpoint.

Woken by three kinds of event, each only a hint to look (they come late, repeated and out of order):

    SageMaker Endpoint State Change         the endpoint: it serves, or is gone
    SageMaker Model Package State Change    the dimension's: its champion is another one now
    Scheduled Event                         every endpoint, also of dimensions that are gone; and how many rollouts
                                            are stalled, as the metric StalledRollouts

Only the last stage is watched: what is before it sees little traffic, and people look at it anyway. Rollouts are looked
at in every stage.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config

from contender.errors import DataError, DeploymentError
from contender.lambdas.log_line import log_line
from contender.lambdas.watch_settings import WatchSettings
from contender.rollout.ledger import Ledger
from contender.watching import measure
from contender.watching.actions import describe
from contender.watching.baseline import script_digest
from contender.watching.execute import Later, Watchman
from contender.watching.observe import Lookout, Watching
from contender.watching.plan import plan
from contender.watching.stalled import stalled
from contender.watching.wishes import Wishes

SWEEP = "Scheduled Event"
STALLED = "StalledRollouts"
THREADS = 8


@dataclass(frozen=True, slots=True)
class Clients:
    sagemaker: Any
    s3: Any
    cloudwatch: Any
    scaling: Any
    dynamodb: Any


@dataclass(slots=True)
class Report:
    """What became of one endpoint's watchers."""

    endpoint: str
    done: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    error: str = ""

    def document(self) -> dict[str, Any]:
        return {"endpoint": self.endpoint, "done": self.done, "reasons": self.reasons, "error": self.error}


class Watcher:
    def __init__(self, settings: WatchSettings, clients: Clients) -> None:
        self._settings = settings
        self._names = settings.wishes.names
        self._clients = clients
        self._lookout = Lookout(clients.sagemaker, clients.cloudwatch, clients.scaling, self._names)
        self._watchman = Watchman(clients.sagemaker, clients.s3, clients.cloudwatch, clients.scaling, self._names)

    def handle(self, event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """Look at what an event asks for; DeploymentError at the end if an endpoint could not be looked after."""
        sweeps = event.get("detail-type") == SWEEP
        asked = None if sweeps else self._dimension(event.get("detail", {}))
        if asked is None and not sweeps:
            return {"event": event.get("detail-type"), "outcome": "not ours"}
        line: dict[str, Any] = {"event": event.get("detail-type")}
        if sweeps:
            line["stalled"] = stuck = self._stalled(now)
            project = {"Project": self._names.project}
            line["unmeasured"] = measure.put(self._clients.cloudwatch, STALLED, len(stuck), project, now)
        wishes = replace(self._settings.wishes, image=self._lookout.image(), script=script_digest())
        part = self._names.endpoint(asked) if asked is not None else f"{self._names.project}-"
        watching = self._lookout.watching(wishes, part)
        if watching.lacking:
            line["scaling"], wishes = watching.lacking, replace(wishes, scaling=None)
        dimensions = [asked] if asked is not None else self._all(watching)
        with ThreadPoolExecutor(THREADS) as pool:
            reports = list(pool.map(lambda name: self._look(wishes, name, watching, now), dimensions))
        line["looked"] = len(reports)
        line["told"] = [report.document() for report in reports if report.done or report.error]
        line["resting"] = sorted({reason for report in reports for reason in report.reasons})
        if failures := [report for report in reports if report.error]:
            which = "; ".join(f"{report.endpoint}: {report.error}" for report in failures)
            raise DeploymentError(f"{len(failures)} endpoints could not be looked after: {which}")
        return line

    def _dimension(self, detail: Mapping[str, Any]) -> str | None:
        if "EndpointName" in detail:
            return self._names.dimension_of(detail["EndpointName"])
        return self._names.dimension_of_group(detail.get("ModelPackageGroupName", ""))

    def _all(self, watching: Watching) -> list[str]:
        """Dimensions that have versions, and those of which only watchers are left."""
        watched = {self._names.dimension_of(endpoint) for endpoint in watching.endpoints}
        return sorted({*self._lookout.dimensions(), *(name for name in watched if name is not None)})

    def _look(self, wishes: Wishes, dimension: str, watching: Watching, now: datetime) -> Report:
        report = Report(self._names.endpoint(dimension))
        try:
            wanted = plan(wishes, self._lookout.view(report.endpoint, dimension, watching), now)
            report.reasons += wanted.reasons
            for action in wanted.actions:
                self._watchman.run(action)
                report.done.append(describe(action))
        except (Later, DataError) as error:
            report.reasons.append(str(error))
        except Exception as error:
            report.error = f"{type(error).__name__}: {error}"
        return report

    def _stalled(self, now: datetime) -> list[str]:
        ledger = Ledger(self._clients.dynamodb, self._names.table("rollouts"))
        specs, found = ledger.specs(), list[str]()
        for endpoint, state in ledger.states().items():
            place = self._names.place_of(endpoint)
            if place is not None and place.stage in specs:
                found += stalled(specs[place.stage], state, now, self._settings.stalled_s)
        return found


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    with log_line("watch") as line:
        reply = _watcher().handle(event, datetime.now(UTC))
        line |= reply
        return reply


@functools.cache
def _watcher() -> Watcher:
    # A look at everything is a burst: adaptive retries slow it to what SageMaker takes, and leave others their share.
    many = Config(max_pool_connections=2 * THREADS, retries={"max_attempts": 8, "mode": "adaptive"})

    def client(service: str) -> Any:
        return boto3.client(service, config=many)

    settings = WatchSettings.from_environ(os.environ)
    made: Sequence[str] = ("sagemaker", "s3", "cloudwatch", "application-autoscaling", "dynamodb")
    return Watcher(settings, Clients(*(client(service) for service in made)))
