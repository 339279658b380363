"""What a definition is once it is read: steps, what each waits for, and what a step type must say about itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from contender.local.api.protocol import SageMakerModel
from contender.local.pipelines.caching import CachePolicy
from contender.local.pipelines.expressions import ExecutionRef, ExpressionError, Join, ParameterRef, StepRef
from contender.local.pipelines.expressions import parse as parse_expression
from contender.local.pipelines.graph import Dependency
from contender.local.pipelines.parameters import Parameter
from contender.local.pipelines.paths import Path
from contender.local.pipelines.retries import RetryPolicy


class DefinitionError(Exception):
    """A definition that cannot run; `problems` has one line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, slots=True)
class PropertyFile:
    """A JSON file that a processing step leaves in one of its outputs."""

    name: str
    output_name: str
    path: str


@dataclass(frozen=True, slots=True)
class Selector:
    """Which iteration of a ForEach becomes its Selected: the one where a field of a body step is greatest or least."""

    pick: str
    step: str
    path: Path


@dataclass(frozen=True, slots=True)
class Body:
    """What a ForEach step does for each item."""

    steps: tuple[str, ...]
    selector: Selector | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `waits_for` holds DependsOn, the steps its expressions read, and the Condition it is nested in.

    A ForEach step has a `body` and waits for what its body's steps read outside; these have its name as their `loop`
    and wait for one another only.
    """

    name: str
    type: str
    arguments: Mapping[str, Any]
    display_name: str | None = None
    description: str | None = None
    waits_for: tuple[Dependency, ...] = ()
    retry_policies: tuple[RetryPolicy, ...] = ()
    cache: CachePolicy | None = None
    property_files: tuple[PropertyFile, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    body: Body | None = None
    loop: str | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """Steps in the order of the text, nested ones after their Condition or ForEach."""

    parameters: Mapping[str, Parameter]
    steps: Mapping[str, Step]
    experiment: Mapping[str, Any] = field(default_factory=dict)


class StepKind(Protocol):
    """What the definition asks of a step type."""

    @property
    def fields(self) -> frozenset[str]:
        """The step's own fields, beside those that every step has."""

    def problems(self, step: Step, check: Check) -> Iterable[str]:
        """What is wrong with the step's arguments and own fields."""

    def output_type(self, step: Step, path: Path, model: SageMakerModel) -> str | None:
        """The type of a field that a Get may read of the step, "Any" if only a run tells, None if there is none."""


@dataclass(frozen=True, slots=True)
class Check:
    """The whole definition, for a step type that checks one step of it."""

    model: SageMakerModel
    kinds: Mapping[str, StepKind]
    parameters: Mapping[str, Parameter]
    steps: Mapping[str, Step]

    def type_of(self, value: dict[str, Any]) -> str:
        """The type an expression will have, "Any" if only a run tells."""
        try:
            expression = parse_expression(value)
        except ExpressionError:
            return "Any"
        match expression:
            case ParameterRef(name):
                return self.parameters[name].type if name in self.parameters else "Any"
            case ExecutionRef() | Join():
                return "String"
            case StepRef(step, path) if step in self.steps:
                return self.field_type(self.steps[step], path) or "Any"
        return "Any"

    def field_type(self, step: Step, path: Path) -> str | None:
        """The type of a field that a step puts out, "Any" if only a run tells, None if there is none."""
        if step.type not in self.kinds:
            return "Any"
        if step.body is not None:
            match path:
                case ("IterationOutputs", int(), str(name), *rest) if rest and name in step.body.steps:
                    return self.field_type(self.steps[name], tuple(rest))
                case ("Selected", *rest) if rest and step.body.selector is not None:
                    return self.field_type(self.steps[step.body.selector.step], tuple(rest))
        return self.kinds[step.type].output_type(step, path, self.model)
