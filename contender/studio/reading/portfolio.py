"""All dimensions at a glance, from calls that each tell of a hundred or more of them.

the ledger's states (1 query)            champion, challengers, shares, phase and why
ListModelPackageGroups, ListEndpoints    dimensions that have a version or an endpoint, and no rollout yet
ListPipelineExecutions                   the last execution of each
DescribeAlarms (firing ones)             what is wrong now
GetMetricData, for the rows of one page  traffic and reward
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from contender import registry
from contender.endpoints import PAGE
from contender.errors import NotFoundError
from contender.executions.listing import pipeline_of, recent
from contender.naming import Names, dimension_of_execution, variant_name
from contender.rollout.state import Phase, State, Track
from contender.studio.desk import Desk
from contender.studio.reading import metrics
from contender.watching.alarms import endpoint_of

NEWEST = 500
"""Executions that are looked through for each dimension's last one; what was seen once is remembered."""
STATES_S, LISTS_S, METRICS_S = 1.0, 10.0, 20.0
ASKS = (Phase.AWAITING_APPROVAL, Phase.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Execution:
    """The last execution of a dimension."""

    pipeline: str
    id: str
    status: str
    started: datetime


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension in one stage, as far as it has come."""

    name: str
    state: State | None = None
    endpoint_status: str = ""
    execution: Execution | None = None
    alarms: tuple[str, ...] = ()

    @property
    def champion(self) -> int | None:
        return self.state.champion if self.state else None

    @property
    def challengers(self) -> tuple[Track, ...]:
        """Those that are under way, the oldest first."""
        return tuple(track for track in self.state.active if track.version != self.champion) if self.state else ()

    @property
    def track(self) -> Track | None:
        """Whose verdict is told: the newest challenger under way, or the last one that was."""
        return (self.challengers or (self.state.tracks if self.state else ()) or (None,))[-1]

    @property
    def shares(self) -> tuple[tuple[str, float], ...]:
        """Of each variant, the champion's first."""
        shares = self.state.shares if self.state else {}
        ordered = sorted(shares.items(), key=lambda item: (item[0] != self.champion, item[0]))
        return tuple((variant_name(version), share) for version, share in ordered)

    @property
    def problems(self) -> tuple[str, ...]:
        """What asks for a person, the gravest first, in words."""
        found = [f"alarm: {alarm}" for alarm in self.alarms]
        if self.endpoint_status == "Failed":
            found.append("endpoint failed")
        if self.execution and self.execution.status == "Failed":
            found.append("last execution failed")
        found += [f"v{track.version} asks for a person" for track in self.challengers if track.phase in ASKS]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Spark:
    """Requests in each period of a window, the reward per request where rewards came, and their sum."""

    traffic: tuple[float, ...]
    reward: tuple[float | None, ...]
    earned: float


def dimensions(desk: Desk) -> tuple[Dimension, ...]:
    """Every dimension of the stage, in no order."""
    names = desk.names
    waiting_states = desk.later(lambda: states(desk))
    waiting_endpoints = desk.later(lambda: endpoints(desk))
    waiting_groups = desk.later(
        lambda: desk.kept.get("groups", LISTS_S, lambda: registry.list_groups(desk.client("sagemaker"), _part(names)))
    )
    waiting_executions = desk.later(lambda: last_executions(desk))
    waiting_alarms = desk.later(lambda: firing(desk))
    found_states, found_endpoints = waiting_states.result(), waiting_endpoints.result()
    executions, alarms = waiting_executions.result(), waiting_alarms.result()
    known = dict.fromkeys(
        name
        for name in (
            *(names.dimension_of(endpoint) for endpoint in (*found_states, *found_endpoints)),
            *(names.dimension_of_group(group) for group in waiting_groups.result()),
            *executions,
        )
        if name is not None
    )
    return tuple(
        Dimension(
            name,
            found_states.get(endpoint := names.endpoint(name)),
            found_endpoints.get(endpoint, ""),
            executions.get(name),
            alarms.get(endpoint, ()),
        )
        for name in known
    )


def states(desk: Desk) -> Mapping[str, State]:
    """The ledger's states by endpoint; none where rollouts are not deployed."""

    def read() -> Mapping[str, State]:
        try:
            return desk.ledger.states()
        except NotFoundError:
            return {}

    return desk.kept.get("states", STATES_S, read)


def endpoints(desk: Desk) -> Mapping[str, str]:
    """Status by endpoint of the project."""

    def read() -> Mapping[str, str]:
        pages = desk.client("sagemaker").get_paginator("list_endpoints")
        found = (
            endpoint
            for page in pages.paginate(NameContains=_part(desk.names), MaxResults=PAGE)
            for endpoint in page["Endpoints"]
        )
        return {
            endpoint["EndpointName"]: endpoint["EndpointStatus"]
            for endpoint in found
            if desk.names.place_of(endpoint["EndpointName"]) is not None
        }

    return desk.kept.get("endpoints", LISTS_S, read)


def last_executions(desk: Desk) -> Mapping[str, Execution]:
    """The last training of each dimension, of the newest `NEWEST` executions."""

    def read() -> Mapping[str, Execution]:
        found: dict[str, Execution] = {}
        try:
            for summary in islice(recent(desk.client("sagemaker"), desk.names.training_pipelines), NEWEST):
                dimension = dimension_of_execution(summary)
                if dimension is not None and dimension not in found:
                    found[dimension] = execution(summary)
        except NotFoundError:
            return {}
        return found

    return desk.kept.get("executions", STATES_S, read)


def execution(summary: Mapping[str, Any]) -> Execution:
    arn = summary["PipelineExecutionArn"]
    return Execution(pipeline_of(arn), arn.rpartition("/")[2], summary["PipelineExecutionStatus"], summary["StartTime"])


def firing(desk: Desk) -> Mapping[str, tuple[str, ...]]:
    """What alarms say by endpoint, of those that fire."""

    def read() -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        pages = desk.client("cloudwatch").get_paginator("describe_alarms")
        for page in pages.paginate(AlarmNamePrefix=_part(desk.names), StateValue="ALARM"):
            for alarm in page["MetricAlarms"]:
                if (endpoint := endpoint_of(desk.names, alarm)) is not None:
                    found.setdefault(endpoint, []).append(alarm["AlarmName"].rpartition("-")[2])
        return {endpoint: tuple(sorted(kinds)) for endpoint, kinds in found.items()}

    return desk.kept.get("alarms", LISTS_S, read)


def sparks(desk: Desk, shown: Sequence[Dimension], window: metrics.Window) -> dict[str, Spark]:
    """Traffic and reward of these dimensions, in one call for every 500 series."""
    asked = {dimension.name: [variant for variant, _ in dimension.shares] for dimension in shown if dimension.shares}
    wanted = [
        make(desk.names.endpoint(name), variant)
        for name, variants in asked.items()
        for variant in variants
        for make in (metrics.invocations, metrics.rewards)
    ]
    if not wanted:
        return {}
    read = desk.kept.get(
        ("sparks", desk.stage, window.name, tuple(wanted)),
        METRICS_S,
        lambda: metrics.read(desk.client("cloudwatch"), wanted, window, desk.clock()),
    )
    found = {}
    for name, variants in asked.items():
        endpoint = desk.names.endpoint(name)
        traffic = _summed(read[metrics.invocations(endpoint, variant)] for variant in variants)
        reward = _summed(read[metrics.rewards(endpoint, variant)] for variant in variants)
        rate = tuple(
            earned / asked if asked and earned else None for asked, earned in zip(traffic, reward, strict=True)
        )
        found[name] = Spark(traffic, rate, sum(reward))
    return found


def _summed(series: Iterable[Sequence[float | None]]) -> tuple[float, ...]:
    return tuple(sum(value or 0.0 for value in values) for values in zip(*series, strict=True))


def _part(names: Names) -> str:
    return f"{names.project}-"
