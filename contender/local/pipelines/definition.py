"""A pipeline definition: JSON text in, frozen steps out, or every problem with it, one clear line each.

Everything that can be known before a run is refused here: names, types, cycles, references to what does not exist,
and arguments that the request they become would not take. What a step type needs beyond that, its own `StepKind` says.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from contender.local.api.protocol import SageMakerModel
from contender.local.pipelines import caching, parameters, retries
from contender.local.pipelines.arguments import without_nulls
from contender.local.pipelines.caching import CachePolicy
from contender.local.pipelines.expressions import (
    ExecutionRef,
    ExpressionError,
    Join,
    ParameterRef,
    PropertyFileRef,
    StepRef,
    find,
    references,
    show,
)
from contender.local.pipelines.expressions import parse as parse_expression
from contender.local.pipelines.graph import Dependency, Trigger, find_cycle
from contender.local.pipelines.parameters import Parameter
from contender.local.pipelines.paths import Path
from contender.local.pipelines.retries import RetryPolicy

VERSION = "2020-12-01"
MAX_CHARACTERS = 1_048_576

TOP_FIELDS = frozenset({"Version", "Metadata", "Parameters", "PipelineExperimentConfig", "MlflowConfig", "Steps"})
STEP_FIELDS = frozenset({"Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description"})
# Step types of SageMaker that this engine has no runner for.
OTHER_TYPES = frozenset(
    {
        "AutoML",
        "Callback",
        "ClarifyCheck",
        "Cleanup",
        "EMR",
        "EMRServerless",
        "Endpoint",
        "EndpointConfig",
        "ForEach",
        "InferenceComponent",
        "Job",
        "Lineage",
        "QualityCheck",
    }
)

TRIGGERS: dict[Any, Trigger] = {trigger.value: trigger for trigger in Trigger}

_STEP_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")


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
class Step:
    """One step. `waits_for` holds DependsOn, the steps its expressions read, and the Condition it is nested in."""

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


@dataclass(frozen=True, slots=True)
class Definition:
    """Steps in the order of the text, nested ones after their Condition."""

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
            case StepRef(step, path) if step in self.steps and self.steps[step].type in self.kinds:
                found = self.steps[step]
                return self.kinds[found.type].output_type(found, path, self.model) or "Any"
        return "Any"


def parse(text: str, kinds: Mapping[str, StepKind], model: SageMakerModel) -> Definition:
    """Read a definition. Raises DefinitionError with every problem found."""
    try:
        return _parse(text, kinds, model)
    except RecursionError as error:
        raise DefinitionError(["the definition is nested too deeply"]) from error


def _parse(text: str, kinds: Mapping[str, StepKind], model: SageMakerModel) -> Definition:
    body = _load(text)
    problems = [_unknown_field("Pipeline", name, TOP_FIELDS) for name in sorted(body.keys() - TOP_FIELDS)]
    if body.get("Version") != VERSION:
        problems.append(f"Version: {VERSION!r} is needed, not {body.get('Version')!r}")
    declared, wrong = parameters.parse(body.get("Parameters") or [])
    problems += wrong
    reader = _StepReader(kinds, problems)
    if not isinstance(body.get("Steps"), list) or not body["Steps"]:
        problems.append("Steps: a list of at least one step is needed")
    else:
        reader.read(body["Steps"], "Steps", None)
    steps = _with_data_dependencies(reader.steps, declared, kinds, model, problems)
    cycle = find_cycle({name: step.waits_for for name, step in steps.items()})
    if cycle:
        problems.append(f"Steps wait for each other in a cycle: {' -> '.join(cycle)}")
    check = Check(model, kinds, declared, steps)
    for step in steps.values():
        if step.type in kinds:
            problems += [f"Step {step.name!r}: {line}" for line in kinds[step.type].problems(step, check)]
    if problems:
        raise DefinitionError(problems)
    return Definition(declared, steps, body.get("PipelineExperimentConfig") or {})


def _load(text: str) -> dict[str, Any]:
    if len(text) > MAX_CHARACTERS:
        raise DefinitionError([f"the definition has {len(text)} characters; at most {MAX_CHARACTERS} are allowed"])
    try:
        body = json.loads(text)
    except ValueError as error:
        raise DefinitionError([f"the definition is not JSON: {error}"]) from error
    if not isinstance(body, dict):
        raise DefinitionError(["the definition is not a JSON object"])
    return body


class _StepReader:
    """Reads steps and those nested in conditions into one table, noting problems."""

    def __init__(self, kinds: Mapping[str, StepKind], problems: list[str]) -> None:
        self.steps: dict[str, Step] = {}
        self._kinds = kinds
        self._problems = problems

    def read(self, bodies: Any, where: str, parent: Dependency | None) -> None:
        if not isinstance(bodies, list):
            self._problems.append(f"{where}: a list of steps is needed")
            return
        for index, body in enumerate(bodies):
            self._read_one(body, f"{where}[{index}]", parent)

    def _read_one(self, body: Any, where: str, parent: Dependency | None) -> None:
        if not isinstance(body, dict):
            self._problems.append(f"{where}: a step is an object")
            return
        name = body.get("Name")
        if not isinstance(name, str) or not _STEP_NAME.fullmatch(name):
            self._problems.append(f"{where}: Name: {name!r} is not 1 to 64 characters of A-Z a-z 0-9 - _")
            return
        if name in self.steps:
            self._problems.append(f"Step {name!r}: two steps have this name")
            return
        self.steps[name] = self._step(name, body, parent)
        arguments = body.get("Arguments")
        if body.get("Type") == "Condition" and isinstance(arguments, dict):
            for branch, field_name in ((True, "IfSteps"), (False, "ElseSteps")):
                nested = arguments.get(field_name) or []
                self.read(nested, f"Step {name!r}: Arguments.{field_name}", Dependency(name, branch=branch))

    def _step(self, name: str, body: dict[str, Any], parent: Dependency | None) -> Step:
        kind = self._kind(name, body.get("Type"))
        if kind is None:
            return Step(name, str(body.get("Type")), {})
        known = STEP_FIELDS | kind.fields
        self._note(name, *(_unknown_field("", key, known) for key in sorted(body.keys() - known)))
        arguments = without_nulls(body.get("Arguments", {}))
        if not isinstance(arguments, dict):
            self._note(name, "Arguments: an object is needed")
            arguments = {}
        if body["Type"] == "Condition":
            arguments = {key: value for key, value in arguments.items() if key not in ("IfSteps", "ElseSteps")}
        waits_for = self._depends_on(name, body.get("DependsOn") or [])
        return Step(
            name=name,
            type=body["Type"],
            arguments=arguments,
            display_name=self._text(name, body, "DisplayName"),
            description=self._text(name, body, "Description"),
            waits_for=(parent, *waits_for) if parent else waits_for,
            retry_policies=self._retry_policies(name, body.get("RetryPolicies") or []),
            cache=self._cache(name, body.get("CacheConfig")),
            property_files=self._property_files(name, body.get("PropertyFiles") or []),
            fields={key: body[key] for key in kind.fields if body.get(key) is not None},
        )

    def _kind(self, name: str, step_type: Any) -> StepKind | None:
        if step_type in self._kinds:
            return self._kinds[step_type]
        known = ", ".join(sorted(self._kinds))
        if step_type in OTHER_TYPES:
            self._note(name, f"Type: {step_type} steps are not supported yet by local SageMaker; it runs {known}")
        else:
            self._note(name, f"Type: {step_type!r} is not a step type; known are {known}")
        return None

    def _text(self, name: str, body: dict[str, Any], key: str) -> str | None:
        value = body.get(key)
        if value is not None and not isinstance(value, str):
            self._note(name, f"{key}: a text is needed")
            return None
        return value

    def _depends_on(self, name: str, entries: Any) -> tuple[Dependency, ...]:
        if not isinstance(entries, list):
            self._note(name, "DependsOn: a list is needed")
            return ()
        found: list[Dependency] = []
        for index, entry in enumerate(entries):
            match entry:
                case str():
                    found.append(Dependency(entry))
                case {"Step": str(step), **rest} if not rest.keys() - {"Trigger"}:
                    trigger = rest.get("Trigger", "Completed")
                    if trigger in TRIGGERS:
                        found.append(Dependency(step, TRIGGERS[trigger]))
                    else:
                        self._note(name, f"DependsOn[{index}].Trigger: {trigger!r} is not one of {', '.join(TRIGGERS)}")
                case _:
                    self._note(name, f"DependsOn[{index}]: a step's name or {{Step, Trigger}} is needed")
        return tuple(found)

    def _retry_policies(self, name: str, entries: Any) -> tuple[RetryPolicy, ...]:
        if not isinstance(entries, list):
            self._note(name, "RetryPolicies: a list is needed")
            return ()
        found = []
        for index, entry in enumerate(entries):
            policy, wrong = retries.parse(entry)
            self._note(name, *(f"RetryPolicies[{index}]: {line}" for line in wrong))
            if policy:
                found.append(policy)
        return tuple(found)

    def _cache(self, name: str, body: Any) -> CachePolicy | None:
        if body is None:
            return None
        policy, wrong = caching.parse(body)
        self._note(name, *(f"CacheConfig.{line}" for line in wrong))
        return policy

    def _property_files(self, name: str, entries: Any) -> tuple[PropertyFile, ...]:
        found: dict[str, PropertyFile] = {}
        for index, entry in enumerate(entries if isinstance(entries, list) else [entries]):
            match entry:
                case {"PropertyFileName": str(file), "OutputName": str(output), "FilePath": str(path)}:
                    if file in found:
                        self._note(name, f"PropertyFiles[{index}]: two property files are named {file!r}")
                    found[file] = PropertyFile(file, output, path)
                case _:
                    self._note(
                        name, f"PropertyFiles[{index}]: texts PropertyFileName, OutputName and FilePath are needed"
                    )
        return tuple(found.values())

    def _note(self, name: str, *lines: str) -> None:
        self._problems.extend(f"Step {name!r}: {line}" for line in lines)


def _with_data_dependencies(
    steps: Mapping[str, Step],
    declared: Mapping[str, Parameter],
    kinds: Mapping[str, StepKind],
    model: SageMakerModel,
    problems: list[str],
) -> dict[str, Step]:
    """Each step with the steps its expressions read among `waits_for`; what they name must exist."""
    check = Check(model, kinds, declared, steps)
    complete: dict[str, Step] = {}
    for step in steps.values():
        waits_for = dict.fromkeys(step.waits_for)
        for dependency in step.waits_for:
            problem = _dependency_problem(step, dependency, steps)
            if problem:
                problems.append(f"Step {step.name!r}: DependsOn: {problem}")
                del waits_for[dependency]
        for where, value in find({"Arguments": step.arguments, **step.fields}):
            for upstream in _upstream(step, where, value, check, problems):
                if all(dependency.step != upstream for dependency in waits_for):
                    waits_for[Dependency(upstream)] = None
        complete[step.name] = replace(step, waits_for=tuple(waits_for))
    return complete


def _dependency_problem(step: Step, dependency: Dependency, steps: Mapping[str, Step]) -> str | None:
    if dependency.step not in steps:
        return f"there is no step {dependency.step!r}{_nearest(dependency.step, steps)}"
    if steps[dependency.step].type == "Fail":
        return f"{step.name} can not depend on {dependency.step}, a Fail step: it ends the execution"
    return None


def _upstream(step: Step, where: str, value: dict[str, Any], check: Check, problems: list[str]) -> list[str]:
    """The steps an expression reads; what it names and does not exist becomes a problem."""
    try:
        found = list(references(parse_expression(value)))
    except ExpressionError as error:
        problems.append(f"Step {step.name!r}: {where}: {error}")
        return []
    upstream = []
    for reference in found:
        problem = None
        match reference:
            case ParameterRef(name) if name not in check.parameters:
                problem = f"there is no parameter {name!r}{_nearest(name, check.parameters)}"
            case StepRef(name) | PropertyFileRef(name):
                problem = _read_problem(reference, check)
                if name in check.steps and check.steps[name].type != "Fail":
                    upstream.append(name)
        if problem:
            problems.append(f"Step {step.name!r}: {where}: {show(value)}: {problem}")
    return upstream


def _read_problem(reference: StepRef | PropertyFileRef, check: Check) -> str | None:
    step = check.steps.get(reference.step)
    if step is None:
        return f"there is no step {reference.step!r}{_nearest(reference.step, check.steps)}"
    if step.type not in check.kinds:
        return None
    if isinstance(reference, PropertyFileRef):
        names = [file.name for file in step.property_files]
        if reference.name in names:
            return None
        return f"step {step.name!r} declares no property file {reference.name!r}{_nearest(reference.name, names)}"
    if check.kinds[step.type].output_type(step, reference.path, check.model) is None:
        return f"a {step.type} step has no such field"
    return None


def _unknown_field(owner: str, name: str, known: Iterable[str]) -> str:
    prefix = f"{owner}: " if owner else ""
    return f"{prefix}{name}: there is no such field{_nearest(name, known)}"


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
