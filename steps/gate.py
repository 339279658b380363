"""Gate: only a challenger that reaches the floor and is not worse than the champion by more than a margin goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo, ConditionLessThanOrEqualTo
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.steps import ProcessingStep, Step

from steps.build import Build
from steps.evaluate.step import REPORT


def gate_step(build: Build, evaluate: ProcessingStep, passed: Sequence[Step]) -> ConditionStep:
    gates = build.settings.gates
    return ConditionStep(
        name="Gate",
        display_name="Good enough?",
        description=f"AUC of at least {gates.min_auc:g}, and at most {gates.max_auc_drop:g} below the champion's.",
        conditions=[
            ConditionGreaterThanOrEqualTo(left=_figure(evaluate, "gate.auc"), right=gates.min_auc),
            ConditionLessThanOrEqualTo(left=_figure(evaluate, "gate.auc_drop"), right=gates.max_auc_drop),
        ],
        if_steps=list(passed),
        else_steps=[_refuse_step(build, evaluate)],
    )


def _refuse_step(build: Build, evaluate: ProcessingStep) -> FailStep:
    """Ends the execution with the sentence that the evaluation wrote: which rule failed, and by how much."""
    return FailStep(
        name="Refuse",
        display_name="Refuse the challenger",
        description="Says which rule the challenger broke and by how much.",
        error_message=Join(on=": ", values=[build.dimension, _figure(evaluate, "gate.reason")]),
    )


def _figure(evaluate: ProcessingStep, path: str) -> Any:
    return JsonGet(step_name=evaluate.name, property_file=REPORT, json_path=path)
