"""What the endpoint serves against what was decided: settled, changed by a person, failed, or gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from contender.experiments.evidence import SHARE_DIGITS
from contender.rollout import moves
from contender.rollout.draft import Draft
from contender.rollout.shares import SERVED, describe
from contender.rollout.state import Phase

TOLERANCE = 1e-5
"""SageMaker keeps weights as 32-bit floats."""


def take_over(draft: Draft) -> None:
    """Begin with what serves already, or with the first version; neither is an experiment."""
    seen, state = draft.observation, draft.state
    if state.champion is not None:
        return
    if live := _of_ours(seen.live, sorted(seen.live.keys() - {*state.barred})):
        largest = max(live, key=lambda version: live[version])
        champion = seen.champion if seen.champion in live else largest
        draft.state = replace(state, champion=champion, shares=live, shares_since=draft.now, served=True)
        draft.say("taken_over", f"taken over as it serves: {describe(live)}", champion)
        for version in sorted(live.keys() - {champion}):
            sentence = f"v{version} was a challenger before rollouts were recorded"
            draft.change(moves.enter(draft, version, sentence), step=1)
        return
    known = {*seen.versions} - {*state.barred}
    first = next((v for v in (seen.champion, draft.pins.champion, *sorted(seen.waiting)) if v in known), None)
    if first is not None and draft.may("serve first", first):
        moves.crown(draft, first, f"v{first} serves first, without an experiment")


def fail(draft: Draft) -> None:
    """Take away whoever does not serve: its variant did not start, or SageMaker has silently gone back without it."""
    seen, state = draft.observation, draft.state
    for track in state.active:
        if track.version in seen.failed and track.phase is not Phase.ROLLING_BACK:
            draft.roll_back(track, "failed", f"it does not serve: {seen.failed[track.version]}")
    champion = state.champion
    if champion is None or champion not in seen.failed:
        return
    reason = seen.failed[champion]
    if not state.served:
        draft.bar(champion)
        ended = tuple(track for track in draft.state.tracks if not track.active)
        draft.state = replace(draft.state, champion=None, shares={}, shares_since=None, tracks=ended)
        draft.say("failed", f"v{champion}, the first version, does not serve: {reason}", champion)
    else:
        draft.note("champion_failed", f"champion v{champion} does not serve as it should: {reason}")


def withdraw(draft: Draft) -> None:
    """Take away whom the registry rejects or has no more. A champion serves on until another takes its place."""
    champion = draft.state.champion
    for track in draft.state.active:
        if track.phase is not Phase.ROLLING_BACK and (why := _withdrawn(draft, track.version)):
            draft.roll_back(track, "withdrawn", why)
    if champion is not None and (why := _withdrawn(draft, champion)):
        draft.note("champion_withdrawn", f"champion v{champion} serves on until another is promoted: {why}")


def settle(draft: Draft) -> None:
    """See whether the endpoint serves the shares, and since when; a person's changes are respected or put back."""
    seen, state = draft.observation, draft.state
    if seen.busy or state.champion is None or not state.shares:
        return
    if seen.trouble:
        draft.note("trouble", seen.trouble)
        draft.state = replace(state, settled=None)
        return
    absent = [version for version, share in state.shares.items() if share > 0 and version not in seen.live]
    live = _of_ours(seen.live, state.shares)
    as_wanted = not absent and all(abs(live.get(v, 0.0) - share) <= TOLERANCE for v, share in state.shares.items())
    if as_wanted and state.settled is None:
        draft.state = replace(state, settled=draft.now, served=True)
        draft.say("serves", f"the endpoint serves {describe(state.shares)}")
        for track in draft.state.active:
            if track.settled is None and track.version in seen.live:
                draft.change(track, settled=draft.now)
    elif absent and state.settled is not None:
        draft.state = replace(state, settled=None)
        gone = ", ".join(f"v{version}" for version in absent)
        draft.say("gone", f"{gone} left the endpoint without being asked to, and is wanted back")
    elif not as_wanted and state.settled is not None:
        _changed_by_hand(draft, live)


def _withdrawn(draft: Draft, version: int) -> str:
    """Why the registry wants a version no more; "" where it has nothing against it."""
    if version not in draft.observation.versions:
        return "the registry has it no more"
    return "it is rejected in the registry" if version in draft.observation.rejected else ""


def _changed_by_hand(draft: Draft, live: Mapping[int, float]) -> None:
    """A dry run respects what a person did: it moves nothing, back neither."""
    state, spec = draft.state, draft.spec
    free = all(track.phase in SERVED and track.step > 0 for track in state.active)
    if live and free and (spec.weights_by_hand == "respect" or spec.dry_run):
        draft.state = replace(state, shares=dict(live), shares_since=draft.now, by_hand=True)
        draft.say("by_hand", f"somebody set the weights by hand, which is respected: {describe(live)}")
    else:
        draft.state = replace(state, settled=None)
        seen = describe(live or draft.observation.live)
        draft.say("put_back", f"somebody set the weights by hand to {seen}: put back to {describe(state.shares)}")


def _of_ours(live: Mapping[int, float], wanted: Iterable[int]) -> dict[int, float]:
    """Live shares among the wanted variants, which sum to 1; nothing when none of them has any."""
    ours = {version: max(live.get(version, 0.0), 0.0) for version in wanted}
    total = sum(ours.values())
    if total <= 0:
        return {}
    shares = {version: round(share / total, SHARE_DIGITS) for version, share in ours.items()}
    largest = max(shares, key=lambda version: shares[version])
    rest = sum(share for version, share in shares.items() if version != largest)
    return {**shares, largest: round(1.0 - rest, SHARE_DIGITS)}
