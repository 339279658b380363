"""One step of taking a project away, and what all steps work on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from contender.deployment import name_parts
from contender.errors import DeploymentError
from contender.naming import Names
from contender.templates import Kept, Template

_LONGEST_PAUSE_S = 15.0
_PATIENCE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Project:
    """A project in one account and region; `connect` makes a client of a service there."""

    names: Names
    account: str
    region: str
    connect: Callable[[str], Any]
    templates: tuple[Template, ...]
    sleep: Callable[[float], None]

    @property
    def kept(self) -> tuple[Kept, ...]:
        """The buckets and tables that its stacks leave behind."""
        parts = name_parts(self.names, self.account, self.region)
        return tuple(each for template in self.templates for each in template.kept(parts))

    def wait(self, what: str, over: Callable[[], bool]) -> None:
        """Until it is over, looked at less and less often; DeploymentError after an hour."""
        pause_s, waited_s = 0.1, 0.0
        while not over():
            if waited_s > _PATIENCE_S:
                raise DeploymentError(f"{what} is not gone after {_PATIENCE_S / 60:.0f} minutes: run this again")
            self.sleep(pause_s)
            waited_s += pause_s
            pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)


def _no_more_than_that(project: Project, name: str) -> str:
    return ""


def _at_once(project: Project, names: Sequence[str]) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Remover:
    """Things of one kind: which are there, how one is removed, how to wait for all of them, and what to say of one.

    `find` names this project's and nobody else's; `remove` may be asked for what is on its way out already.
    """

    kind: str
    find: Callable[[Project], Iterable[str]]
    remove: Callable[[Project, str], object]
    settle: Callable[[Project, Sequence[str]], None] = _at_once
    describe: Callable[[Project, str], str] = _no_more_than_that


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that is, was or would be removed, or is kept; `detail` says how large it is."""

    kind: str
    name: str
    detail: str = ""
