"""`contender rollout`: how far challengers are, why, and what a person wants of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click

from contender.aws import Connect, caller, client
from contender.cli.output import dry_run_option, emit, emit_rows, json_option, note
from contender.cli.stages import stage_option
from contender.config import Settings, load
from contender.errors import DeploymentError, NotFoundError
from contender.naming import Names
from contender.rollout.decision import Entry
from contender.rollout.documents import to_json
from contender.rollout.ledger import Ledger
from contender.rollout.observation import Command, Verb
from contender.rollout.replay import replay as replayed
from contender.rollout.state import State, Track
from contender.rollout.story import story
from contender.tick_call import ask as ask_tick
from contender.tick_call import told

COLUMNS = ("dimension", "version", "role", "phase", "step", "share", "since", "reason")

Ask = Callable[[Verb], None]
"""Asks the tick for something of the dimension and version of the command line."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What every command works with: the settings, one stage's names, and clients."""

    settings: Settings
    names: Names
    connect: Connect

    def client(self, service: str) -> Any:
        return self.connect(service, self.settings.region)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.client("dynamodb"), self.names.table("rollouts"))


@click.group()
def command() -> None:
    """Rollouts: from challenger to champion, or back."""


@command.command(short_help="Show how far every rollout is.")
@click.argument("dimension", required=False)
@stage_option
@json_option
@click.pass_obj
def status(obj: Connect | None, dimension: str | None, stage: str | None, as_json: bool) -> None:
    """Show who serves DIMENSION, or every dimension, and how far each challenger is."""
    desk = _desk(obj, stage)
    states = [_state(desk, dimension)] if dimension else _states(desk)
    if as_json:
        emit([to_json(state) for state in states])
        return
    emit_rows([row for state in states for row in rows(desk.settings, desk.names, state)], COLUMNS, as_json=False)
    for state in states:
        if state.paused:
            note(f"{state.dimension} is paused: `contender rollout resume {state.dimension}` lets it go on")


@command.command(short_help="Tell the story of a dimension's rollouts.")
@click.argument("dimension")
@stage_option
@json_option
@click.pass_obj
def history(obj: Connect | None, dimension: str, stage: str | None, as_json: bool) -> None:
    """Tell what was decided about DIMENSION, when, why and by whom, oldest first. --json prints the ledger itself."""
    desk = _desk(obj, stage)
    entries = _entries(desk, dimension)
    if as_json:
        emit([to_json(entry) for entry in entries])
        return
    for line in story(entries):
        click.echo(line)


@command.command(short_help="Decide everything again, from the ledger.")
@click.argument("dimension")
@stage_option
@json_option
@click.pass_obj
def replay(obj: Connect | None, dimension: str, stage: str | None, as_json: bool) -> None:
    """Recompute every decision about DIMENSION from what was seen then; exit 1 if one would be another today."""
    desk = _desk(obj, stage)
    entries = _entries(desk, dimension)
    found = list(replayed(entries, functools.cache(desk.ledger.spec)))
    decided = [
        {
            "decision": entry.revision,
            "at": entry.at,
            "events": ", ".join(event.code for event in entry.decision.events),
            "same": each.same,
            "difference": each.difference,
        }
        for entry, each in zip(entries, found, strict=True)
    ]
    emit_rows(decided, ("decision", "at", "events", "same", "difference"), as_json=as_json)
    if different := sum(not each.same for each in found):
        raise DeploymentError(f"{different} of {len(found)} decisions about {dimension!r} would be different now")
    note(f"all {len(found)} decisions about {dimension!r} come out the same")


def asks(function: Callable[[Ask], None]) -> Callable[..., None]:
    """Arguments and options of a command by which a person asks for something; the function says for what."""

    @click.argument("dimension")
    @click.argument("version", type=click.IntRange(min=1), required=False)
    @click.option("--reason", default="", help="Why; it stands in the history.")
    @stage_option
    @dry_run_option
    @json_option
    @click.pass_obj
    @functools.wraps(function)
    def command(
        obj: Connect | None,
        dimension: str,
        version: int | None,
        reason: str,
        stage: str | None,
        dry_run: bool,
        as_json: bool,
    ) -> None:
        desk = _desk(obj, stage)

        def ask(verb: Verb) -> None:
            wanted = Command(verb, caller(desk.client("sts")), version, reason)
            _ask(desk, dimension, wanted, dry_run=dry_run, as_json=as_json)

        function(ask)

    return command


@command.command(short_help="Begin a version's rollout.")
@asks
def start(ask: Ask) -> None:
    """Begin the rollout of VERSION of DIMENSION, also of one that was rolled back before."""
    ask(Verb.START)


@command.command(short_help="Let nothing move by itself.")
@asks
def pause(ask: Ask) -> None:
    """Let no share of DIMENSION grow and nothing be promoted until it is resumed. Guardrails still roll back."""
    ask(Verb.PAUSE)


@command.command(short_help="Go on after a pause, or where a person was asked.")
@asks
def resume(ask: Ask) -> None:
    """Go on with DIMENSION after a pause; of a rollout that ended inconclusive, go on looking. Times begin anew."""
    ask(Verb.RESUME)


@command.command(short_help="Approve a challenger that has won.")
@asks
def approve(ask: Ask) -> None:
    """Promote the challenger of DIMENSION that has won and waits for approval."""
    ask(Verb.APPROVE)


@command.command(short_help="Make a version champion, whatever is known of it.")
@asks
def promote(ask: Ask) -> None:
    """Give VERSION of DIMENSION all traffic, whatever is known of it; while it bakes, end that.

    VERSION may be left out where only one is under way. To return to an earlier champion, promote it.
    """
    ask(Verb.PROMOTE)


@command.command(short_help="Take a challenger's traffic away at once.")
@asks
def rollback(ask: Ask) -> None:
    """Give the champion of DIMENSION all traffic at once, and remove the challenger."""
    ask(Verb.ROLLBACK)


def rows(settings: Settings, names: Names, state: State) -> Iterator[dict[str, Any]]:
    """A state as rows: its champion, then whoever is under way, or the last that was."""
    stage = dict(settings.stages_in_order).get(names.stage or settings.last_stage)
    steps = len(stage.rollout.steps) if stage else 0
    if state.champion is not None:
        yield {
            "dimension": state.dimension,
            "version": f"v{state.champion}",
            "role": "champion",
            "share": _percent(state.shares.get(state.champion, 0.0)),
        }
    for track in state.active or state.tracks[-1:]:
        if track.version != state.champion:
            yield _row(state, track, steps)


def _row(state: State, track: Track, steps: int) -> dict[str, Any]:
    return {
        "dimension": state.dimension,
        "version": f"v{track.version}",
        "role": "challenger" if track.active else None,
        "phase": f"{track.phase}{' (paused)' if state.paused and track.active else ''}",
        "step": f"{track.step}/{steps}" if track.active else None,
        "share": _percent(state.shares.get(track.version, 0.0)) if track.active else None,
        "since": track.since,
        "reason": track.reason,
    }


def _desk(obj: Connect | None, stage: str | None) -> Desk:
    settings = load()
    return Desk(settings, Names(settings.project).at(settings.stage_key(stage)), obj or client)


def _ask(desk: Desk, dimension: str, wanted: Command, *, dry_run: bool, as_json: bool) -> None:
    """Invoke the tick with the command and print what it says."""
    answer = ask_tick(desk.client("lambda"), desk.names, dimension, wanted, dry_run=dry_run)
    if as_json:
        emit(answer)
    else:
        for line in told(answer, dry_run=dry_run):
            click.echo(line)
    if answer["Refused"]:
        raise DeploymentError(answer["Refused"])


def _states(desk: Desk) -> list[State]:
    states = desk.ledger.states()
    return [states[endpoint] for endpoint in sorted(states) if desk.names.dimension_of(endpoint) is not None]


def _state(desk: Desk, dimension: str) -> State:
    state = desk.ledger.state(desk.names.endpoint(dimension))
    if state is None:
        raise _no_rollout(dimension)
    return state


def _entries(desk: Desk, dimension: str) -> list[Entry]:
    entries = list(desk.ledger.entries(desk.names.endpoint(dimension)))
    if not entries:
        raise _no_rollout(dimension)
    return entries


def _no_rollout(dimension: str) -> NotFoundError:
    return NotFoundError(
        f"dimension {dimension!r} has had no rollout yet: `contender models list` says how far its versions are"
    )


def _percent(share: float) -> str:
    return f"{share:.1%}"
