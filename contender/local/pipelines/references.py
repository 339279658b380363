"""What the expressions of each step read: it must exist, and the step waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contender.local.api.protocol import SageMakerModel
from contender.local.pipelines.definition import Check, Step, StepKind
from contender.local.pipelines.expressions import (
    ExpressionError,
    ParameterRef,
    PropertyFileRef,
    StepRef,
    find,
    references,
    show,
)
from contender.local.pipelines.expressions import parse as parse_expression
from contender.local.pipelines.graph import Dependency
from contender.local.pipelines.parameters import Parameter
from contender.local.pipelines.spelling import nearest


def with_data_dependencies(
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
        return f"there is no step {dependency.step!r}{nearest(dependency.step, steps)}"
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
                problem = f"there is no parameter {name!r}{nearest(name, check.parameters)}"
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
        return f"there is no step {reference.step!r}{nearest(reference.step, check.steps)}"
    if step.type not in check.kinds:
        return None
    if isinstance(reference, PropertyFileRef):
        names = [file.name for file in step.property_files]
        if reference.name in names:
            return None
        return f"step {step.name!r} declares no property file {reference.name!r}{nearest(reference.name, names)}"
    if check.kinds[step.type].output_type(step, reference.path, check.model) is None:
        return f"a {step.type} step has no such field"
    return None
