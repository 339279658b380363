"""What comes next in a challenger's rollout, in words, and how far it is on the way there.

It says what `rollout.progress` would do, from the same settings and counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from contender.experiments.arms import Arm
from contender.experiments.evidence import Evidence, totals
from contender.naming import variant_name
from contender.rollout.draft import percent
from contender.rollout.judging import STOPS
from contender.rollout.spec import Spec, Step
from contender.rollout.state import Phase, State, Track
from contender.studio.formats import time_


@dataclass(frozen=True, slots=True)
class Progress:
    """So much of so much: requests, or seconds."""

    what: str
    done: float
    of: float
    seconds: bool = False

    @property
    def reached(self) -> bool:
        return self.done >= self.of


DOES = {
    Phase.RAMPING: "challenges it",
    Phase.AWAITING_APPROVAL: "has won and waits for approval",
    Phase.INCONCLUSIVE: "asks for a person",
    Phase.PROMOTING: "takes over",
    Phase.BAKING: "has taken over and is watched",
    Phase.ROLLING_BACK: "rolls back",
}


def headline(state: State) -> str:
    """Who is champion, and what each challenger does."""
    if state.champion is None:
        return "nothing serves"
    challengers = [f"v{track.version} {DOES[track.phase]}" for track in state.active]
    return ", ".join([f"v{state.champion} is champion", *challengers])


def outlook(spec: Spec, state: State, track: Track, now: datetime) -> tuple[str, ...]:
    """What happens next, and when; a sentence for each thing that is waited for."""
    said = tuple(_next(spec, state, track, now))
    if state.paused and track.active and track.phase not in (Phase.PROMOTING, Phase.ROLLING_BACK):
        return (
            "It is paused: nothing grows and nothing is promoted until it is resumed. Guardrails act.",
            *said,
        )
    return said


def progress(spec: Spec, state: State, track: Track, evidence: Evidence, now: datetime) -> tuple[Progress, ...]:
    """How far a ramping challenger is towards its next step and towards a conclusion."""
    if track.phase is not Phase.RAMPING or track.step == 0 or state.champion is None:
        return ()
    found = []
    if not spec.adaptive:
        step = _step(spec, track)
        requests = totals(evidence.guard).get(variant_name(track.version), Arm()).n
        if step.sample:
            found.append(Progress(f"requests in step {track.step}", max(requests - track.sample, 0), step.sample))
        if step.time_s and track.settled:
            found.append(
                Progress(f"time in step {track.step}", _seconds(track.settled, now), step.time_s, seconds=True)
            )
    if spec.goal is not None:
        counted = totals(evidence.strata)
        for version in (state.champion, track.version):
            name = variant_name(version)
            done = counted.get(name, Arm()).n
            found.append(Progress(f"counted requests of {name}", done, spec.goal.minimum_sample))
        limit = spec.goal.maximum_duration_s
        found.append(Progress("time until a person is asked", _seconds(track.judged_from, now), limit, seconds=True))
    return tuple(found)


def _next(spec: Spec, state: State, track: Track, now: datetime) -> Iterator[str]:
    name, champion = f"v{track.version}", f"v{state.champion}"
    if track.hook is not None:
        yield f"{', '.join(track.hook.functions)} must answer first: asked {time_(track.hook.asked)} UTC."
    match track.phase:
        case Phase.RAMPING if track.step == 0:
            share = percent(spec.steps[0].share)
            yield f"As soon as {name} is in service, it begins with {share} beside {champion}."
        case Phase.RAMPING:
            yield from _ramping(spec, state, track, now)
        case Phase.AWAITING_APPROVAL:
            yield "It has won, and waits for a person: approve it, or roll it back. Until then it keeps its share."
        case Phase.INCONCLUSIVE:
            yield "A person is asked: promote it, roll it back, or resume to look on. Until then it keeps its share."
        case Phase.PROMOTING:
            yield f"The endpoint gives {name} all traffic; {champion} then stands by for {spec.bake_s:g} s."
        case Phase.BAKING:
            until = _at(track.settled, max(spec.bake_s, spec.drain_s))
            yield f"If no guardrail fires, {name} becomes champion{until}, and {champion} leaves the endpoint."
        case Phase.ROLLING_BACK:
            yield f"{champion} has its traffic; {name} leaves the endpoint{_at(track.settled, spec.drain_s)}."
        case Phase.PROMOTED:
            yield "It is champion; the next version that is registered challenges it."
        case Phase.ROLLED_BACK:
            yield f"It gets no traffic unless a person starts it; {champion} serves."


def _ramping(spec: Spec, state: State, track: Track, now: datetime) -> Iterator[str]:
    if track.code.startswith(STOPS):
        yield "It holds until that is no longer so: no step is taken meanwhile."
    pins = spec.pins(state.dimension)
    if track.version in pins.challengers:
        yield "It is pinned as a challenger in contender.yaml: it keeps the first step's share."
        return
    if pins.champion is not None:
        yield f"v{pins.champion} is pinned as champion in contender.yaml: nothing replaces it."
    if spec.adaptive:
        yield f"{spec.strategy.name} sets the shares anew every {spec.bucket_s:g} s, by what each variant has earned."
    else:
        yield _following_step(spec, track)
    goal = spec.goal
    if goal is None:
        return
    until = track.judged_from + timedelta(seconds=goal.maximum_duration_s)
    asked = "a person is asked" if until > now else "a person is asked at the next look"
    yield (
        f"It is promoted or rolled back as soon as it has shown to earn more or less than v{state.champion}, "
        f"with {goal.minimum_sample:,} counted requests each at least; if it has not by {time_(until)} UTC, {asked}."
    )
    if spec.approval == "manual":
        yield "Before a promotion a person has to approve it."
    if spec.dry_run:
        yield "contender.yaml asks for a dry run: what would be done is recorded only."


def _following_step(spec: Spec, track: Track) -> str:
    steps, step = spec.steps, _step(spec, track)
    needs = [f"{step.sample:,} requests in this one"] if step.sample else []
    if step.time_s:
        needs.append(f"not before {time_(track.settled + timedelta(seconds=step.time_s))} UTC" if track.settled else "")
    condition = ", ".join(need for need in needs if need) or "at the next look"
    if track.step < len(steps):
        return f"Step {track.step + 1} of {len(steps)} gives it {percent(steps[track.step].share)}: {condition}."
    if spec.goal is None:
        return f"After this last step it is promoted, if no guardrail fires: {condition}."
    return f"It is at the last step, with {percent(step.share)}; the goal decides."


def _step(spec: Spec, track: Track) -> Step:
    return spec.steps[min(max(track.step, 1), len(spec.steps)) - 1]


def _at(settled: datetime | None, seconds: float) -> str:
    if settled is None:
        return f" {seconds:g} s after the endpoint has changed"
    return f" at the first look after {time_(settled + timedelta(seconds=seconds))} UTC"


def _seconds(since: datetime, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0)
