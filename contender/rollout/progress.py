"""How a track gets on: hooks, verdicts, steps, approval, baking, draining."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from contender.experiments.verdict import Outcome, Verdict
from contender.rollout import moves
from contender.rollout.draft import Draft, percent
from contender.rollout.judging import STOPS, judged
from contender.rollout.observation import HookOutcome
from contender.rollout.shares import step_share
from contender.rollout.state import HookRun, Phase, Track

HOOK_PATIENCE = 10
"""A hook that has not answered in this many times its time limit, because whoever asks dies, counts as timed out."""


def advance(draft: Draft, track: Track) -> None:
    """Lead a track on by what was seen of it."""
    match track.phase:
        case Phase.RAMPING if track.step == 0:
            _come_in(draft, track)
        case Phase.RAMPING:
            _ramp(draft, track)
        case Phase.AWAITING_APPROVAL:
            _await(draft, track)
        case Phase.INCONCLUSIVE:
            _stopped(draft, track, judged(draft, track, asks_goal=False))
        case Phase.PROMOTING:
            _serve(draft, track)
        case Phase.BAKING:
            _bake(draft, track)
        case Phase.ROLLING_BACK:
            _drain(draft, track)
        case Phase.PROMOTED | Phase.ROLLED_BACK:
            pass


def hear(draft: Draft, track: Track) -> Track:
    """Take the answers of a track's hooks; the track as it is then."""
    run = track.hook
    if run is None:
        return track
    answers = {
        result.function: result
        for result in draft.observation.hooks
        if (result.version, result.step) == (track.version, run.step)
    }
    for function in run.functions:
        answer = answers.get(function)
        if answer is not None and answer.outcome is not HookOutcome.PASSED:
            verb = "timed out" if answer.outcome is HookOutcome.TIMED_OUT else "failed"
            why = f"hook {function} {verb}" + (f": {answer.message}" if answer.message else "")
            return draft.roll_back(track, f"hook_{answer.outcome}", why)
    if all(function in answers for function in run.functions):
        draft.say("hooks_passed", f"v{track.version} passes {', '.join(run.functions)}", track.version)
        return draft.change(track, hook=None, hooked=run.step)
    if draft.now - run.asked > timedelta(seconds=draft.spec.hooks.timeout_s * HOOK_PATIENCE):
        return draft.roll_back(track, "hook_timed_out", f"{', '.join(run.functions)} never answered")
    return track


def _come_in(draft: Draft, track: Track) -> None:
    if track.version not in draft.observation.live or draft.state.paused:
        return
    if draft.promotion is not None:
        draft.hold(track, "promotion_under_way", f"v{draft.promotion.version} is being promoted")
    elif _hooked(draft, track, "before", draft.spec.hooks.before):
        share = percent(step_share(draft, track))
        _set_step(draft, track, 1, f"v{track.version} begins with {share} beside v{draft.state.champion}")


def _ramp(draft: Draft, track: Track) -> None:
    pinned = track.version in draft.pins.challengers
    promotion = draft.promotion
    verdict = judged(draft, track, asks_goal=not (pinned or promotion or draft.state.paused))
    if _stopped(draft, track, verdict) or draft.state.paused:
        return
    if promotion is not None:
        draft.hold(track, "promotion_under_way", f"v{promotion.version} is being promoted")
    elif pinned:
        draft.hold(track, "pinned", "it is pinned as a challenger in the settings")
    elif verdict is not None and verdict.outcome is Outcome.PROMOTE:
        _win(draft, track, verdict.code, verdict.sentence)
    elif verdict is not None and verdict.outcome is Outcome.INCONCLUSIVE:
        _ask_a_person(draft, track, verdict.code, verdict.sentence)
    elif track.settled is not None:
        _step(draft, track, verdict)


def _step(draft: Draft, track: Track, verdict: Verdict | None) -> None:
    """Go to the step that is due; after the last one, a goal decides, or else the challenger has earned it."""
    steps = draft.spec.steps
    due, code, missing = (len(steps) + 1, "", "") if draft.spec.adaptive else _due(draft, track)
    if due <= min(track.step, len(steps)):
        draft.hold(track, code, missing)
    elif due <= len(steps):
        share = percent(steps[due - 1].share)
        if _hooked(draft, track, "after", draft.spec.hooks.after) and draft.may(f"go to {share}", track.version):
            _set_step(draft, track, due, f"v{track.version} goes to {share}")
    elif draft.spec.goal is None:
        _win(draft, track, "steps_done", "it has passed all steps within its guardrails")
    elif verdict is not None:
        draft.hold(track, verdict.code, verdict.sentence)
    else:
        draft.hold(track, "not_counted", "nothing has been counted yet")


def _due(draft: Draft, track: Track) -> tuple[int, str, str]:
    """The step a track is to be at, one beyond the last when that is done; and what its own still lacks.

    Steps that are overdue, because no tick came, fold into one. The last one is never skipped.
    """
    steps, now = draft.spec.steps, draft.now
    settled = track.settled or now
    time_s = (now - settled).total_seconds()
    sample = max(draft.requests(track.version) - track.sample, 0)
    at = min(track.step, len(steps))
    own = steps[at - 1]
    if sample < own.sample:
        return at, "step_sample", f"{sample} of {own.sample} requests"
    if time_s < own.time_s:
        until = settled + timedelta(seconds=own.time_s)
        return at, "step_time", f"until {until:%Y-%m-%d %H:%M:%S} UTC"
    if at == len(steps):
        return at + 1, "", ""
    while at < len(steps) and time_s >= steps[at - 1].time_s and sample >= steps[at - 1].sample:
        time_s -= steps[at - 1].time_s
        sample -= steps[at - 1].sample
        at += 1
    return at, "", ""


def _set_step(draft: Draft, track: Track, step: int, sentence: str) -> None:
    draft.say("step", sentence, track.version)
    draft.moved = True
    judged_from = track.judged_from if track.step else draft.now
    draft.change(
        track,
        step=step,
        since=draft.now,
        judged_from=judged_from,
        settled=None,
        sample=draft.requests(track.version),
        code="step",
        reason=sentence,
    )


def _win(draft: Draft, track: Track, code: str, why: str) -> None:
    pinned = draft.pins.champion
    if pinned is not None and pinned != track.version:
        draft.hold(track, "champion_pinned", f"it has earned to be champion, but v{pinned} is pinned: {why}")
    elif not _hooked(draft, track, "after", draft.spec.hooks.after):
        return
    elif draft.may(f"be promoted ({code})", track.version):
        if draft.spec.approval == "manual":
            sentence = f"v{track.version} waits for somebody's approval: {why}"
            draft.turn(track, Phase.AWAITING_APPROVAL, code, sentence, settled=track.settled)
        else:
            moves.promote(draft, track, code, why)


def _hooked(draft: Draft, track: Track, when: Literal["before", "after"], functions: tuple[str, ...]) -> bool:
    """Whether a track's hooks at its step have passed; they are asked for otherwise. A dry run asks nobody."""
    if not functions or track.hooked == track.step or draft.spec.dry_run:
        return True
    if track.hook is None:
        sentence = f"v{track.version} is put to {', '.join(functions)}"
        draft.say("hooks", sentence, track.version)
        draft.change(track, hook=HookRun(when, track.step, functions, draft.now))
    return False


def _stopped(draft: Draft, track: Track, verdict: Verdict | None) -> bool:
    """Roll back or hold a track if its verdict says so, and pass warnings on, each once."""
    if verdict is None:
        return False
    for code, sentence in verdict.warnings:
        if code not in track.warned:
            draft.say("warning", f"v{track.version}: {sentence}", track.version)
            track = draft.change(track, warned=(*track.warned, code))
    if verdict.outcome is Outcome.ROLL_BACK:
        if draft.may(f"roll back ({verdict.code})", track.version):
            draft.roll_back(track, verdict.code, verdict.sentence)
        return True
    if verdict.outcome is not Outcome.HOLD or not verdict.code.startswith(STOPS):
        return False
    goal = draft.spec.goal
    over = goal is not None and draft.now - track.judged_from >= timedelta(seconds=goal.maximum_duration_s)
    if over and track.phase is Phase.RAMPING and not draft.state.paused:
        _ask_a_person(draft, track, "out_of_time", f"{verdict.sentence}, and the time is over")
    else:
        draft.hold(track, verdict.code, verdict.sentence)
    return True


def _ask_a_person(draft: Draft, track: Track, code: str, why: str) -> None:
    if draft.may(f"ask a person ({code})", track.version):
        sentence = f"v{track.version} asks a person to promote, roll back or resume it: {why}"
        draft.turn(track, Phase.INCONCLUSIVE, code, sentence, settled=track.settled)


def _await(draft: Draft, track: Track) -> None:
    verdict = judged(draft, track, asks_goal=False)
    if _stopped(draft, track, verdict) or draft.state.paused or draft.promotion is not None:
        return
    if draft.spec.approval == "automatic" and draft.may("be promoted (no_approval)", track.version):
        moves.promote(draft, track, "no_approval", "the settings ask for no approval any more")


def _serve(draft: Draft, track: Track) -> None:
    verdict = judged(draft, track, asks_goal=False)
    if verdict is not None and verdict.outcome is Outcome.ROLL_BACK and _stopped(draft, track, verdict):
        return
    if track.settled is None:
        return
    old = draft.state.champion
    sentence = f"v{track.version} serves all traffic, v{old} stands by for {draft.spec.bake_s:g} s"
    draft.turn(track, Phase.BAKING, "bakes", sentence, code=track.code, reason=track.reason, settled=draft.now)


def _bake(draft: Draft, track: Track) -> None:
    state, spec = draft.state, draft.spec
    if _stopped(draft, track, judged(draft, track, asks_goal=False)) or state.paused:
        return
    if state.settled is None or track.settled is None:
        return
    if draft.now - track.settled >= timedelta(seconds=max(spec.bake_s, spec.drain_s)):
        moves.crown_promoted(draft, track, f"v{track.version} is champion, v{state.champion} leaves")


def _drain(draft: Draft, track: Track) -> None:
    """Let a variant leave when no request can be on its way to it any more.

    One that rolled back while it came into service had no share to lose, so its track has nothing to settle.
    """
    state, seen = draft.state, draft.observation
    drained = False
    if state.settled is not None and draft.now > track.since and not state.shares.get(track.version):
        free = track.settled or max(track.since, state.settled)
        drained = draft.now - free >= timedelta(seconds=draft.spec.drain_s)
    if drained or (track.version not in seen.live and not seen.busy):
        sentence = f"v{track.version} leaves the endpoint"
        draft.turn(track, Phase.ROLLED_BACK, "rolled_back", sentence, code=track.code, reason=track.reason)
