"""A dimension's rollout and its experiments, from ten calls of AWS or fewer.

the ledger                  state, settings, the newest decisions
DescribeEndpoint, …Config   what serves, and whether it changes just now
ListModelPackages           versions that may be started
the experiments table       the endpoint's settings there, and the counts of one experiment
GetMetricData               requests and failures, where nobody asks through the API
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from botocore.exceptions import ClientError

from contender import registry
from contender.endpoints import Serving
from contender.errors import NotFoundError
from contender.experiments.evidence import Evidence
from contender.naming import variant_name
from contender.registry import Version
from contender.rollout import metrics
from contender.rollout.decision import Entry
from contender.rollout.evidence import Buckets, evidence, from_metrics
from contender.rollout.observe import asks_for_requests
from contender.rollout.spec import Spec
from contender.rollout.state import State
from contender.stages import StageVersions
from contender.studio.desk import Desk
from contender.studio.gaps import Gaps
from contender.studio.kept import LARGE
from contender.studio.reading.questions import Question
from contender.studio.reading.standing import published_of, serving_of, state_of, store_of

T = TypeVar("T")
NEWEST = 200
"""Decisions that are read at once."""
VERSIONS_S, SPEC_S, PAST_S = 5.0, 15.0, 600.0
LEAST_S, LONGEST_S = 2.0, 60.0


@dataclass(frozen=True, slots=True)
class Rollout:
    """What is decided, and what serves. `entries` are newest first, without their evidence."""

    dimension: str
    state: State | None
    spec: Spec | None
    serving: Serving | None
    versions: tuple[Version, ...]
    entries: tuple[Entry, ...]
    experiment: int
    """The number of the experiment that counts now: the ledger's, or a later one of an endpoint made again."""

    @property
    def busy(self) -> bool:
        return self.serving is not None and self.serving.busy

    @property
    def live(self) -> Mapping[int, float]:
        return self.serving.live_shares() if self.serving else {}


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of a question's experiment until `at`, and by whom: the API, CloudWatch, or nobody yet."""

    evidence: Evidence
    buckets: Buckets
    source: str
    at: datetime


def rollout(desk: Desk, dimension: str, gaps: Gaps, before: int | None = None) -> Rollout:
    """All but the counts; decisions before that number, if one is given."""
    endpoint = desk.names.endpoint(dimension)
    spec = desk.later(lambda: _spec(desk))
    serving = desk.later(lambda: serving_of(desk, endpoint))
    versions = desk.later(lambda: _versions(desk, dimension))
    later_published = desk.later(lambda: published_of(desk, endpoint))
    state = state_of(desk, endpoint)
    revision = state.revision if state else 0
    entries = gaps.fill(
        "The decisions",
        (),
        lambda: desk.kept.get(
            ("entries", endpoint, revision, before), PAST_S, lambda: _entries(desk, endpoint, revision, before)
        ),
    )
    published = later_published.result()
    return Rollout(
        dimension,
        state,
        spec.result(),
        gaps.fill("What serves", None, serving.result),
        gaps.fill("The versions", (), versions.result),
        entries,
        max(state.experiment if state else 0, published.number if published else 0),
    )


def counted(desk: Desk, found: Rollout, question: Question) -> Counted:
    """The evidence of a question's experiment, as the tick counts it."""
    assert found.spec is not None
    spec, under_way, now = found.spec, question.state is found.state, desk.clock()
    if desk.settings.experiment.enabled:
        name = desk.names.experiment(found.dimension, found.experiment if under_way else question.experiment)
        # Thousands of buckets take seconds to read: what they said before is shown meanwhile.
        through_api = desk.renewed(
            ("counted", name, spec.digest), kept_s(spec), lambda: _through_api(desk, spec, name, desk.clock()), LARGE
        )
        if through_api is not None:
            return through_api
    if not (under_way and asks_for_requests(spec)):
        return Counted(Evidence(), {}, "", now)
    return Counted(_from_cloudwatch(desk, question, now), {}, "CloudWatch", now)


def kept_s(spec: Spec) -> float:
    """How long counts are shown before they are read again: a part of a bucket, for that is how they grow."""
    return min(max(spec.bucket_s / 4, LEAST_S), LONGEST_S)


def _through_api(desk: Desk, spec: Spec, experiment: str, now: datetime) -> Counted | None:
    buckets = _deployed(lambda: store_of(desk).buckets(experiment))
    if not buckets or not any(counts.judged.n for counts in buckets.values()):
        return None
    return Counted(evidence(spec, buckets, now), buckets, "API", now)


def _from_cloudwatch(desk: Desk, question: Question, now: datetime) -> Evidence:
    endpoint = question.state.endpoint
    shares = {variant_name(version): share for version, share in question.state.shares.items()}
    since = min(track.began for track in question.state.active)

    def read() -> Mapping[str, tuple[int, int]]:
        return metrics.requests_and_failures(desk.client("cloudwatch"), endpoint, shares, since, now)

    return from_metrics(desk.kept.get(("requests", endpoint, since, tuple(shares)), VERSIONS_S, read), shares)


def _entries(desk: Desk, endpoint: str, revision: int, before: int | None) -> tuple[Entry, ...]:
    if not revision:
        return ()
    found = desk.ledger.newest(endpoint, NEWEST, before)
    return tuple(replace(entry, observation=replace(entry.observation, evidence=None)) for entry in found)


def _spec(desk: Desk) -> Spec | None:
    def read() -> Spec | None:
        try:
            return desk.ledger.stage_spec(desk.stage)
        except NotFoundError:
            return None

    return desk.kept.get(("spec", desk.stage), SPEC_S, read)


def _versions(desk: Desk, dimension: str) -> tuple[Version, ...]:
    spec = _spec(desk)

    def read() -> tuple[Version, ...]:
        sagemaker, names = desk.client("sagemaker"), desk.names
        if spec is None:  # no stage has versions of its own
            return registry.list_versions(sagemaker, names.group(dimension))
        return StageVersions(sagemaker, desk.client("dynamodb"), names, spec.follows, desk.clock).of(dimension)

    return desk.kept.get(("versions of", desk.stage, dimension), VERSIONS_S, read)


def _deployed(read: Callable[[], T]) -> T | None:
    """What the experiments' table has; None where their stack is not deployed yet."""
    try:
        return read()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None
