"""Who waits for whom: the dependencies of a definition's steps, their order, and the cycles among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter


class Trigger(StrEnum):
    """The outcome of an upstream step that lets the next one run."""

    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"
    ANY = "Any"


@dataclass(frozen=True, slots=True)
class Dependency:
    """`branch` is set on the dependency of a nested step on its Condition: the outcome that leads to it."""

    step: str
    trigger: Trigger = Trigger.COMPLETED
    branch: bool | None = None


def find_cycle(waits_for: Mapping[str, tuple[Dependency, ...]]) -> list[str] | None:
    """Steps that each wait for the next and end where they began, or None."""
    try:
        _sorter(waits_for).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return None


def order(waits_for: Mapping[str, tuple[Dependency, ...]]) -> list[str]:
    """The steps, each after those it waits for."""
    return list(_sorter(waits_for).static_order())


def all_upstream(waits_for: Mapping[str, tuple[Dependency, ...]]) -> dict[str, set[str]]:
    """For each step all that must end before it, however far."""
    found: dict[str, set[str]] = {}
    for name in order(waits_for):
        direct = {dependency.step for dependency in waits_for[name]}
        found[name] = direct.union(*(found[each] for each in direct))
    return found


def _sorter(waits_for: Mapping[str, tuple[Dependency, ...]]) -> TopologicalSorter[str]:
    return TopologicalSorter({step: [each.step for each in upstream] for step, upstream in waits_for.items()})
