"""The project's stacks: the core stands still first, and goes after those around it.

After it goes the delivery, whose role CloudFormation deletes the others as, and the key only with the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contender.destroying.remover import Project, Remover
from contender.errors import DeploymentError
from contender.stack import Stack
from contender.stacks import KEY, KINDS

CORE, DELIVERY = "core", "delivery"
_AT_REST = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})


def pause(project: Project) -> bool:
    """Have uploads wait and rollouts stand still, or a tick would make anew what is taken away. Whether it had to.

    It is a parameter of the core, so the next deployment wakes them up.
    """
    stack = _stack(project, CORE)
    description = stack.describe()
    if description is None or description["StackStatus"] not in _AT_REST:
        return False  # it is not there, never came to life, or is on its way out
    told = {each["ParameterKey"]: each["ParameterValue"] for each in description.get("Parameters", ())}
    if told.get("Paused") != "off":
        return False
    as_before = [{"ParameterKey": name, "UsePreviousValue": True} for name in sorted(told) if name != "Paused"]
    change_set = stack.propose(
        "UPDATE",
        {
            "UsePreviousTemplate": True,
            "Parameters": [*as_before, {"ParameterKey": "Paused", "ParameterValue": "on"}],
        },
    )
    if change_set is not None:
        stack.execute(change_set)
    return True


def _stack(project: Project, kind: str) -> Stack:
    return Stack(project.connect("cloudformation"), project.names.stack(kind), project.sleep)


def _there(*kinds: str) -> Callable[[Project], Iterator[str]]:
    """Names of these stacks that exist, the last deployed first."""

    def find(project: Project) -> Iterator[str]:
        for kind in reversed(kinds):
            stack = _stack(project, kind)
            description = stack.describe()
            if description is None:
                continue
            tags = {tag["Key"]: tag["Value"] for tag in description.get("Tags", ())}
            if tags.get("project", project.names.project) != project.names.project:
                raise DeploymentError(f"stack {stack.name} is tagged with project {tags['project']!r}: it is not ours")
            yield stack.name

    return find


def _delete(project: Project, name: str) -> None:
    Stack(project.connect("cloudformation"), name, project.sleep).delete()


_AROUND = tuple(kind.name for kind in KINDS if kind.name not in (CORE, KEY, DELIVERY))
AROUND_THE_CORE = Remover("stack", _there(*_AROUND), _delete)
THE_CORE = Remover("stack", _there(CORE), _delete)
THE_DELIVERY = Remover("stack", _there(DELIVERY), _delete)
THE_KEY = Remover("stack", _there(KEY), _delete)
