"""The moves that lead a version from one place of a rollout to the next, whoever asks for them."""

from __future__ import annotations

from dataclasses import replace

from contender.rollout.draft import Draft
from contender.rollout.state import Phase, Track


def crown(draft: Draft, version: int, sentence: str) -> None:
    """Make a version champion where none is: without an experiment."""
    unbarred = tuple(other for other in draft.state.barred if other != version)
    draft.state = replace(
        draft.state,
        champion=version,
        shares={version: 1.0},
        shares_since=draft.now,
        settled=None,
        barred=unbarred,
    )
    draft.say("first_champion", sentence, version)


def enter(draft: Draft, version: int, sentence: str, by: str = "") -> Track:
    """Begin a rollout: the version's variant comes into service, without traffic yet.

    One that has been judged by the counts of the experiment under way begins another: they would judge it again.
    """
    state, again = draft.state, draft.requests(version) > 0
    if again:
        for other in state.active:
            draft.change(other, sample=0)
        state = draft.state
    draft.state = replace(
        state,
        experiment=state.experiment + (0 if state.active and not again else 1),
        barred=tuple(other for other in state.barred if other != version),
        tracks=tuple(track for track in state.tracks if track.version != version),
    )
    draft.say("begins", sentence, version)
    draft.moved = True
    now = draft.now
    return draft.put(Track(version, Phase.RAMPING, 0, now, now, now, "begins", sentence, by=by))


def promote(draft: Draft, track: Track, code: str, why: str) -> Track:
    """Give a track all traffic; the champion's variant stays beside it."""
    draft.state = replace(
        draft.state, barred=tuple(version for version in draft.state.barred if version != track.version)
    )
    return draft.turn(track, Phase.PROMOTING, code, f"v{track.version} is promoted: {why}")


def crown_promoted(draft: Draft, track: Track, sentence: str) -> None:
    """End a promotion: the old champion's variant leaves, and who goes on competes with the new champion.

    A new question begins, so it is a new experiment. Challengers older than the new champion leave, unless a person
    has set them beside it.
    """
    old = draft.state.champion
    draft.turn(track, Phase.PROMOTED, "promoted", sentence, code=track.code, reason=track.reason)
    draft.state = replace(draft.state, champion=track.version, previous=old, experiment=draft.state.experiment + 1)
    if old is not None:
        draft.bar(old)
    for other in draft.state.active:
        if other.phase is Phase.ROLLING_BACK:
            continue
        if other.version < track.version and not other.by and other.version not in draft.pins.challengers:
            draft.roll_back(other, "outdone", f"v{track.version} is champion now, which is newer")
        elif other.step > 0:
            now = draft.now
            sentence = f"v{other.version} begins again at its first step, now against v{track.version}"
            draft.say("begins", sentence, other.version)
            draft.change(
                other,
                phase=Phase.RAMPING,
                step=1,
                since=now,
                judged_from=now,
                settled=None,
                sample=0,
                hook=None,
                hooked=0,
                warned=(),
                code="begins",
                reason=sentence,
            )
