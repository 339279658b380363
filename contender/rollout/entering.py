"""Who may begin: versions that wait, by queue or in an older one's place, and those that the settings pin."""

from __future__ import annotations

from dataclasses import replace

from contender.rollout import moves
from contender.rollout.draft import Draft
from contender.rollout.spec import MAX_CHALLENGERS, MAX_VARIANTS
from contender.rollout.state import Phase, Track

REPLACEABLE = frozenset({Phase.RAMPING, Phase.INCONCLUSIVE})


def notice_pins(draft: Draft) -> None:
    """See whether the settings pin others than before. A new pin is a person's word, also for what was rolled back."""
    pins, before = draft.pins, draft.state.pins
    if pins != before:
        new = {pins.champion, *pins.challengers} - {before.champion, *before.challengers}
        barred = tuple(version for version in draft.state.barred if version not in new)
        draft.state = replace(draft.state, pins=pins, barred=barred)
        draft.say("pins", f"the settings pin {_in_words(pins.champion, pins.challengers)}")


def heed_pins(draft: Draft) -> None:
    """Bring about what the settings pin."""
    pins = draft.pins
    wanted = {*pins.challengers} | ({pins.champion} if pins.champion is not None else set())
    for version in sorted(wanted - {*draft.observation.versions}):
        draft.note(f"unknown_pin:v{version}", f"v{version} is pinned in the settings, but the registry has none such")
    startable = wanted & {*draft.observation.versions} - {*draft.state.barred}
    if pins.champion in startable:
        _pin_champion(draft, pins.champion)
    for version in sorted(startable & {*pins.challengers} - {draft.state.champion}):
        track = draft.state.track(version)
        if (track is None or not track.active) and draft.room and draft.may("begin (pinned)", version):
            moves.enter(draft, version, f"v{version} comes into service: it is pinned in the settings", "settings")


def admit(draft: Draft) -> None:
    """Let the next waiting version begin, if it may; one at a time, so that a failure is the failure of one version."""
    state = draft.state
    champion = state.champion
    if champion is None or not state.served or state.paused:
        return
    eligible = [version for version in sorted(draft.observation.waiting) if _eligible(draft, version)]
    passed = [version for version in eligible if version < champion]
    eligible = [version for version in eligible if version > champion]
    if draft.spec.newer == "replace":
        passed, eligible = passed + eligible[:-1], eligible[-1:]
    for version in passed:
        newer = eligible[-1] if eligible else champion
        _pass_over(draft, version, f"v{version} does not begin: v{max(newer, champion)} is newer")
    if not eligible:
        return
    version = eligible[0]
    blocked = _blocked(draft, version)
    if blocked:
        draft.note(f"waits:v{version}", f"v{version} waits: {blocked}")
    elif not _coming(draft, version) and draft.may(f"begin beside v{champion}", version):
        room = draft.room
        for old in _replaced(draft, version):
            draft.roll_back(old, "replaced", f"v{version} is newer")
        if not room:  # the old one's variant has to leave first
            return
        moves.enter(draft, version, f"v{version} comes into service beside v{champion}, without traffic yet")


def _blocked(draft: Draft, version: int) -> str:
    """Why a version may not begin now, in words; empty when it may."""
    pinned = draft.pins.champion
    if pinned is not None:
        return f"v{pinned} is pinned as champion in the settings"
    if draft.promotion is not None:
        return f"v{draft.promotion.version} is being promoted"
    if draft.observation.trouble:
        return draft.observation.trouble
    competing = _competing(draft)
    replaced = _replaced(draft, version)
    if not (draft.room or replaced):
        return f"the endpoint has {MAX_VARIANTS} variants"
    if len(competing) - len(replaced) >= draft.spec.max_challengers:
        return ", ".join(f"v{track.version}" for track in competing) + " are under way"
    return ""


def _eligible(draft: Draft, version: int) -> bool:
    track = draft.state.track(version)
    under_way = track is not None and track.active
    return not under_way and version != draft.state.champion and version not in draft.state.barred


def _competing(draft: Draft) -> list[Track]:
    """Tracks that count towards the greatest number of challengers: not the pinned ones, nor who is leaving."""
    return [
        track
        for track in draft.state.active
        if track.phase is not Phase.ROLLING_BACK and track.version not in draft.pins.challengers
    ]


def _replaced(draft: Draft, version: int) -> list[Track]:
    """The oldest tracks that leave so that this newer version may begin; never one that a person has started."""
    if draft.spec.newer != "replace":
        return []
    competing = _competing(draft)
    staying = [track for track in draft.state.active if track.phase is not Phase.ROLLING_BACK]
    excess = max(len(competing) + 1 - draft.spec.max_challengers, len(staying) + 1 - MAX_CHALLENGERS, 0)
    older = [track for track in competing if track.phase in REPLACEABLE and track.version < version and not track.by]
    return sorted(older, key=lambda track: track.version)[:excess]


def _coming(draft: Draft, version: int) -> bool:
    """Whether another version is just coming into service."""
    leaving = {track.version for track in _replaced(draft, version)}
    return any(
        track.phase is Phase.RAMPING and track.step == 0 and track.version not in leaving
        for track in draft.state.active
    )


def _pass_over(draft: Draft, version: int, why: str) -> None:
    if draft.may("be passed over", version):
        draft.bar(version)
        draft.say("passed_over", why, version)
        now = draft.now
        draft.put(Track(version, Phase.ROLLED_BACK, 0, now, now, now, "passed_over", why))


def _pin_champion(draft: Draft, version: int) -> None:
    under_way, track = draft.promotion, draft.state.track(version)
    if under_way is not None and under_way.version == version:
        return
    if under_way is not None:
        if not draft.may("roll back (pinned)", under_way.version):
            return
        draft.roll_back(under_way, "pinned", f"v{version} is pinned as champion in the settings")
    if version == draft.state.champion:
        return
    if track is None or not track.active:
        if not draft.room:
            draft.note(f"waits:v{version}", f"v{version} waits: the endpoint has {MAX_VARIANTS} variants")
            return
        if not draft.may("be promoted (pinned)", version):
            return
        track = moves.enter(draft, version, f"v{version} begins: it is pinned as champion in the settings", "settings")
    elif not draft.may("be promoted (pinned)", version):
        return
    moves.promote(draft, track, "pinned", "the settings pin it as champion")


def _in_words(champion: int | None, challengers: tuple[int, ...]) -> str:
    first = "no champion" if champion is None else f"v{champion} as champion"
    others = ", ".join(f"v{version}" for version in challengers)
    return f"{first} and {others} as challengers" if others else f"{first} and no challengers"
