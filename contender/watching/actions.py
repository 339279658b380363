"""What can be done about an endpoint's watchers, as data.

`execute.Watchman` does it. Every one may be done again: what is there already is success, what is gone is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contender.watching.wishes import Kind, Scaling


@dataclass(frozen=True, slots=True)
class PrepareBaseline:
    """Put under `uri` what data are compared with: a baseline's two files, and the script that names columns."""

    uri: str
    statistics: str
    constraints: str
    artifact: str


@dataclass(frozen=True, slots=True)
class RelaxBaseline:
    """Put under `uri` the constraints of a quality baseline, each a margin less strict."""

    uri: str
    constraints: str
    margin: float


@dataclass(frozen=True, slots=True)
class CreateDefinition:
    kind: Kind
    name: str
    request: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeleteDefinition:
    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class CreateSchedule:
    name: str
    kind: Kind
    definition: str
    expression: str


@dataclass(frozen=True, slots=True)
class UpdateSchedule:
    name: str
    kind: Kind
    definition: str
    expression: str


@dataclass(frozen=True, slots=True)
class DeleteSchedule:
    name: str


@dataclass(frozen=True, slots=True)
class PutAlarm:
    name: str
    description: str
    request: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeleteAlarm:
    name: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Register a variant as a scalable target, with the policy that follows its invocations."""

    endpoint: str
    variant: str
    scaling: Scaling


@dataclass(frozen=True, slots=True)
class StopScaling:
    """Give up a target, and with it its policy; the instances stay as many as they are."""

    endpoint: str
    variant: str


Action = (
    PrepareBaseline
    | RelaxBaseline
    | CreateDefinition
    | DeleteDefinition
    | CreateSchedule
    | UpdateSchedule
    | DeleteSchedule
    | PutAlarm
    | DeleteAlarm
    | Scale
    | StopScaling
)


def describe(action: Action) -> str:
    """An action in words, for logs."""
    match action:
        case PrepareBaseline() | RelaxBaseline():
            return f"prepare baseline {action.uri}"
        case CreateDefinition():
            return f"create job definition {action.name}"
        case DeleteDefinition():
            return f"delete job definition {action.name}"
        case CreateSchedule():
            return f"create schedule {action.name} with {action.definition}"
        case UpdateSchedule():
            return f"update schedule {action.name} to {action.definition}"
        case DeleteSchedule():
            return f"delete schedule {action.name}"
        case PutAlarm():
            return f"put alarm {action.name}"
        case DeleteAlarm():
            return f"delete alarm {action.name}"
        case Scale():
            bounds = f"{action.scaling.min_instances} to {action.scaling.max_instances}"
            return f"scale {action.variant} of {action.endpoint} between {bounds} instances"
        case StopScaling():
            return f"stop scaling {action.variant} of {action.endpoint}"
