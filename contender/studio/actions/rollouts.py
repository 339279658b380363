"""What a person may ask of a rollout from its page: what fits the state, what would come of it, and asking for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.requests import Request

from contender import tick_call
from contender.aws import caller
from contender.errors import DeploymentError, SettingsError
from contender.rollout.commands import Refused
from contender.rollout.observation import Command, Verb
from contender.rollout.state import Phase, State
from contender.studio.acting import Done
from contender.studio.desk import Desk
from contender.studio.query import whole
from contender.studio.reading.rollouts import Rollout

CALLER_S = 60.0
LONGEST_REASON = 500
NOTHING = "nothing is decided yet"


@dataclass(frozen=True, slots=True)
class Offer:
    """A button. `seen`: how things are while it is shown. `asks`: whether what would come of it is shown first."""

    verb: Verb
    version: int | None
    words: str
    about: str
    seen: str
    asks: bool = True


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a tick would decide and do first if the offer were taken; `refused` says why it would do nothing."""

    offer: Offer
    lines: tuple[str, ...]
    refused: str


def offers(found: Rollout) -> tuple[Offer, ...]:
    """What fits the state now."""
    return tuple(_offers(found)) if found.state else ()


def rehearsed(desk: Desk, found: Rollout, query: Mapping[str, str]) -> Rehearsed | None:
    """What would come of the offer that an address names; None where it names none that fits."""
    verb, version = query.get("confirm", ""), query.get("of", "")
    for offer in offers(found):
        if (offer.verb, str(offer.version or "")) == (verb, version):
            wanted = Command(offer.verb, _caller(desk), offer.version)
            answer = tick_call.ask(desk.client("lambda"), desk.names, found.dimension, wanted, dry_run=True)
            return Rehearsed(offer, tuple(tick_call.told(answer, dry_run=True)), answer["Refused"])
    return None


def act(desk: Desk, request: Request, form: FormData) -> Done:
    """Ask the tick for what the form says, if things still are as whoever sent it has seen them."""
    dimension = request.path_params["dimension"]
    command = _command(desk, form)
    endpoint = desk.names.endpoint(dimension)
    with desk.turns.of(endpoint):
        before, now = str(form.get("seen", "")), standing(desk.ledger.state(endpoint), command.version)
        if before != now:
            raise Refused(f"nothing was done, for {now} now, not as you saw it ({before}): look again")
        answer = tick_call.ask(desk.client("lambda"), desk.names, dimension, command)
    if answer["Refused"]:
        raise DeploymentError(answer["Refused"])
    return Done(tuple(tick_call.told(answer)))


def standing(state: State | None, version: int | None) -> str:
    """How things are for whoever asks something about a version, or about all of a dimension."""
    if state is None:
        return NOTHING
    track = state.track(version) if version is not None else None
    going = "is paused" if state.paused else "goes on"
    if version is None:
        asking = [f"v{each.version}" for each in state.active if each.phase is Phase.INCONCLUSIVE]
        return f"it {going}" + (f" and {', '.join(asking)} asks for a person" if asking else "")
    if version == state.champion:
        return f"v{version} is champion"
    if track is None:
        return f"v{version} has not begun"
    return f"v{version} is {track.phase}, in its rollout that began {track.began:%Y-%m-%d %H:%M:%S} UTC"


def _offers(found: Rollout) -> Iterator[Offer]:
    state = found.state
    assert state is not None

    def offer(verb: Verb, version: int | None, words: str, about: str, *, asks: bool = True) -> Offer:
        return Offer(verb, version, words, about, standing(state, version), asks)

    asking = any(track.phase is Phase.INCONCLUSIVE for track in state.active)
    if state.paused or asking:
        about = "Go on. Times count from now." if state.paused else "Go on looking, for as long again."
        yield offer(Verb.RESUME, None, "Resume", about, asks=False)
    if not state.paused:
        about = "No share grows and nothing is promoted until it is resumed; guardrails still roll back."
        yield offer(Verb.PAUSE, None, "Pause", about, asks=False)
    for track in state.active:
        name, version = f"v{track.version}", track.version
        if track.phase is Phase.AWAITING_APPROVAL:
            yield offer(Verb.APPROVE, version, f"Approve {name}", f"Promote {name}, which has won.")
        elif track.phase is Phase.BAKING:
            yield offer(Verb.PROMOTE, version, f"End baking of {name}", f"{name} becomes champion now.")
        elif track.phase in (Phase.RAMPING, Phase.INCONCLUSIVE):
            about = f"{name} gets all traffic, whatever is known of it."
            yield offer(Verb.PROMOTE, version, f"Promote {name}", about)
        if track.phase is not Phase.ROLLING_BACK:
            about = f"v{state.champion} gets all traffic at once, {name} leaves."
            yield offer(Verb.ROLLBACK, version, f"Roll back {name}", about)
    under_way = {track.version for track in state.active}
    for registered in reversed(found.versions):
        version = registered.number
        if version not in under_way and version != state.champion and not registered.rejected:
            name = f"v{version}"
            yield offer(Verb.START, version, f"Start {name}", f"Begin its rollout beside v{state.champion}.")
            about = f"{name} gets all traffic, without an experiment."
            yield offer(Verb.PROMOTE, version, f"Promote {name}", about)


def _command(desk: Desk, form: FormData) -> Command:
    verb, version = str(form.get("verb", "")), str(form.get("version", ""))
    if verb not in [each.value for each in Verb]:
        raise SettingsError(f"there is no action {verb!r}: use {', '.join(Verb)}")
    if version and whole(version) is None:
        raise SettingsError(f"version {version!r} is no number: use one that the models' page lists")
    reason = " ".join(str(form.get("reason", "")).split())[:LONGEST_REASON]
    return Command(Verb(verb), _caller(desk), whole(version), reason)


def _caller(desk: Desk) -> str:
    return desk.kept.get("caller", CALLER_S, lambda: caller(desk.client("sts")))
