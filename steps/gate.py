"""Gate: only a challenger that keeps every rule goes on: a floor, no loss against the champion, and the limits set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sagemaker.core.workflow.conditions import (
    Condition,
    ConditionGreaterThanOrEqualTo,
    ConditionLessThan,
    ConditionLessThanOrEqualTo,
)
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.steps import ProcessingStep, Step

from contender.config.sections import Gates
from steps.build import Build
from steps.evaluate.step import REPORT


def gate_step(build: Build, evaluate: ProcessingStep, passed: Sequence[Step]) -> ConditionStep:
    gates = build.settings.gates
    return ConditionStep(
        name="Gate",
        display_name="Good enough?",
        description=_rules_in_words(gates),
        conditions=_conditions(gates, evaluate),
        if_steps=list(passed),
        else_steps=[_refuse_step(build, evaluate)],
    )


def _conditions(gates: Gates, evaluate: ProcessingStep) -> list[Condition]:
    """The evaluation's own verdicts once more, on its figures: Studio shows each with its limit."""
    limits = {
        "latency_ms": gates.max_latency_ms,
        "size_mb": gates.max_size_mb,
        "bias": gates.bias.limit,
    }
    return [
        ConditionGreaterThanOrEqualTo(left=_rule(evaluate, "auc"), right=gates.min_auc),
        ConditionLessThan(left=_rule(evaluate, "possible_loss"), right=gates.margin),
        *[
            ConditionLessThanOrEqualTo(left=_rule(evaluate, name), right=limit)
            for name, limit in limits.items()
            if limit is not None
        ],
    ]


def _rules_in_words(gates: Gates) -> str:
    rules = [
        f"AUC of at least {gates.min_auc:g}",
        f"{100 * (1 - gates.alpha):g} % sure to lose less than {gates.margin:g} of it against the champion",
    ]
    if gates.max_latency_ms is not None:
        rules.append(f"a row answered in {gates.max_latency_ms:g} ms")
    if gates.max_size_mb is not None:
        rules.append(f"an artifact of at most {gates.max_size_mb:g} MB")
    if gates.bias.limit is not None:
        rules.append(f"{gates.bias.metric} no further than {gates.bias.limit:g} from none")
    return "; ".join(rules) + "."


def _refuse_step(build: Build, evaluate: ProcessingStep) -> FailStep:
    """Ends the execution with the sentence that the evaluation wrote: which rules failed, and by how much."""
    return FailStep(
        name="Refuse",
        display_name="Refuse the challenger",
        description="Says which rules the challenger broke and by how much.",
        error_message=Join(on=": ", values=[build.dimension, _figure(evaluate, "gate.reason")]),
    )


def _rule(evaluate: ProcessingStep, name: str) -> JsonGet:
    return _figure(evaluate, f"gate.rules.{name}.figure")


def _figure(evaluate: ProcessingStep, path: str) -> Any:
    return JsonGet(step_name=evaluate.name, property_file=REPORT, json_path=path)
