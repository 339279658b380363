"""ForEach steps: the steps of a body run once for every item, as many at once as MaxConcurrency allows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contender.local.api.protocol import SageMakerModel
from contender.local.pipelines.definition import Check, Step
from contender.local.pipelines.expressions import is_expression
from contender.local.pipelines.iterations import Loop
from contender.local.pipelines.paths import Path, show
from contender.local.pipelines.selectors import NothingToSelect, select
from contender.local.pipelines.steps.runner import Result, Run, StepFailed, StepStopped

MAX_CONCURRENCY = 50
MAX_ITEMS = 100
COUNTS: Mapping[str, str] = {
    "SucceededStepCount": "Succeeded",
    "FailedStepCount": "Failed",
    "StoppedStepCount": "Stopped",
}
FIELD_TYPES = {"Status": "String", "InputItemCount": "Integer", "TotalStepCount": "Integer"} | dict.fromkeys(
    COUNTS, "Integer"
)


@dataclass(frozen=True, slots=True)
class ForEachStep:
    fields: frozenset[str] = frozenset()

    def problems(self, step: Step, check: Check) -> Iterator[str]:
        for name in sorted(step.arguments.keys() - {"IterableItems", "MaxConcurrency"}):
            yield f"Arguments.{name}: there is no such field"
        at_once = step.arguments.get("MaxConcurrency")
        if not isinstance(at_once, int) or isinstance(at_once, bool) or not 1 <= at_once <= MAX_CONCURRENCY:
            yield f"Arguments.MaxConcurrency: {at_once!r} is not a whole number from 1 to {MAX_CONCURRENCY}"
        yield from _problems_of_items(step.arguments.get("IterableItems"), check)
        selector = step.body.selector if step.body else None
        if selector and check.field_type(check.steps[selector.step], selector.path) is None:
            kind = check.steps[selector.step].type
            yield f"Arguments.Selector: Field: a {kind} step such as {selector.step!r} has no {show(selector.path)}"

    def output_type(self, step: Step, path: Path, model: SageMakerModel) -> str | None:
        return FIELD_TYPES.get(str(path[0])) if len(path) == 1 else None

    def run(self, run: Run) -> Result:
        loop = run.fan_out(_items(run.arguments["IterableItems"]), run.arguments["MaxConcurrency"])
        status = loop.ended_as()
        if run.stop.event.is_set() and len(loop.outputs) < len(loop.iterations):
            status = "Stopped"
        result = _result(loop, status)
        if status == "Failed":
            raise StepFailed(_reason(loop), result=result)
        if status == "Stopped":
            raise StepStopped(result)
        selector = run.step.body.selector if run.step.body else None
        if selector is None:
            return result
        try:
            chosen = select(selector, loop)
        except NothingToSelect as error:
            raise StepFailed(f"Selector: {error}", result=_result(loop, "Failed")) from error
        summary = {**result.metadata["ForEach"], "Selector": {"StepName": chosen.body, "Index": chosen.index}}
        return Result({**result.outputs, "Selected": loop.outputs[chosen.step.name]}, {"ForEach": summary})


def _problems_of_items(items: Any, check: Check) -> Iterator[str]:
    if is_expression(items):
        if check.type_of(items) not in ("Any", "String"):
            yield "Arguments.IterableItems: an expression for the text of a JSON list is needed"
    elif not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        yield f"Arguments.IterableItems: a list of 1 to {MAX_ITEMS} items, or an expression for one, is needed"
    else:
        for index, item in enumerate(items):
            if not is_expression(item) and not isinstance(item, str | int | float):
                yield f"Arguments.IterableItems[{index}]: a text, number, truth value or expression is needed"


def _items(given: Any) -> list[Any]:
    """The items, out of a list or the text of a JSON list. Raises StepFailed."""
    items = given
    if isinstance(given, str):
        try:
            items = json.loads(given)
        except ValueError as error:
            raise StepFailed(f"IterableItems: {given[:100]!r} is not the text of a JSON list: {error}") from error
    if not isinstance(items, list):
        raise StepFailed(f"IterableItems: {str(given)[:100]!r} is not the text of a JSON list")
    for index, item in enumerate(items):
        if not isinstance(item, str | int | float | dict):
            shown = json.dumps(item)[:100]
            raise StepFailed(
                f"IterableItems[{index}]: {shown} is neither a text, number or truth value nor a JSON object"
            )
    return items


def _result(loop: Loop, status: str) -> Result:
    ended = Counter(loop.statuses.values())
    summary = {
        "Status": status,
        "InputItemCount": len(loop.items),
        "TotalStepCount": len(loop.iterations),
        **{name: ended[each] for name, each in COUNTS.items()},
    }
    outputs = [loop.outputs_of(index) for index in range(len(loop.items))]
    return Result({**summary, "IterationOutputs": outputs}, {"ForEach": summary})


def _reason(loop: Loop) -> str:
    failed = [each for name, each in loop.iterations.items() if loop.statuses.get(name) == "Failed"]
    named = ", ".join(f"{each.step.name} ({each.text[:40]})" for each in failed[:5])
    more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
    return f"{len(failed)} of {len(loop.iterations)} steps of the iterations failed: {named}{more}"


FOR_EACH = ForEachStep()
