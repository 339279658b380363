"""How traffic is shared between champion and challengers, and how it is counted."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from contender.config.sections.rollout import DAY_S
from contender.config.sections.section import Section


class Strategy(Section):
    """How shares follow from what was counted."""

    name: Literal["Weighted", "EpsilonGreedy", "UCB1", "Thompson", "TopTwoThompson"] = "Weighted"
    """Weighted takes rollout.steps; the others give the better variant more while the experiment runs."""
    epsilon: float = Field(default=0.1, gt=0, le=1)
    """EpsilonGreedy's share for trying all variants alike."""
    floor: float = Field(default=0.05, ge=0, lt=0.5)
    """Share that a bandit strategy leaves to every variant, so that none is ever unknown."""
    warm_up: int = Field(default=100, ge=0, le=1_000_000)
    """Requests each variant answers before a bandit strategy prefers any."""
    discount: float = Field(default=1.0, gt=0, le=1)
    """Weight of a bucket's counts beside the next one's: under 1 a bandit strategy forgets what was long ago."""

    @model_validator(mode="after")
    def _options_are_the_strategys_own(self) -> Strategy:
        given = self.model_fields_set
        if "epsilon" in given and self.name != "EpsilonGreedy":
            raise ValueError(f"epsilon is EpsilonGreedy's, and the strategy is {self.name}: take it out")
        if self.name == "Weighted" and self.discount < 1:
            raise ValueError("discount forgets nothing for Weighted, whose shares are those of the steps: take it out")
        return self


class SampleRatio(Section):
    """Whether users are split as the shares say; where they are not, figures of variants cannot be compared."""

    alpha: float = Field(default=0.001, gt=0, lt=0.5)
    """How often a true split raises the alarm, however often one looks."""
    action: Literal["hold", "roll_back", "warn"] = "hold"
    """What an alarm does."""


class Design(Section):
    """What a stage may decide about its experiments."""

    strategy: Strategy = Strategy()
    sticky: Literal["hash", "stored"] = "hash"
    """What keeps a user on a variant: a hash, which moves the fewest users when shares change, or a stored
    assignment, which moves none."""
    bucket_s: int = Field(default=3600, ge=1, le=DAY_S)
    """Seconds that are counted together."""
    reward_window_s: int = Field(default=3600, ge=0, le=90 * DAY_S)
    """Seconds that a reward may take to come: younger requests do not count for the goal yet."""
    sample_ratio: SampleRatio = SampleRatio()


class Experiment(Design):
    """The API in front of the endpoints, its events, and the counts that rollouts are judged on."""

    enabled: bool = True
    """Whether the API, its events and its counts are deployed; without them steps go by time and requests, and the
    only guardrail is error_rate: CloudWatch counts both."""
    access: Literal["key", "iam"] = "key"
    """How callers of the API prove who they are: an API key, or AWS credentials."""
    cache_s: int = Field(default=10, ge=1, le=300)
    """Seconds that the API may serve by old shares."""
    access_log: bool = False
    """Whether the API logs each request. API Gateway may only write logs in an account whose own settings name a role
    for that (`aws apigateway update-account`), which all APIs of the region share, so no stack sets it."""
