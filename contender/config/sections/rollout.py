"""How a challenger becomes champion, or leaves: steps, goal, guardrails, approval, hooks."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from contender.config.sections.section import Section, Share, shaped

MAX_CHALLENGERS = 9
"""An endpoint takes ten production variants, and one of them is the champion's."""
DAY_S = 86_400
REWARD_NAME = r"[A-Za-z][A-Za-z0-9_.-]{0,39}"
COUNTED_WITHOUT_API = frozenset({"error_rate"})
"""Guardrails' metrics that CloudWatch's counts of an endpoint tell as well: requests and failures by variant."""

FunctionName = Annotated[str, shaped(r"[A-Za-z0-9_-]{1,64}", "the name of a Lambda function, without its ARN")]
RewardName = Annotated[str, shaped(REWARD_NAME, "up to 40 letters, digits and . _ -, a letter first")]
Metric = Annotated[
    str, shaped(f"error_rate|latency_p95|reward:{REWARD_NAME}", "error_rate, latency_p95 or reward:<name>")
]


class Step(Section):
    """A share of the traffic, and what a challenger must have behind it there before it goes on."""

    share: Share
    """The challenger's share of the dimension's traffic."""
    time_s: int = Field(default=3600, ge=0, le=90 * DAY_S)
    """Seconds it stays at this share at least."""
    sample: int = Field(default=500, ge=0, le=1_000_000_000)
    """Requests it answers at this share at least."""


class Goal(Section):
    """What makes a challenger the better one."""

    kind: Literal["binary", "real"] = "binary"
    """binary: a request is a success when its rewards sum to more than 0. real: their sum itself counts."""
    reward: RewardName = "reward"
    """The reward that is judged: the `name` of conversions, which is `reward` where they carry none."""
    method: Literal["confidence_sequence", "msprt", "expected_loss"] = "confidence_sequence"
    """The test: it may be looked at as often as one likes, see docs/statistics.md."""
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """How often a challenger that is no better or worse is taken for one that is, however often one looks."""
    minimum_effect: float = Field(default=0.0, ge=0)
    """Reward per request that a difference must reach to matter: where it surely does not, either way round, a
    person is asked. 0.01 is one more success in a hundred requests."""
    minimum_sample: int = Field(default=500, ge=1, le=1_000_000_000)
    """Requests each of champion and challenger answer before anything is concluded."""
    maximum_duration_s: int = Field(default=14 * DAY_S, ge=1, le=365 * DAY_S)
    """After this many seconds without a verdict the rollout is inconclusive, and a person is asked."""
    n_star: int = Field(default=5_000, ge=2, le=1_000_000_000)
    """confidence_sequence: requests of both at which it is tightest; about how many a verdict should take."""
    tau: float | None = Field(default=None, gt=0)
    """msprt: standard deviation of the differences that are to be expected; null: 0.02 for a binary reward, a tenth of
    the reward's standard deviation for a real one."""
    loss: float = Field(default=0.01, gt=0, lt=1)
    """expected_loss: part of the champion's reward that a verdict may cost on average, once it is right with
    probability 1 - alpha."""
    design_effect: float = Field(default=1.0, ge=1, le=10_000)
    """How many times as much means vary as those of independent requests, because users come back and earn alike;
    `contender experiment replay` measures it."""

    @model_validator(mode="after")
    def _options_are_the_methods_own(self) -> Goal:
        for option, method in (("n_star", "confidence_sequence"), ("tau", "msprt"), ("loss", "expected_loss")):
            if option in self.model_fields_set and self.method != method:
                raise ValueError(f"{option} is {method}'s, and the method is {self.method}: take it out")
        return self


class Guardrail(Section):
    """Something that must not get worse, whatever the goal says."""

    metric: Metric
    """error_rate, latency_p95, or reward:<name>."""
    limit: float = Field(ge=0)
    """How much worse than the champion is still accepted. error_rate: difference of the shares of failed requests,
    0.01 is one point. latency_p95: ratio, 1.5 is half as slow again. reward:<name>: reward per request lost."""
    action: Literal["roll_back", "hold", "warn"] = "roll_back"
    """roll_back: the challenger leaves. hold: its share does not grow. warn: the history says so."""
    minimum_sample: int = Field(default=100, ge=1, le=1_000_000_000)
    """Requests the challenger answers before this is judged."""
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """How often a challenger within the limit is taken for one beyond it, however often one looks."""

    @model_validator(mode="after")
    def _the_limit_fits_the_metric(self) -> Guardrail:
        if self.metric == "error_rate" and self.limit >= 1:
            raise ValueError(f"limit of error_rate is a share below 1, not {self.limit:g}: 0.01 is one point")
        if self.metric == "latency_p95" and self.limit <= 1:
            raise ValueError(f"limit of latency_p95 is a ratio above 1, not {self.limit:g}: 1.5 is half as slow again")
        return self


class Hooks(Section):
    """A team's own validation: Lambda functions that answer whether the rollout may go on."""

    before: Annotated[tuple[FunctionName, ...], Field(strict=False)] = ()
    """Functions asked before a challenger gets any traffic, each named <project>-hook-<something>."""
    after: Annotated[tuple[FunctionName, ...], Field(strict=False)] = ()
    """Functions asked after each step, before the next one."""
    timeout_s: int = Field(default=60, ge=1, le=600)
    """A hook that takes longer has failed. One that fails rolls the challenger back."""


class Rollout(Section):
    """How much traffic a challenger gets, when, and who decides."""

    steps: Annotated[tuple[Step, ...], Field(strict=False, min_length=1, max_length=20)] = (
        Step(share=0.1),
        Step(share=0.25),
        Step(share=0.5),
    )
    """Shares of the traffic, the first a new challenger's. Bandit strategies set shares themselves: they start from
    the first step's."""
    goal: Goal | None = Goal()
    """What is won or lost; null: after the last step a challenger whose guardrails hold is promoted."""
    guardrails: Annotated[tuple[Guardrail, ...], Field(strict=False, max_length=20)] = (
        Guardrail(metric="error_rate", limit=0.01),
        Guardrail(metric="latency_p95", limit=1.5),
    )
    """Judged at every step and while the promoted version bakes."""
    approval: Literal["automatic", "manual"] = "automatic"
    """Whether a challenger that won is promoted at once or waits for `contender rollout approve`."""
    dry_run: bool = False
    """Whether rollouts only record what they would do."""
    bake_time_s: int = Field(default=3600, ge=0, le=30 * DAY_S)
    """Seconds that the old champion stays beside a promoted version, without traffic, to roll back to."""
    drain_s: int = Field(default=60, ge=0, le=DAY_S)
    """Seconds between a variant's last share and its removal: at least experiment.cache_s, which is how long a request
    may still be sent to it."""
    newer: Literal["queue", "replace"] = "queue"
    """What a newer version does while max_challengers are there: wait, or take the oldest one's place."""
    max_challengers: int = Field(default=3, ge=1, le=MAX_CHALLENGERS)
    """Challengers beside a champion at the same time."""
    weights_by_hand: Literal["respect", "put_back"] = "respect"
    """What becomes of weights that a person sets in the console: kept until the next step, or put back. Both are in
    the rollout's history."""
    hooks: Hooks = Hooks()

    @model_validator(mode="after")
    def _steps_lead_upwards(self) -> Rollout:
        for number, (step, following) in enumerate(pairwise(self.steps)):
            if not step.share < following.share:
                raise ValueError(
                    f"steps.{number + 1}.share is {following.share:g} after {step.share:g}: each step's share is larger"
                )
        return self

    @model_validator(mode="after")
    def _each_guardrail_is_there_once(self) -> Rollout:
        metrics = [guardrail.metric for guardrail in self.guardrails]
        for metric in metrics:
            if metrics.count(metric) > 1:
                raise ValueError(f"guardrails hold {metric} twice: one limit and one action each")
        return self
