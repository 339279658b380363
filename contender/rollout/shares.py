"""What each variant is to get: by the steps that the tracks are at, or by what the arms have earned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from contender.experiments.arms import Arm, Kind
from contender.experiments.evidence import SHARE_DIGITS, Stratum, totals
from contender.experiments.forgetting import discounted
from contender.experiments.strategies import strategy
from contender.naming import variant_name
from contender.rollout.draft import Draft, percent
from contender.rollout.spec import Spec
from contender.rollout.state import Phase, Track

STRONGEST = 0.99
"""A share of 1 has no odds; a challenger that competes with others counts as one of at most this."""
NOTICEABLE = 0.01
"""A strategy moves shares when one changes by this much: each move makes the endpoint change."""
SERVED = frozenset({Phase.RAMPING, Phase.AWAITING_APPROVAL, Phase.INCONCLUSIVE})


def allocate(draft: Draft) -> None:
    """Set the shares that the tracks ask for now. Weights that a person has set stay until a track moves."""
    state = draft.state
    if state.champion is None or (state.by_hand and not draft.moved):
        return
    promotion = draft.promotion
    main = promotion.version if promotion else state.champion
    tracks = tuple(track for track in state.active if track.version != main)
    served = tuple(track for track in tracks if track.phase in SERVED and track.step > 0)
    if promotion is not None:
        portions = fitted({track.version: state.shares.get(track.version, 0.0) for track in served})
    elif draft.spec.adaptive:
        portions = _earned(draft, served)
    else:
        portions = fitted({track.version: step_share(draft, track) for track in served})
    wanted = completed({state.champion: 0.0, **{track.version: 0.0 for track in tracks}, **portions}, main)
    if wanted == dict(state.shares):
        _go_on(draft)
        return
    if not draft.moved:
        if draft.spec.dry_run:
            draft.note("dry_run:shares", f"dry run: shares would become {describe(wanted)}")
            return
        draft.say("shares", f"shares become {describe(wanted)}")
    draft.state = replace(state, shares=wanted, shares_since=draft.now, settled=None, by_hand=False)


def _go_on(draft: Draft) -> None:
    """The shares stay: for tracks that have moved all the same, the endpoint serves what they ask for already."""
    state, live = draft.state, draft.observation.live
    if state.by_hand:
        draft.state = replace(state, by_hand=False)
    if draft.moved and state.settled is not None:
        for track in state.active:
            if track.settled is None and track.version in live:
                draft.change(track, settled=draft.now)


def fitted(wanted: Mapping[int, float]) -> dict[int, float]:
    """The challengers' shares, such that the champion keeps at least as much as the largest of several gets.

    Where they ask for more together, each keeps its odds against the champion: 50 % and 50 % become a third each.
    """
    if len(wanted) > 1 and sum(wanted.values()) + max(wanted.values()) > 1.0 + 1e-9:
        bounded = {version: min(share, STRONGEST) for version, share in wanted.items()}
        odds = {version: share / (1.0 - share) for version, share in bounded.items()}
        wanted = {version: ratio / (1.0 + sum(odds.values())) for version, ratio in odds.items()}
    return {version: round(share, SHARE_DIGITS) for version, share in wanted.items()}


def completed(given: Mapping[int, float], main: int) -> dict[int, float]:
    """Shares that sum to 1: `main` gets what the others leave, and what rounding took too much is the largest's."""
    shares = {**given, main: 0.0}
    left = round(1.0 - sum(shares.values()), SHARE_DIGITS)
    taker = main if left >= 0 else max(shares, key=lambda version: shares[version])
    return {**shares, taker: round(shares[taker] + left, SHARE_DIGITS)}


def step_share(draft: Draft, track: Track) -> float:
    """The share of the step a track is at; the last one's where the settings have fewer steps by now."""
    steps = draft.spec.steps
    if track.version in draft.pins.challengers:
        return steps[0].share
    return steps[min(max(track.step, 1), len(steps)) - 1].share


def describe(shares: Mapping[int, float]) -> str:
    return ", ".join(f"v{version} {percent(share)}" for version, share in sorted(shares.items()))


def _earned(draft: Draft, served: tuple[Track, ...]) -> dict[int, float]:
    """The strategy's shares of the challengers; a new one has the first step's until it is warm.

    Who waits for a person, and who is pinned, keeps what it has. Between two buckets there is nothing new to learn
    from, so nothing moves.
    """
    state, spec = draft.state, draft.spec
    current = {track.version: state.shares.get(track.version, 0.0) for track in served}
    over = state.shares_since is not None and draft.now - state.shares_since >= timedelta(seconds=spec.bucket_s)
    due = over and state.settled is not None and not state.paused
    if state.champion is None or spec.goal is None or not (due or draft.moved):
        return current
    pinned = draft.pins.challengers
    kept = fitted(
        {
            track.version: current[track.version] or spec.steps[0].share
            for track in served
            if track.phase is not Phase.RAMPING or track.version in pinned
        }
    )
    playing = [track.version for track in served if track.version not in kept]
    rest = 1.0 - sum(kept.values())
    portions = _played(spec, spec.goal.kind, draft.evidence.strata, state.champion, playing)
    wanted = kept | {version: round(rest * portions[version], SHARE_DIGITS) for version in playing}
    noticed = any(abs(wanted[version] - current[version]) >= NOTICEABLE for version in wanted)
    return wanted if noticed or draft.moved else current


def _played(
    spec: Spec, kind: Kind, strata: Sequence[Stratum], champion: int, challengers: Sequence[int]
) -> dict[int, float]:
    """The strategy's shares of champion and challengers among themselves. What cools down is forgotten only by arms
    that have been warm, or else an arm with few requests a bucket would never become so."""
    options, first = spec.strategy, fitted(dict.fromkeys(challengers, spec.steps[0].share))
    versions = {variant_name(version): version for version in (champion, *challengers)}
    counted = totals(strata)
    warm = all(counted.get(name, Arm()).n >= options.warm_up for name in versions)
    if warm:
        counted = discounted([stratum.arms for stratum in strata], options.discount)
    chosen = strategy(
        options.name,
        floor=options.floor,
        warm_up=0 if warm else options.warm_up,
        warm_up_shares={variant_name(version): share for version, share in first.items()},
        **({"epsilon": options.epsilon} if options.name == "EpsilonGreedy" else {}),
    )
    shares = chosen.shares({name: counted.get(name, Arm()) for name in versions}, kind)
    return {version: shares[name] for name, version in versions.items()}
