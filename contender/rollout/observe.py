"""What is there: the registry's versions, the endpoint, what was counted. Reading only, by describing and counting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contender import endpoints, registry
from contender.endpoints import Leftovers
from contender.experiments.evidence import Evidence
from contender.measurements.settings import Settings
from contender.measurements.store import Store
from contender.naming import variant_name
from contender.rollout import metrics
from contender.rollout.evidence import evidence, from_metrics
from contender.rollout.observation import Command, HookResult, Observation
from contender.rollout.plan import failures, trouble
from contender.rollout.spec import Spec
from contender.rollout.state import State
from contender.rollout.view import View
from contender.stages import StageVersions

ERROR_RATE = "error_rate"


@dataclass(frozen=True, slots=True)
class Known:
    """What a sweep over many dimensions has read of this one already; `absent`: there is no such endpoint."""

    state: State | None
    published: Settings | None
    absent: bool
    leftovers: Leftovers


@dataclass(frozen=True, slots=True)
class Sight:
    """What the dimensions of a stage are read with; without a store experiments are off."""

    sagemaker: Any
    cloudwatch: Any
    versions: StageVersions
    store: Store | None = None
    capture_uri: str = ""

    def view(self, dimension: str, known: Known | None = None) -> View:
        """Versions are read before the endpoint: a change that another run makes in between is then seen as under way
        or done, never as one that was marked and did not happen."""
        names = self.versions.names
        versions, endpoint = self.versions.of(dimension), names.endpoint(dimension)
        if known is not None:
            published = known.published
        else:
            published = self.store.settings(endpoint) if self.store is not None else None
        return View(
            names,
            dimension,
            versions,
            None if known is not None and known.absent else endpoints.read(self.sagemaker, endpoint),
            experiments=self.store is not None,
            published=published,
            capture_uri=self.capture_uri,
        )

    def evidence(self, spec: Spec, state: State, view: View, now: datetime) -> Evidence | None:
        """What was counted of the experiment under way; None where nothing is rolled out.

        Through the API, or where nobody asks through it, by CloudWatch, which knows requests and failures only.
        """
        if not state.active:
            return None
        if self.store is not None and (buckets := self.store.buckets(experiment_of(state, view))):
            counted = evidence(spec, buckets, now)
            if any(arm.n for stratum in counted.guard for arm in stratum.arms.values()):
                return counted
        if not asks_for_requests(spec):
            return Evidence()
        shares = {variant_name(version): share for version, share in state.shares.items()}
        since = min(track.began for track in state.active)
        counts = metrics.requests_and_failures(self.cloudwatch, view.endpoint, shares, since, now)
        return from_metrics(counts, shares)


def experiment_of(state: State, view: View) -> str:
    """Id of the experiment whose counts tell about this state.

    An endpoint that was deleted and made again has begun one of its own, with a higher number.
    """
    known = view.published.number if view.published is not None else 0
    return view.names.experiment(view.dimension, max(state.experiment, known))


def observation(
    spec: Spec,
    state: State,
    view: View,
    counted: Evidence | None,
    *,
    hooks: tuple[HookResult, ...] = (),
    command: Command | None = None,
) -> Observation:
    """What a decision is made from."""
    champion, failed = registry.champion(view.versions), failures(view)
    return Observation(
        versions=tuple(version.number for version in view.versions),
        waiting=tuple(each.number for each in view.versions if each.deployable and each.number not in failed),
        live=view.live,
        champion=champion.number if champion is not None else None,
        failed=failed,
        rejected=tuple(version.number for version in view.versions if version.rejected),
        busy=view.serving is not None and view.serving.busy,
        trouble=trouble(state, view),
        experiment=state.experiment,
        evidence=counted,
        hooks=hooks,
        command=command,
    )


def asks_for_requests(spec: Spec) -> bool:
    """Whether requests that did not come through the API say something that the settings ask for."""
    return any(guardrail.metric == ERROR_RATE for guardrail in spec.guardrails) or any(
        step.sample for step in spec.steps
    )
