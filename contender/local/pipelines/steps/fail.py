"""Fail steps: end the execution, with the reason in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from contender.local.api.protocol import SageMakerModel
from contender.local.pipelines.definition import Check, Step
from contender.local.pipelines.expressions import is_expression
from contender.local.pipelines.paths import Path
from contender.local.pipelines.resolution import as_text
from contender.local.pipelines.steps.runner import Result, Run, StepFailed

MAX_CHARACTERS = 3072


@dataclass(frozen=True, slots=True)
class FailStep:
    fields: frozenset[str] = frozenset()

    def problems(self, step: Step, check: Check) -> Iterator[str]:
        for name in sorted(step.arguments.keys() - {"ErrorMessage"}):
            yield f"Arguments.{name}: there is no such field"
        message = step.arguments.get("ErrorMessage", "")
        if not isinstance(message, str) and not is_expression(message):
            yield "Arguments.ErrorMessage: a text or an expression is needed"

    def output_type(self, step: Step, path: Path, model: SageMakerModel) -> str | None:
        return None

    def run(self, run: Run) -> Result:
        message = as_text(run.arguments.get("ErrorMessage", ""))[:MAX_CHARACTERS]
        result = Result(metadata={"Fail": {"ErrorMessage": message}})
        raise StepFailed(message, result=result, ends_execution=True)


FAIL = FailStep()
