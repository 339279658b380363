"""Selective execution: only the selected steps run; what they take from others comes from an earlier execution.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-selective-ex.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.api.listing import pick
from contender.local.context import Context
from contender.local.pipelines.definition import Definition, Step
from contender.local.pipelines.graph import Dependency, all_upstream
from contender.local.pipelines.lookup import find_execution, id_in
from contender.local.pipelines.plan import is_met
from contender.local.pipelines.records import EXECUTION, RUNNING, STEP
from contender.local.pipelines.spelling import nearest
from contender.local.store import Document, Filter

TAKEN = (
    "StepName",
    "StepType",
    "StepDisplayName",
    "StepDescription",
    "StartTime",
    "EndTime",
    "StepStatus",
    "FailureReason",
    "Metadata",
    "AttemptCount",
    "Outputs",
)


def steps_to_run(definition: Definition, execution: Document) -> dict[str, Step]:
    """All steps, or those selected; the steps of a ForEach's body belong to it."""
    config = execution.get("SelectiveExecutionConfig")
    selected = _selected(config) if config else set(definition.steps)
    return {name: step for name, step in definition.steps.items() if step.loop is None and name in selected}


def reused_steps(
    context: Context, pipeline: Document, definition: Definition, config: Mapping[str, Any]
) -> list[Document]:
    """The steps of the source execution that the selected ones take from. Raises ValidationException."""
    selected = _selected(config)
    _refuse(_selection_problems(definition, selected))
    needed = [
        (name, dependency)
        for name in definition.steps
        if name in selected
        for dependency in definition.steps[name].waits_for
        if dependency.step not in selected
    ]
    if not needed:
        return []
    arn = _source(context, pipeline, config, needed[0])
    found = {step["StepName"]: step for step in context.store.page(STEP, Filter(parent=id_in(arn)))}
    _refuse(_source_problems(arn, found, needed))
    names = dict.fromkeys(dependency.step for _, dependency in needed)
    result = {"SelectiveExecutionResult": {"SourcePipelineExecutionArn": arn}}
    return [{**pick(found[name], *TAKEN), **result} for name in names]


def _selected(config: Mapping[str, Any]) -> set[str]:
    return {step["StepName"] for step in config["SelectedSteps"]}


def _selection_problems(definition: Definition, selected: set[str]) -> Iterator[str]:
    steps = definition.steps
    for name in sorted(selected):
        if name not in steps:
            yield f"there is no step {name!r}{nearest(name, steps)}"
        elif loop := steps[name].loop:
            yield f"step {name!r} runs in the body of {loop!r} only; select {loop!r}"
    upstream = all_upstream({name: step.waits_for for name, step in steps.items()})
    for name in steps:
        after = [each for each in steps if name in upstream[each] and each in selected]
        before = [each for each in steps if each in upstream[name] and each in selected]
        if name not in selected and before and after:
            yield f"step {name!r} lies between {before[-1]!r} and {after[0]!r}; select it too"


def _source(context: Context, pipeline: Document, config: Mapping[str, Any], needed: tuple[str, Dependency]) -> str:
    """The ARN of the source execution, which must have ended."""
    arn: str | None = config.get("SourcePipelineExecutionArn")
    name = pipeline["PipelineName"]
    if arn is None:
        latest = context.store.page(EXECUTION, Filter(parent=name), descending=True, limit=1)
        hint = f"; the latest is {latest[0]['PipelineExecutionArn']}" if latest else f"; {name} has none yet"
        raise ValidationException(
            f"SelectiveExecutionConfig: step {needed[0]!r} waits for {needed[1].step!r}, which is not selected, so a "
            f"SourcePipelineExecutionArn is needed{hint}"
        )
    if not arn.startswith(f"{pipeline['PipelineArn']}/execution/"):
        raise ValidationException(f"SelectiveExecutionConfig: {arn} is not an execution of pipeline {name}")
    status = find_execution(context, arn)["PipelineExecutionStatus"]
    if status in RUNNING:
        raise ValidationException(
            f"SelectiveExecutionConfig: {arn} is {status}; its results are taken when it has ended"
        )
    return arn


def _source_problems(arn: str, found: Mapping[str, Document], needed: list[tuple[str, Dependency]]) -> Iterator[str]:
    for name, dependency in needed:
        step = found.get(dependency.step)
        if step is None:
            yield f"step {name!r} waits for {dependency.step!r}, which did not run in {arn}"
        elif not is_met(dependency, step["StepStatus"], step.get("Outputs", {}).get("Outcome")):
            branch = dependency.branch is not None and step["StepStatus"] == "Succeeded"
            how = "took the other branch" if branch else f"is {step['StepStatus']}"
            yield f"step {name!r} waits for {dependency.step!r}, which {how} in {arn}"


def _refuse(problems: Iterator[str]) -> None:
    lines = list(problems)
    if lines:
        raise ValidationException(f"SelectiveExecutionConfig: {'; '.join(lines)}")
