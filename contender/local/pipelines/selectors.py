"""The Selector of a ForEach step: the iteration in which one field of a body step is greatest, or least.

{"Pick": "MaxBy", "Field": {"Get": "IterationOutput.Score.OutputParameters['auc']"}}
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from contender.local.pipelines.definition import Selector
from contender.local.pipelines.expressions import show
from contender.local.pipelines.iterations import Iteration, Loop
from contender.local.pipelines.paths import PathError, follow, parse_path

PICKS = ("MaxBy", "MinBy")


class NothingToSelect(Exception):
    """No iteration can be picked; the message says why."""


def parse_selector(body: Any, steps: Sequence[str]) -> tuple[Selector | None, str | None]:
    """The selector, or what is wrong with it; `steps` are those of the loop's body."""
    match body:
        case {"Pick": pick, "Field": {"Get": str(text), **more}, **rest} if pick in PICKS and not more and not rest:
            namespace, _, path = text.partition(".")
            step, _, field = path.partition(".")
            if namespace != "IterationOutput" or step not in steps or not field:
                known = ", ".join(steps)
                return None, f"Field: {show(body['Field'])} is not IterationOutput.<body step>.<field> out of {known}"
            try:
                return Selector(pick, step, parse_path(field)), None
            except PathError as error:
                return None, f"Field: {show(body['Field'])}: {error}"
    return None, f"Pick out of {', '.join(PICKS)} and Field, a Get of IterationOutput.<body step>.<field>, are needed"


def select(selector: Selector, loop: Loop) -> Iteration:
    """The iteration of the selector's step that wins; the first of those that are equal. Raises NothingToSelect."""
    candidates = [each for each in loop.iterations.values() if each.body == selector.step]
    if not candidates:
        raise NothingToSelect("there are no items, so no iteration can be selected")
    values = [_number(each, selector, loop) for each in candidates]
    best = max(values) if selector.pick == "MaxBy" else min(values)
    return candidates[values.index(best)]


def _number(iteration: Iteration, selector: Selector, loop: Loop) -> float:
    try:
        value = follow(loop.outputs.get(iteration.step.name, {}), selector.path)
    except PathError as error:
        raise NothingToSelect(f"{iteration.step.name}: {error}") from error
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise NothingToSelect(f"{iteration.step.name}: {value!r} is not a number that could be compared")
    return number
