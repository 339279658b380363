"""What the expressions of each step read: it must exist, and the step waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contender.local.api.protocol import SageMakerModel
from contender.local.pipelines.definition import Check, Step, StepKind
from contender.local.pipelines.expressions import (
    ExpressionError,
    ItemRef,
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
    return _with_bodies_inside(complete)


def _with_bodies_inside(steps: Mapping[str, Step]) -> dict[str, Step]:
    """What the steps of a ForEach's body wait for outside of it, the ForEach waits for in their place."""
    waits_for = {name: dict.fromkeys(step.waits_for) for name, step in steps.items()}
    for name, step in steps.items():
        for dependency in step.waits_for if step.loop else ():
            if steps[dependency.step].loop != step.loop:
                del waits_for[name][dependency]
                waits_for[str(step.loop)][dependency] = None
    return {name: replace(step, waits_for=tuple(waits_for[name])) for name, step in steps.items()}


def _dependency_problem(step: Step, dependency: Dependency, steps: Mapping[str, Step]) -> str | None:
    if dependency.step not in steps:
        return f"there is no step {dependency.step!r}{nearest(dependency.step, steps)}"
    upstream = steps[dependency.step]
    if upstream.name == step.loop:
        return f"{step.name} is in the body of {step.loop}, which cannot wait for itself"
    if upstream.loop not in (None, step.loop):
        return f"{upstream.name} is in the body of {upstream.loop}; depend on {upstream.loop}"
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
            case ItemRef() if step.loop is None:
                problem = "there is a current item only in the ForEachBody of a ForEach step"
            case StepRef(name) | PropertyFileRef(name):
                problem = _read_problem(step, reference, check)
                if name in check.steps and check.steps[name].type != "Fail" and name != step.loop:
                    upstream.append(name)
        if problem:
            problems.append(f"Step {step.name!r}: {where}: {show(value)}: {problem}")
    return upstream


def _read_problem(reader: Step, reference: StepRef | PropertyFileRef, check: Check) -> str | None:
    step = check.steps.get(reference.step)
    if step is None:
        return f"there is no step {reference.step!r}{nearest(reference.step, check.steps)}"
    if step.type not in check.kinds:
        return None
    if step.name == reader.loop:
        return f"{reader.name!r} is in the body of {step.name!r}, whose fields are there only when all of it has ended"
    if step.loop not in (None, reader.loop):
        return (
            f"it is in the body of {step.loop!r}: read Steps.{step.loop}.IterationOutputs[<index>].{step.name}.<field>"
        )
    if isinstance(reference, PropertyFileRef):
        names = [file.name for file in step.property_files]
        if reference.name in names:
            return None
        return f"step {step.name!r} declares no property file {reference.name!r}{nearest(reference.name, names)}"
    if check.field_type(step, reference.path) is None:
        return f"a {step.type} step has no such field"
    return None
