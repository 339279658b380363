"""A pipeline definition: JSON text in, frozen steps out, or every problem with it, one clear line each.

Everything that can be known before a run is refused here: names, types, cycles, references to what does not exist,
and arguments that the request they become would not take. What a step type needs beyond that, its own `StepKind` says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contender.local.api.protocol import SageMakerModel
from contender.local.pipelines import caching, parameters, retries
from contender.local.pipelines.arguments import without_nulls
from contender.local.pipelines.caching import CachePolicy
from contender.local.pipelines.definition import (
    Body,
    Check,
    Definition,
    DefinitionError,
    PropertyFile,
    Step,
    StepKind,
)
from contender.local.pipelines.graph import Dependency, Trigger, find_cycle
from contender.local.pipelines.references import with_data_dependencies
from contender.local.pipelines.retries import RetryPolicy
from contender.local.pipelines.selectors import parse_selector
from contender.local.pipelines.spelling import unknown_field

VERSION = "2020-12-01"
MAX_CHARACTERS = 1_048_576

TOP_FIELDS = frozenset({"Version", "Metadata", "Parameters", "PipelineExperimentConfig", "MlflowConfig", "Steps"})
EXPERIMENT_FIELDS = frozenset({"ExperimentName", "TrialName"})
STEP_FIELDS = frozenset({"Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description"})
# Step types of SageMaker that this engine has no runner for.
OTHER_TYPES = frozenset(
    {
        "AutoML",
        "Cleanup",
        "EMR",
        "EMRServerless",
        "InferenceComponent",
        "Job",
        "Lineage",
    }
)

# Arguments that are read with the definition, not resolved when the step starts.
NESTED: Mapping[str, tuple[str, ...]] = {"Condition": ("IfSteps", "ElseSteps"), "ForEach": ("ForEachBody", "Selector")}
NOT_IN_A_BODY = ("Condition", "Fail", "ForEach")
TRIGGERS: dict[Any, Trigger] = {trigger.value: trigger for trigger in Trigger}

_STEP_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")


def parse(text: str, kinds: Mapping[str, StepKind], model: SageMakerModel) -> Definition:
    """Read a definition. Raises DefinitionError with every problem found."""
    try:
        return _parse(text, kinds, model)
    except RecursionError as error:
        raise DefinitionError(["the definition is nested too deeply"]) from error


def _parse(text: str, kinds: Mapping[str, StepKind], model: SageMakerModel) -> Definition:
    body = _load(text)
    problems = [unknown_field("Pipeline", name, TOP_FIELDS) for name in sorted(body.keys() - TOP_FIELDS)]
    if body.get("Version") != VERSION:
        problems.append(f"Version: {VERSION!r} is needed, not {body.get('Version')!r}")
    experiment = body.get("PipelineExperimentConfig") or {}
    if experiment and (not isinstance(experiment, dict) or experiment.keys() != EXPERIMENT_FIELDS):
        problems.append(f"PipelineExperimentConfig: an object of {' and '.join(sorted(EXPERIMENT_FIELDS))} is needed")
        experiment = {}
    declared, wrong = parameters.parse(body.get("Parameters") or [])
    problems += wrong
    reader = _StepReader(kinds, problems)
    if not isinstance(body.get("Steps"), list) or not body["Steps"]:
        problems.append("Steps: a list of at least one step is needed")
    else:
        reader.read(body["Steps"], "Steps")
        reader.check_names_of_iterations()
    steps = with_data_dependencies(reader.steps, declared, kinds, model, problems)
    cycle = find_cycle({name: step.waits_for for name, step in steps.items()})
    if cycle:
        problems.append(f"Steps wait for each other in a cycle: {' -> '.join(cycle)}")
    check = Check(model, kinds, declared, steps)
    for step in steps.values():
        if step.type in kinds:
            problems += [f"Step {step.name!r}: {line}" for line in kinds[step.type].problems(step, check)]
    if problems:
        raise DefinitionError(problems)
    return Definition(declared, steps, experiment)


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
    """Reads steps and those nested in conditions and loops into one table, noting problems."""

    def __init__(self, kinds: Mapping[str, StepKind], problems: list[str]) -> None:
        self.steps: dict[str, Step] = {}
        self._kinds = kinds
        self._problems = problems

    def read(self, bodies: Any, where: str, *, parent: Dependency | None = None, loop: str | None = None) -> None:
        if not isinstance(bodies, list):
            self._problems.append(f"{where}: a list of steps is needed")
            return
        for index, body in enumerate(bodies):
            self._read_one(body, f"{where}[{index}]", parent, loop)

    def check_names_of_iterations(self) -> None:
        """The service names what it makes of a body step <name>-<index>: no step may be called so already."""
        for name in self.steps:
            body, _, index = name.rpartition("-")
            if index.isdecimal() and body in self.steps and self.steps[body].loop:
                loop = self.steps[body].loop
                self._note(name, f"Name: the iterations of {body!r} in the body of {loop!r} are named so")

    def _read_one(self, body: Any, where: str, parent: Dependency | None, loop: str | None) -> None:
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
        self.steps[name] = self._step(name, body, parent, loop)
        arguments = body.get("Arguments")
        if loop is not None and body.get("Type") in NOT_IN_A_BODY:
            self._note(name, f"Type: a {body['Type']} step cannot stand in the ForEachBody of {loop!r}")
        elif body.get("Type") == "Condition" and isinstance(arguments, dict):
            for branch, field_name in ((True, "IfSteps"), (False, "ElseSteps")):
                nested = arguments.get(field_name) or []
                self.read(nested, f"Step {name!r}: Arguments.{field_name}", parent=Dependency(name, branch=branch))
        elif body.get("Type") == "ForEach" and isinstance(arguments, dict):
            self.read(arguments.get("ForEachBody") or [], f"Step {name!r}: Arguments.ForEachBody", loop=name)
            self.steps[name] = replace(self.steps[name], body=self._body(name, arguments.get("Selector")))

    def _body(self, name: str, selector: Any) -> Body:
        steps = tuple(step.name for step in self.steps.values() if step.loop == name)
        if not steps:
            self._note(name, "Arguments.ForEachBody: a list of at least one step is needed")
        found = None
        if selector is not None:
            found, problem = parse_selector(selector, steps)
            self._note(name, *([f"Arguments.Selector: {problem}"] if problem else []))
        return Body(steps, found)

    def _step(self, name: str, body: dict[str, Any], parent: Dependency | None, loop: str | None) -> Step:
        kind = self._kind(name, body.get("Type"))
        if kind is None:
            return Step(name, str(body.get("Type")), {}, loop=loop)
        known = STEP_FIELDS | kind.fields
        self._note(name, *(unknown_field("", key, known) for key in sorted(body.keys() - known)))
        arguments = without_nulls(body.get("Arguments", {}))
        if not isinstance(arguments, dict):
            self._note(name, "Arguments: an object is needed")
            arguments = {}
        nested = NESTED.get(body["Type"], ())
        arguments = {key: value for key, value in arguments.items() if key not in nested}
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
            loop=loop,
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
