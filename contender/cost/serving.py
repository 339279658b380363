"""Endpoints: every variant of every dimension has instances of its own, in every stage.

A champion serves all month. A challenger is beside it from its retraining to the end of its rollout; after a promotion
the old champion is, while the new one bakes. Pinned challengers stay all month, and the dimensions that contender.yaml
names are taken to be among those counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from contender.config.sections import Instance, Rollout, Stage
from contender.config.sections.rollout import DAY_S
from contender.cost.assumptions import DAYS_PER_MONTH, HOURS_PER_MONTH, Assumptions
from contender.cost.case import Case, Line

PART = "endpoints"
VOLUME_GB = 8
"""Of an instance behind an endpoint: SageMaker attaches one by the type's size, about a GB for each of memory."""
SMALLEST = "ml.t2.medium"


def lines(case: Case) -> Iterator[Line]:
    hours = 0.0
    for name, stage in case.settings.stages_in_order:
        where = f" in {name}" if name else ""
        for instance_type, used in sorted(_champions(case, stage).items()):
            lower = _lower_champions(case, instance_type)
            yield case.hours(PART, f"champions{where}", used, instance_type, lower=lower)
            hours += used
        for instance_type, used in sorted(_challengers(case, stage).items()):
            lower = _lower_challengers(case, stage)
            yield case.hours(PART, f"challengers{where}", used, instance_type, lower=lower)
            hours += used
    yield case.line(PART, "volumes", hours / HOURS_PER_MONTH * VOLUME_GB, "ml_volume")
    yield case.line(PART, "requests and answers", case.requests * case.assumed.request_kb * 1e3 / 1e9, "endpoint_data")


def challengers(stage: Stage, assumed: Assumptions) -> float:
    """Variants beside a dimension's champion, on average over the month."""
    if not assumed.retrainings_per_month:
        return 0.0
    days = assumed.challenger_days
    days = rollout_days(stage.rollout, assumed.requests_per_day) if days is None else days
    return min(stage.rollout.max_challengers, assumed.retrainings_per_month * days / DAYS_PER_MONTH)


def rollout_days(rollout: Rollout, requests_per_day: float) -> float:
    """Days from a version's first share until its rollout has ended and it has baked.

    A step takes its time or its requests, whichever is longer; a goal needs about as many requests as its method is
    told, and gives up after its maximum duration.
    """
    steps = sum(max(step.time_s / DAY_S, _days(step.sample, requests_per_day * step.share)) for step in rollout.steps)
    if (goal := rollout.goal) is not None:
        needed = goal.n_star if goal.method == "confidence_sequence" else 2 * goal.minimum_sample
        steps = min(max(steps, _days(needed, requests_per_day)), goal.maximum_duration_s / DAY_S)
    return steps + rollout.bake_time_s / DAY_S


def _days(requests: float, per_day: float) -> float:
    if not requests:
        return 0.0
    return requests / per_day if per_day else float("inf")


def _champions(case: Case, stage: Stage) -> dict[str, float]:
    """Hours by instance type."""
    used: defaultdict[str, float] = defaultdict(float)
    used[stage.instance_type] += case.dimensions * stage.instance_count * HOURS_PER_MONTH
    for pinned in stage.dimensions.values():
        if own := pinned.instances.get(pinned.champion or 0):
            used[stage.instance_type] -= stage.instance_count * HOURS_PER_MONTH
            used[own.type] += own.count * HOURS_PER_MONTH
    return used


def _challengers(case: Case, stage: Stage) -> dict[str, float]:
    """Hours by instance type."""
    used: defaultdict[str, float] = defaultdict(float)
    beside = challengers(stage, case.assumed)
    used[stage.instance_type] += case.dimensions * stage.instance_count * beside * HOURS_PER_MONTH
    for pinned in stage.dimensions.values():
        for version in pinned.challengers:
            own = pinned.instances.get(version) or Instance(type=stage.instance_type, count=stage.instance_count)
            used[own.type] += own.count * HOURS_PER_MONTH
    return used


def _lower_challengers(case: Case, stage: Stage) -> str:
    if challengers(stage, case.assumed) >= stage.rollout.max_challengers:
        return "a lower rollout.max_challengers: there are as many as it lets be"
    if case.assumed.challenger_days is not None:
        return "fewer retrainings, or shorter rollouts"
    days = rollout_days(stage.rollout, case.assumed.requests_per_day)
    return f"fewer retrainings, or shorter rollouts: each takes {days:.1f} days, by the times and requests of rollout"


def _lower_champions(case: Case, instance_type: str) -> str:
    prices = case.prices
    smaller = prices.smaller(instance_type) or (SMALLEST if SMALLEST in prices.instances.prices else instance_type)
    was, now = prices.instance(instance_type).price, prices.instance(smaller).price
    return f"a smaller endpoint.instance_type: {smaller} costs {now:g} an hour, not {was:g}" if now < was else ""
