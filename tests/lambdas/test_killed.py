"""Killed between any two changes, a tick that is run again comes to the same end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from contender.errors import DeploymentError
from contender.rollout.observation import HookOutcome, Verb
from contender.rollout.replay import replay
from contender.rollout.spec import Instance, Spec
from tests.lambdas.fakes import Killed
from tests.lambdas.world import PATIENT, QUICK, World, with_hooks

LATER_S = 800.0
"""Every rollout has come to its end by then."""
READING = ("Describe", "List", "get_item", "batch_get_item", "query")


@dataclass(frozen=True)
class Story:
    """Steps of a world, each of which may be where its process is killed; then it is simply run again."""

    spec: Spec
    steps: tuple[Callable[[World], Any], ...]
    prepare: Callable[[World], Any] = lambda world: None

    def play(self, kill_at: tuple[int, bool] | None) -> World:
        world = World(spec=self.spec)
        self.prepare(world)
        world.began = world.now
        world.process.calls.clear()
        world.process.kill_at = kill_at
        for step in (*self.steps, hours_later):
            for _ in range(2):
                try:
                    step(world)
                except Killed:
                    continue
                break
        return world


def arrive(*, broken: bool = False) -> Callable[[World], Any]:
    """A version is registered once, however often its deployment is tried."""

    def step(world: World) -> None:
        if not world.arrived:
            world.arrived = world.register(broken=broken)
        with contextlib.suppress(DeploymentError):
            world.deploy(world.arrived)
        world.arrived = ""

    return step


def until(second: float) -> Callable[[World], Any]:
    """Let time pass until so many seconds after the story began."""

    def step(world: World) -> None:
        left = world.began + timedelta(seconds=second) - world.now
        world.pass_time(left.total_seconds(), failure="could not load")

    return step


def hours_later(world: World) -> None:
    """Nobody needs an endpoint config any more that nothing serves."""
    world.sagemaker.now += timedelta(hours=2)
    world.run_out()


def ask(verb: Verb, version: int) -> Callable[[World], Any]:
    return lambda world: world.command(verb, version)


def champion(world: World) -> None:
    world.roll_out()


def refuse_hook(world: World) -> None:
    world.roll_out()
    world.hook_answers["check"] = HookOutcome.FAILED


def larger(world: World) -> None:
    world.set(replace(QUICK, instance=Instance("ml.m5.xlarge", 2)))


STORIES = {
    "the first version": Story(QUICK, (arrive(), until(60))),
    "a broken first version and its successor": Story(QUICK, (arrive(broken=True), until(60), arrive(), until(150))),
    "a version joins": Story(PATIENT, (arrive(), until(40)), champion),
    "promotion": Story(QUICK, (arrive(), until(LATER_S)), champion),
    "a broken version": Story(QUICK, (arrive(broken=True), until(LATER_S)), champion),
    "rollback by hand": Story(QUICK, (arrive(), until(40), ask(Verb.ROLLBACK, 2), until(LATER_S)), champion),
    "rollback while it bakes": Story(QUICK, (arrive(), until(240), ask(Verb.ROLLBACK, 2), until(LATER_S)), champion),
    "rollback while it comes": Story(QUICK, (arrive(), ask(Verb.ROLLBACK, 2), until(LATER_S)), champion),
    "promotion by hand": Story(QUICK, (arrive(), ask(Verb.PROMOTE, 2), until(LATER_S)), champion),
    "a newer one replaces it": Story(
        replace(QUICK, newer="replace", max_challengers=1), (arrive(), until(40), arrive(), until(LATER_S)), champion
    ),
    "two at once": Story(QUICK, (arrive(), until(40), arrive(), until(2 * LATER_S)), champion),
    "other instances, then a version": Story(QUICK, (larger, until(60), arrive(), until(LATER_S)), champion),
    "hooks that pass": Story(with_hooks(QUICK, before=("check",), after=("look",)), (arrive(), until(1400)), champion),
    "a hook that fails": Story(with_hooks(QUICK, before=("check",)), (arrive(), until(LATER_S)), refuse_hook),
}


def end_of(world: World) -> dict[str, Any]:
    """All that a person could tell the end by."""
    state = world.state
    published = world.controller.sight.store.settings(world.endpoint)  # type: ignore[union-attr]
    return {
        "registry": world.states,
        "weights": world.weights,
        "configs": set(world.sagemaker.configs),
        "models": set(world.sagemaker.models),
        "phases": world.phases,
        "shares": dict(state.shares),
        "champion": state.champion,
        "published": published and (dict(published.shares), published.owner, published.experiment),
        "settled": state.settled is not None,
    }


@pytest.mark.parametrize("name", STORIES)
def test_killed_between_any_two_changes_the_end_is_the_same(name: str) -> None:
    story = STORIES[name]
    whole = story.play(None)
    wanted = end_of(whole)
    calls = whole.process.calls
    changes = [index for index, call in enumerate(calls, start=1) if not call.startswith(READING)]
    assert len(changes) > 5
    # Before a change everything is as it was after the one before it.
    for call, before in ((changes[0], True), *((change, False) for change in changes)):
        world = story.play((call, before))
        what = f"killed {'before' if before else 'after'} call {call}, {calls[call - 1]}"
        assert world.process.kill_at is None, what
        assert end_of(world) == wanted, what
        assert all(each.same for each in replay(world.entries, world.ledger.spec)), what
