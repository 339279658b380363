"""What may start next, what never will, and how an execution ended: pure functions of statuses."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from contender.local.pipelines.definition import Step
from contender.local.pipelines.graph import Dependency, Trigger, order

ENDED = frozenset({"Succeeded", "Failed", "Stopped"})

_TRIGGERED_BY: Mapping[Trigger, frozenset[str]] = {
    Trigger.COMPLETED: frozenset({"Succeeded"}),
    Trigger.FAILED: frozenset({"Failed"}),
    Trigger.STOPPED: frozenset({"Stopped"}),
    Trigger.ANY: ENDED,
}


class _Verdict(Enum):
    MET = 1
    OPEN = 2
    NEVER = 3


class Plan:
    """Answers for these steps; what else they wait for has ended already.

    `statuses` holds the steps that have started, `outcomes` those of Conditions.
    """

    def __init__(self, steps: Mapping[str, Step]) -> None:
        self._steps = steps
        self._order = order({name: step.waits_for for name, step in steps.items()})
        self._position = {name: index for index, name in enumerate(steps)}

    def ready(self, statuses: Mapping[str, str], outcomes: Mapping[str, bool]) -> list[str]:
        """Steps that may start now, in the definition's order."""
        never: set[str] = set()
        found: list[str] = []
        for name in self._order:
            if name in statuses:
                continue
            verdicts = {_verdict(each, statuses, outcomes, never) for each in self._steps[name].waits_for}
            if _Verdict.NEVER in verdicts:
                never.add(name)
            elif _Verdict.OPEN not in verdicts:
                found.append(name)
        return sorted(found, key=self._position.__getitem__)

    def ended_as(self, statuses: Mapping[str, str]) -> str:
        """The status of an execution in which nothing runs and nothing is ready.

        A failure that another step waited for and ran on is dealt with: AWS then says CompletedWithFailures.
        """
        own = {name: status for name, status in statuses.items() if name in self._steps}
        handled = {
            dependency.step
            for name, step in self._steps.items()
            if name in statuses
            for dependency in step.waits_for
            if dependency.trigger is not Trigger.COMPLETED
        }
        open_ends = {status for name, status in own.items() if name not in handled}
        for status in ("Failed", "Stopped"):
            if status in open_ends:
                return status
        return "Succeeded" if set(own.values()) <= {"Succeeded"} else "CompletedWithFailures"


def is_met(dependency: Dependency, status: str, outcome: bool | None) -> bool:
    """Whether a step that ended so lets the next one run."""
    if dependency.branch is not None and outcome is not dependency.branch:
        return False
    return status in _TRIGGERED_BY[dependency.trigger]


def _verdict(
    dependency: Dependency, statuses: Mapping[str, str], outcomes: Mapping[str, bool], never: set[str]
) -> _Verdict:
    if dependency.step in never:
        return _Verdict.NEVER
    status = statuses.get(dependency.step)
    if status not in ENDED:
        return _Verdict.OPEN
    met = is_met(dependency, status, outcomes.get(dependency.step))
    return _Verdict.MET if met else _Verdict.NEVER
