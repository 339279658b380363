"""All dimensions at a glance, from calls that each tell of a hundred or more of them.

the ledger's states (1 query)            champion, challengers, shares, phase and why
ListModelPackageGroups, ListEndpoints    dimensions that have a version or an endpoint, and no rollout yet
ListModelPackages (that wait)            versions that a person has to approve
ListPipelineExecutions                   the last execution of each
DescribeAlarms (firing ones)             what is wrong now
GetMetricData, for the rows of one page  traffic and reward
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contender import registry
from contender.endpoints import PAGE
from contender.errors import NamingError, NotFoundError
from contender.naming import Names, variant_name
from contender.rollout.state import Phase, State, Track
from contender.studio.desk import Desk
from contender.studio.gaps import Gaps
from contender.studio.reading import metrics
from contender.studio.reading.last_executions import LastExecutions, Memory
from contender.studio.reading.summary import Summary
from contender.watching.alarms import endpoint_of

STATES_S, LISTS_S, METRICS_S, GROUPS_S, REMEMBERED_S = 1.0, 10.0, 20.0, 30.0, 3600.0
MOST_WAITING = 500
"""Versions of the account that wait for approval, which are looked through."""
ASKS = (Phase.AWAITING_APPROVAL, Phase.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension in one stage, as far as it has come."""

    name: str
    state: State | None = None
    endpoint_status: str = ""
    execution: Summary | None = None
    alarms: tuple[str, ...] = ()
    waiting: tuple[int, ...] = ()
    """Versions that wait for approval."""

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
        found += [f"v{version} waits for approval" for version in self.waiting]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Spark:
    """Requests in each period of a window, the reward per request where rewards came, and their sum."""

    traffic: tuple[float, ...]
    reward: tuple[float | None, ...]
    earned: float


def dimensions(desk: Desk, gaps: Gaps) -> tuple[Dimension, ...]:
    """Every dimension of the stage, in no order; alarms and approvals are left out where they cannot be read."""
    names = desk.names
    waiting_states = desk.later(lambda: states(desk))
    waiting_endpoints = desk.later(lambda: endpoints(desk))
    waiting_groups = desk.later(
        lambda: desk.renewed("groups", GROUPS_S, lambda: registry.list_groups(desk.client("sagemaker"), _part(names)))
    )
    waiting_approvals = desk.later(
        lambda: desk.renewed("approvals", LISTS_S, lambda: registry.awaiting(desk.client("sagemaker"), MOST_WAITING))
    )
    waiting_executions = desk.later(lambda: last_executions(desk))
    waiting_alarms = desk.later(lambda: firing(desk))
    found_states, found_endpoints = waiting_states.result(), waiting_endpoints.result()
    executions = waiting_executions.result()
    alarms = gaps.fill("Alarms", {}, waiting_alarms.result)
    approvals = gaps.fill("Versions that wait for approval", {}, waiting_approvals.result)
    known = dict.fromkeys(
        name
        for name in (
            *(names.dimension_of(endpoint) for endpoint in (*found_states, *found_endpoints)),
            *(names.dimension_of_group(group) for group in waiting_groups.result()),
            *executions.of,
        )
        if name is not None
    )
    return tuple(
        Dimension(
            name,
            found_states.get(endpoint := _endpoint(names, name)),
            found_endpoints.get(endpoint, ""),
            executions.of.get(name),
            alarms.get(endpoint, ()),
            approvals.get(names.group(name), ()),
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

    return desk.renewed("states", STATES_S, read)


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

    return desk.renewed("endpoints", LISTS_S, read)


def last_executions(desk: Desk) -> LastExecutions:
    """The last training of each dimension; see last_executions.py for how far back."""
    memory = desk.kept.get("seen executions", REMEMBERED_S, Memory)
    sagemaker, pipelines = desk.client("sagemaker"), desk.names.training_pipelines
    return desk.renewed("executions", STATES_S, lambda: memory.read(sagemaker, pipelines))


def firing(desk: Desk) -> Mapping[str, tuple[str, ...]]:
    """What alarms say by endpoint, of those that fire."""

    def read() -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        pages = desk.client("cloudwatch").get_paginator("describe_alarms")
        for page in pages.paginate(AlarmNamePrefix=_part(desk.names), StateValue="ALARM", MaxRecords=PAGE):
            for alarm in page["MetricAlarms"]:
                if (endpoint := endpoint_of(desk.names, alarm)) is not None:
                    found.setdefault(endpoint, []).append(alarm["AlarmName"].rpartition("-")[2])
        return {endpoint: tuple(sorted(kinds)) for endpoint, kinds in found.items()}

    return desk.renewed("alarms", LISTS_S, read)


def sparks(desk: Desk, shown: Sequence[Dimension], window: metrics.Window) -> dict[str, Spark]:
    """Traffic of these dimensions, and reward where there are experiments, in one call for every 500 series."""
    served = [dimension for dimension in shown if dimension.shares]
    kinds = (metrics.invocations, metrics.rewards) if desk.settings.experiment.enabled else (metrics.invocations,)
    wanted = [
        of(desk.names.endpoint(dimension.name), variant)
        for dimension in served
        for variant, _ in dimension.shares
        for of in kinds
    ]
    if not wanted:
        return {}
    read = desk.renewed(
        ("sparks", desk.stage, window.name, tuple(wanted)),
        METRICS_S,
        lambda: metrics.read(desk.client("cloudwatch"), wanted, window, desk.clock()),
    )
    nothing = (None,) * len(window.times(desk.clock()))
    found = {}
    for dimension in served:
        endpoint = desk.names.endpoint(dimension.name)
        variants = [variant for variant, _ in dimension.shares]
        traffic = _summed(read[metrics.invocations(endpoint, variant)] for variant in variants)
        reward = _summed(read.get(metrics.rewards(endpoint, variant), nothing) for variant in variants)
        rate = tuple(
            earned / asked if asked and earned else None for asked, earned in zip(traffic, reward, strict=True)
        )
        found[dimension.name] = Spark(traffic, rate, sum(reward))
    return found


def _summed(series: Iterable[Sequence[float | None]]) -> tuple[float, ...]:
    return tuple(sum(value or 0.0 for value in values) for values in zip(*series, strict=True))


def _endpoint(names: Names, dimension: str) -> str:
    """ "" for one whose name is too long to have an endpoint in this stage, which its execution says."""
    try:
        return names.endpoint(dimension)
    except NamingError:
        return ""


def _part(names: Names) -> str:
    return f"{names.project}-"
