"""What the counts of an experiment said at each moment: the numbers that its verdict is made from, as they came.

Evidence adds up. So each stretch of buckets is counted once, and laid beside what was counted before it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from contender.experiments.arms import Arm
from contender.experiments.evidence import Stratum, merged, totals
from contender.experiments.goal import Goal, Standing, standing
from contender.measurements.counts import BucketCounts
from contender.naming import variant_name
from contender.rollout.evidence import Buckets, complete, earned
from contender.rollout.judging import sharing
from contender.rollout.spec import Spec
from contender.studio.reading.questions import Question

MOMENTS = 60


@dataclass(frozen=True, slots=True)
class Moment:
    """What was known once the buckets until `at` were counted with their rewards; `arms` are all variants' sums."""

    at: datetime
    standing: Standing
    arms: Mapping[str, Arm]


def moments(
    spec: Spec, goal: Goal, buckets: Buckets, question: Question, now: datetime, most: int = MOMENTS
) -> tuple[Moment, ...]:
    """At most so many, evenly over the buckets whose rewards have come; the last one has them all."""
    by_start: dict[datetime, dict[tuple[str, datetime], BucketCounts]] = {}
    for key, counted in buckets.items():
        if complete(spec, key[1], now):
            by_start.setdefault(key[1], {})[key] = counted
    plain = replace(spec, goal=goal)
    champion, challenger = variant_name(question.champion), variant_name(question.version)
    strata: tuple[Stratum, ...] = ()
    found = []
    for stretch in _stretches(sorted(by_start), most):
        counts = {key: counted for start in stretch for key, counted in by_start[start].items()}
        strata = merged((*strata, *earned(plain, counts, now)))
        found.append(
            Moment(
                stretch[-1] + timedelta(seconds=spec.bucket_s),
                standing(goal, strata, champion, challenger, goal.alpha / sharing(question.state)),
                totals(strata),
            )
        )
    return tuple(found)


def _stretches(starts: Sequence[datetime], most: int) -> list[Sequence[datetime]]:
    size = math.ceil(len(starts) / most) or 1
    first = len(starts) % size or size
    edges = [0, *range(first, len(starts) + 1, size)] if starts else []
    return [starts[low:high] for low, high in pairwise(edges)]
