"""One pass of the rollout controller over a dimension.

    observe ─► decide ─► record ─► plan ─► execute ─► observe again … until there is nothing to do, or AWS is busy

What was decided is recorded before it is done, on the condition that nobody else has decided meanwhile: of two ticks
at once one acts. A tick may be killed anywhere: the state that it leaves is what the next one goes on from, and
whatever was done or left undone is read back from AWS. A tick that finds nothing to change writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from contender import endpoints
from contender.endpoints import Leftovers
from contender.experiments.evidence import Evidence
from contender.naming import Names
from contender.registry import Status
from contender.rollout import hooks
from contender.rollout.actions import Action, MarkVersion, PublishShares, describe
from contender.rollout.decide import decide
from contender.rollout.decision import Event
from contender.rollout.execute import Executor, Overtaken, Refused
from contender.rollout.ledger import Ledger
from contender.rollout.observation import Command, HookResult
from contender.rollout.observe import Known, Sight, observation
from contender.rollout.plan import Plan, cleanup, mark, plan
from contender.rollout.renewal import renewal
from contender.rollout.spec import Spec
from contender.rollout.state import State
from contender.rollout.view import View

MAX_PASSES = 25
NOTHING = Plan()
DECIDED_MEANWHILE = "somebody else decided meanwhile"


@dataclass(frozen=True, slots=True)
class Report:
    """What a tick decided and did about a dimension.

    `plan` is the last one, `view` what it was made from. `refused` says why a command was not followed, `error` that
    the tick ended early. `asks`: hooks are to be asked, which was left to the caller.
    """

    stage: str
    state: State
    view: View | None = None
    events: tuple[Event, ...] = ()
    done: tuple[Action, ...] = ()
    plan: Plan = NOTHING
    reason: str = ""
    refused: str = ""
    asks: bool = False
    error: Exception | None = None

    def after(self, earlier: Report) -> Report:
        """Both as one."""
        return replace(self, events=(*earlier.events, *self.events), done=(*earlier.done, *self.done))

    def document(self) -> dict[str, Any]:
        """As the Lambda answers and logs it."""
        return {
            "Dimension": self.state.dimension,
            "Stage": self.stage,
            "EndpointName": self.state.endpoint,
            "Revision": self.state.revision,
            "Decided": [event.sentence for event in self.events],
            "Done": [describe(action) for action in self.done],
            "Reason": self.reason,
            "Refused": self.refused,
            "Error": f"{type(self.error).__name__}: {self.error}" if self.error else "",
        }


@dataclass(frozen=True, slots=True)
class Controller:
    """What every tick over a dimension of one stage needs. `ask` asks a hook; `clock` is the only source of time."""

    spec: Spec
    sight: Sight
    ledger: Ledger
    executor: Executor
    ask: hooks.Ask
    clock: Callable[[], datetime]

    @property
    def names(self) -> Names:
        return self.sight.versions.names

    def state(self, dimension: str) -> State:
        """What was decided last about a dimension, or that nothing was yet."""
        endpoint = self.names.endpoint(dimension)
        return self.ledger.state(endpoint) or State(endpoint, dimension)

    def tick(self, dimension: str, command: Command | None = None) -> Report:
        """Decide about a dimension and do it, as far as AWS does not take time for it."""
        return Tick(self, dimension).run(command)

    def hurry(self, dimension: str) -> Report:
        """The same, for who cannot wait for hooks: they are left to a later tick."""
        return Tick(self, dimension, asks_hooks=False).run()

    def rehearse(self, dimension: str, command: Command | None = None) -> Report:
        """What a tick would decide and do first; nothing is recorded, nothing is changed, nobody is asked."""
        spec, state, view, now = self.spec, self.state(dimension), self.sight.view(dimension), self.clock()
        seen = observation(spec, state, view, self.sight.evidence(spec, state, view, now), command=command)
        decision = decide(spec, state, seen, now)
        wanted = plan(spec, decision.state, view)
        return Report(
            spec.stage,
            decision.state,
            view,
            decision.events,
            wanted.actions,
            wanted,
            wanted.reason,
            decision.refused,
        )


class Tick:
    """One tick over one dimension; it keeps what was learnt in one pass for the next.

    Unless it `asks_hooks`, those that are due are left to the caller, whose next tick says `hooks_are_ours`.
    """

    def __init__(
        self,
        controller: Controller,
        dimension: str,
        known: Known | None = None,
        *,
        asks_hooks: bool = True,
        hooks_are_ours: bool = False,
    ) -> None:
        self._controller, self._spec, self._dimension = controller, controller.spec, dimension
        self._endpoint = controller.names.endpoint(dimension)
        self._known = known
        self._asks_hooks, self._hooks_are_ours = asks_hooks, hooks_are_ours
        self._events: list[Event] = []
        self._done: list[Action] = []
        self._refusals: dict[int, str] = {}
        self._answers: tuple[HookResult, ...] = ()
        self._counted: tuple[int, Evidence | None] | None = None
        self._refused = ""
        self._superseded = False

    def run(self, command: Command | None = None) -> Report:
        """Pass after pass until one changes nothing, or has changed the endpoint, which takes its time."""
        controller, known = self._controller, self._known
        state = (known.state if known is not None else None) or controller.state(self._dimension)
        previous: Plan | None = None
        for _ in range(MAX_PASSES):
            view = replace(controller.sight.view(self._dimension, known), refused=dict(self._refusals))
            known = None
            decided = self._decide(state, view, command)
            if decided is None:
                if command is None:
                    return self._report(state, view, NOTHING, DECIDED_MEANWHILE)
                state = controller.state(self._dimension)  # what a person asks is asked again
                continue
            state, command = decided, None
            wanted = plan(self._spec, state, view)
            if wanted.actions and wanted != previous:
                whole = self._execute(state, wanted)
                if self._superseded:
                    return self._report(state, view, wanted, DECIDED_MEANWHILE)
                if whole and wanted.changes:
                    return self._report(state, view, wanted)
                previous = wanted if whole else None
            elif wanted.actions or not self._ask_hooks(state):
                if not wanted.actions:
                    self._clean_up(state, view)
                return self._report(state, view, wanted)
        return self._report(state, view, NOTHING, "somebody else keeps changing it")

    def _decide(self, state: State, view: View, command: Command | None) -> State | None:
        """The state that is wanted from now on, recorded if it is another; None if somebody else has decided."""
        controller, now = self._controller, self._controller.clock()
        seen = observation(
            self._spec, state, view, self._evidence(state, view, now), hooks=self._answers, command=command
        )
        self._answers = ()
        decision = decide(self._spec, state, seen, now)
        self._refused = self._refused or decision.refused
        if not decision.changed:
            return state
        if not controller.ledger.record(self._spec, state, seen, decision, now):
            return None
        waited = {track.version for track in hooks.waiting(state)}
        self._hooks_are_ours |= any(track.version not in waited for track in hooks.waiting(decision.state))
        self._events += decision.events
        return decision.state

    def _evidence(self, state: State, view: View, now: datetime) -> Evidence | None:
        """Counted once in a tick, and again if it begins another experiment."""
        if self._counted is None or self._counted[0] != state.experiment:
            self._counted = state.experiment, self._controller.sight.evidence(self._spec, state, view, now)
        return self._counted[1]

    def _execute(self, state: State, wanted: Plan) -> bool:
        """Make a plan's changes in order; whether that was all of them.

        A refusal is the failure of the version that it was about, which the next pass decides on. When somebody else
        changed the endpoint first, a version that was to join waits again.
        """
        on_its_way = False
        for action in wanted.actions:
            if not isinstance(action, MarkVersion | PublishShares) and not self._still_decided(state):
                self._superseded = True
                return False
            try:
                self._run(action)
            except Refused as error:
                if wanted.subject is None:
                    raise
                self._refusals[wanted.subject.number] = str(error)
                return False
            except Overtaken:
                if on_its_way and wanted.subject is not None:
                    reason = "waits for the endpoint's current change"
                    self._run(mark(wanted.subject, wanted.subject.role, Status.PENDING, reason))
                return False
            on_its_way |= isinstance(action, MarkVersion) and action.status is Status.DEPLOYING
        return True

    def _run(self, action: Action) -> None:
        self._controller.executor.run(action)
        self._done.append(action)

    def _still_decided(self, state: State) -> bool:
        """Whether nobody has decided anything since: a tick that was slow must not undo what a later one did."""
        return self._controller.state(self._dimension).revision == state.revision

    def _ask_hooks(self, state: State) -> bool:
        """Ask the hooks that are ours to ask; whether there are answers."""
        if not (self._asks_hooks and self._hooks_due(state)):
            return False
        self._hooks_are_ours = False
        self._answers = hooks.run(self._controller.ask, self._spec, state)
        return bool(self._answers)

    def _clean_up(self, state: State, view: View) -> None:
        """Delete what is left of the past; then let the endpoint take over other instances, if the settings say so."""
        if view.serving is None or not view.serving.in_service:
            return
        sagemaker, known = self._controller.sight.sagemaker, self._known
        if known is not None and not self._done:
            left = known.leftovers
        else:
            found = endpoints.leftovers(sagemaker, self._controller.names, self._endpoint)
            left = found.get(self._endpoint, Leftovers())
        for action in cleanup(view, left.configs, left.models, self._controller.clock()):
            self._run(action)
        if renewed := renewal(self._spec, state, view, left.configs):
            self._execute(state, Plan(renewed, changes=True))

    def _report(self, state: State, view: View, wanted: Plan, reason: str = "") -> Report:
        return Report(
            self._spec.stage,
            state,
            view,
            tuple(self._events),
            tuple(self._done),
            wanted,
            reason or wanted.reason,
            self._refused,
            asks=self._hooks_due(state),
        )

    def _hooks_due(self, state: State) -> bool:
        """Whether there are hooks to be asked, and nobody else is asking them."""
        ours = self._hooks_are_ours or hooks.due(self._spec, state, self._controller.clock())
        return ours and bool(hooks.waiting(state))
