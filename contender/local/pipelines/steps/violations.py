"""The violations a check's job found, out of its `constraint_violations.json`, in words.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-violations.html
https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-model-monitor-bias-drift-violations.html
https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-model-monitor-model-attribution-drift-violations.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contender.local.context import Context
from contender.local.pipelines.steps.runner import StepFailed
from contender.local.pipelines.steps.s3_objects import read_json

FILE = "constraint_violations.json"


def read(context: Context, uri: str) -> list[Mapping[str, Any]]:
    """The file's violations; none where there is no file. Raises StepFailed."""
    document = read_json(context, uri)
    found = document.get("violations", []) if isinstance(document, Mapping) else []
    if document is not None and not (isinstance(document, Mapping) and _is_list_of_objects(found)):
        raise StepFailed(f"ClientError: {uri} has no list of violations")
    return list(found)


def in_words(violations: Sequence[Mapping[str, Any]], room: int) -> str:
    """How many, and the first of them, in at most `room` characters."""
    text = f"{len(violations)} violation{'s' if len(violations) != 1 else ''}: "
    for index, violation in enumerate(violations):
        left = len(violations) - index
        sentence = f"; {_sentence(violation)}" if index else _sentence(violation)
        more = f"; and {left - 1} more" if left > 1 else ""
        if len(text) + len(sentence) + len(more) > room:
            return f"{text}; and {left} more" if index else f"{text}{sentence}"[: room - 1] + "…"
        text += sentence
    return text


def _sentence(violation: Mapping[str, Any]) -> str:
    """Monitor names a feature or a metric; Clarify a metric, and the facet or the label it is of."""
    description = str(violation.get("description") or violation.get("constraint_check_type") or "no description")
    metric = violation.get("metric_name", "")
    name = violation.get("facet") or violation.get("label") or violation.get("feature_name") or metric
    about = f"{metric} of {name}" if metric and name != metric else name
    if "facet_value" in violation:
        about += f" = {violation['facet_value']}"
    named_already = not name or description.startswith(f"{name} ") or f"'{name}'" in description
    return description if named_already else f"{about}: {description}"


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) for item in value)
