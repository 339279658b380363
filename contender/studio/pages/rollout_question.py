"""What a question's experiment shows: the verdict, its guardrails and its sample ratio, in words and as charts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from contender.experiments.guardrails import ERROR_RATE, LATENCY, Guardrail, read
from contender.experiments.judge import judge
from contender.experiments.sample_ratio import SampleRatio, sample_ratio
from contender.experiments.sentences import percent
from contender.experiments.verdict import Verdict
from contender.naming import variant_name
from contender.rollout.judging import sharing
from contender.rollout.spec import Spec
from contender.studio.charts.chart import Chart
from contender.studio.desk import Desk
from contender.studio.formats import DASH, number
from contender.studio.reading.questions import Question
from contender.studio.reading.rollouts import Counted, Rollout, counted, kept_s
from contender.studio.views import rollout_charts
from contender.studio.views.evidence_over_time import moments

ACTIONS = {"roll_back": "roll back", "hold": "hold", "warn": "warn"}


@dataclass(frozen=True, slots=True)
class Guarded:
    """A guardrail as it stands, in words; `word` is one of the states."""

    metric: str
    limit: str
    champion: str
    challenger: str
    n: float
    action: str
    word: str
    note: str


@dataclass(frozen=True, slots=True)
class Ratio:
    """Where users went; `odds` is the e-value: how many times a bet against the shares has multiplied its stake."""

    test: SampleRatio
    alpha: float
    action: str

    @property
    def alarm(self) -> bool:
        return self.test.alarm(self.alpha)

    @property
    def odds(self) -> float:
        return 1 / self.test.p_value if self.test.p_value > 0 else math.inf

    @property
    def rows(self) -> list[tuple[str, float, int]]:
        return [(name, self.test.expected[name], self.test.observed[name]) for name in sorted(self.test.observed)]


@dataclass(frozen=True, slots=True)
class Asked:
    """All that is shown of a question; `under_way`: it is being asked now."""

    question: Question
    under_way: bool
    counted: Counted
    verdict: Verdict
    guardrails: tuple[Guarded, ...]
    ratio: Ratio | None
    charts: tuple[Chart, ...]

    @property
    def measured(self) -> bool:
        """Whether there is anything to draw; where there is not, one sentence says why for all charts."""
        return any(chart.rows for chart in self.charts)


def ask(desk: Desk, found: Rollout, question: Question, spec: Spec) -> Asked:
    """Count a question's experiment and judge it as the tick does."""
    now, seen = desk.clock(), counted(desk, found, question)
    over_time = desk.kept.get(
        ("moments", question.state.endpoint, question.experiment, question.version, seen.at, spec.digest),
        kept_s(spec),
        lambda: moments(spec, spec.goal, seen.buckets, question, seen.at) if spec.goal else (),
    )
    users = seen.evidence.users
    return Asked(
        question,
        question.state is found.state,
        seen,
        _verdict(spec, found, question, seen, now),
        tuple(_guarded(spec, each, seen, question) for each in spec.guardrails),
        Ratio(sample_ratio(users), spec.sample_ratio_alpha, ACTIONS[spec.sample_ratio_action]) if users else None,
        tuple(
            rollout_charts.about_rewards(
                spec.goal, over_time, question, rollout_charts.variants(found.state, found.entries)
            )
        ),
    )


def _verdict(spec: Spec, found: Rollout, question: Question, seen: Counted, now: datetime) -> Verdict:
    """Now, or of a question that is over, the last one that the ledger has and that was about more than guardrails."""
    for entry in found.entries if question.state is not found.state else ():
        verdict = entry.decision.verdicts.get(question.version)
        if verdict is not None and entry.before.experiment == question.experiment and verdict.code != "no_goal":
            return verdict
    return judge(
        spec.goal,
        spec.guardrails,
        seen.evidence,
        variant_name(question.champion),
        variant_name(question.version),
        (now - question.track.judged_from).total_seconds(),
        challengers=sharing(question.state),
        sample_ratio_alpha=spec.sample_ratio_alpha,
        sample_ratio_action=spec.sample_ratio_action,
    )


def _guarded(spec: Spec, guardrail: Guardrail, seen: Counted, question: Question) -> Guarded:
    champion, challenger = variant_name(question.champion), variant_name(question.version)
    level = guardrail.alpha / (sharing(question.state) * len(spec.guardrails))
    reading = read(guardrail, seen.evidence, champion, challenger, level)
    thin = reading.n < guardrail.minimum_sample
    word, note = ("ALARM", "beyond the limit") if reading.beyond else ("OK", "within the limit, as far as is known")
    if thin:
        word, note = "Waiting", f"{reading.n:,.0f} of {guardrail.minimum_sample:,} requests that it needs"
    return Guarded(
        guardrail.metric,
        _limit(guardrail, champion),
        _figure(guardrail, reading.champion) if reading.n else DASH,
        _figure(guardrail, reading.challenger) if reading.n else DASH,
        reading.n,
        ACTIONS[guardrail.action],
        word,
        note,
    )


def _limit(guardrail: Guardrail, champion: str) -> str:
    if guardrail.metric == ERROR_RATE:
        return f"{guardrail.limit * 100:.3g} point{'s' * (guardrail.limit != 0.01)} above {champion}"
    if guardrail.metric == LATENCY:
        return f"{guardrail.limit:g} times {champion}'s"
    return f"{guardrail.limit:.4g} below {champion}"


def _figure(guardrail: Guardrail, value: float) -> str:
    if guardrail.metric == ERROR_RATE:
        return percent(value)
    return f"{value:,.0f} ms" if guardrail.metric == LATENCY else number(value)
