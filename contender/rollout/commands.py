"""What a person may ask of a dimension's rollouts, and what becomes of it: a change, or a refusal that says why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from contender.errors import ContenderError
from contender.rollout import moves
from contender.rollout.draft import Draft
from contender.rollout.observation import Command, Verb
from contender.rollout.spec import MAX_VARIANTS
from contender.rollout.state import Phase, Track


class Refused(ContenderError):
    """A command that cannot be followed as things are; nothing was changed."""


def follow(draft: Draft, command: Command) -> None:
    """Do what a person asks, or raise Refused."""
    match command.verb:
        case Verb.START:
            start(draft, command)
        case Verb.PROMOTE | Verb.APPROVE:
            promote(draft, command)
        case Verb.ROLLBACK:
            track = _subject(draft, command, {phase for phase in Phase if not phase.ended} - {Phase.ROLLING_BACK})
            draft.roll_back(track, "asked", _asked(command))
        case Verb.PAUSE:
            if draft.state.paused:
                raise Refused(f"{draft.state.endpoint} is paused already: resume it, or promote or roll back by hand")
            draft.state = replace(draft.state, paused=True)
            draft.say("paused", f"paused: {_asked(command)}")
        case Verb.RESUME:
            resume(draft, command)


def start(draft: Draft, command: Command) -> Track | None:
    """Begin a version's rollout, whatever became of it before; None for the first one, which needs none."""
    state, version = draft.state, command.version
    if version is None:
        raise Refused("start needs the version that is to begin: name it")
    _check_known(draft, version)
    if version == state.champion:
        raise Refused(f"v{version} is the champion of {state.endpoint}: start another version")
    if (track := state.track(version)) is not None and track.active:
        raise Refused(f"v{version} is {track.phase} already: wait for its end, or promote it or roll it back")
    if state.champion is None:
        moves.crown(draft, version, f"v{version} serves first: {_asked(command)}")
        return None
    if not draft.room:
        raise Refused(f"{state.endpoint} has {MAX_VARIANTS} variants, the most SageMaker serves: roll one back first")
    return moves.enter(draft, version, f"v{version} begins beside v{state.champion}: {_asked(command)}", command.by)


def promote(draft: Draft, command: Command) -> None:
    """Give a version all traffic, whatever is known of it; while it bakes, end that."""
    state = draft.state
    under_way = draft.promotion
    if command.verb is Verb.APPROVE:
        track: Track | None = _subject(draft, command, {Phase.AWAITING_APPROVAL})
    elif command.version is None:
        track = _subject(draft, command, {phase for phase in Phase if not phase.ended} - {Phase.ROLLING_BACK})
    else:
        track = state.track(command.version)
    version = track.version if track is not None else command.version
    if draft.pins.champion not in (None, version):
        raise Refused(f"v{draft.pins.champion} is pinned as champion in the settings: change the pin to v{version}")
    if under_way is not None and under_way.version != version:
        raise Refused(f"v{under_way.version} is being promoted: wait for its end or roll it back first")
    if track is not None and track.phase is Phase.BAKING:
        moves.crown_promoted(draft, track, f"v{track.version} is champion without baking longer: {_asked(command)}")
        return
    if track is not None and track.phase is Phase.PROMOTING:
        raise Refused(f"v{track.version} is being promoted already: it serves as soon as the endpoint has changed")
    if version is not None:
        _check_known(draft, version)
    if track is None or not track.active:
        track = start(draft, command)
    if track is not None:
        moves.promote(draft, track, "asked", _asked(command))


def resume(draft: Draft, command: Command) -> None:
    """Go on: after a pause, and for whoever asked a person. Times count from now."""
    state = draft.state
    asking = [
        track
        for track in state.active
        if track.phase is Phase.INCONCLUSIVE and command.version in (None, track.version)
    ]
    if not state.paused and not asking:
        raise Refused(f"nothing of {state.endpoint} is paused or inconclusive: there is nothing to resume")
    if state.paused:
        draft.say("resumed", f"resumed: {_asked(command)}")
        draft.state = replace(state, paused=False)
    for track in asking:
        sentence = f"v{track.version} goes on: {_asked(command)}"
        draft.turn(track, Phase.RAMPING, "resumed", sentence, judged_from=draft.now, settled=track.settled)
    for track in draft.state.active:
        if track.phase is Phase.RAMPING and track.settled is not None:
            draft.change(track, settled=draft.now)


def _subject(draft: Draft, command: Command, phases: Collection[Phase]) -> Track:
    """The track a command is about: the one it names, or the only one in such a phase."""
    tracks = [track for track in draft.state.active if command.version in (None, track.version)]
    fitting = [track for track in tracks if track.phase in phases]
    if len(fitting) == 1:
        return fitting[0]
    endpoint = draft.state.endpoint
    if fitting:
        several = ", ".join(f"v{track.version}" for track in fitting)
        raise Refused(f"{command.verb} could mean {several} of {endpoint}: name the version")
    if tracks:
        raise Refused(f"{command.verb} does not fit v{tracks[0].version} of {endpoint}, which is {tracks[0].phase}")
    which = endpoint if command.version is None else f"v{command.version} of {endpoint}"
    previous = draft.state.previous
    back = f"; to return to v{previous}, promote it" if previous is not None else ""
    raise Refused(f"{which} has no rollout under way that {command.verb} could be about{back}")


def _check_known(draft: Draft, version: int) -> None:
    if version not in draft.observation.versions:
        known = ", ".join(f"v{number}" for number in draft.observation.versions) or "none"
        raise Refused(f"{draft.state.endpoint} has no v{version}: the registry has {known}")
    if version in draft.observation.rejected:
        raise Refused(f"v{version} of {draft.state.endpoint} is rejected in the registry: approve it there first")


def _asked(command: Command) -> str:
    return f"{command.by} asked for it" + (f", {command.why}" if command.why else "")
