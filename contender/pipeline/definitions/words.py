"""Values, references and conditions of a pipeline definition in words: `<train of Preprocess>`, `gate.auc ≥ 0.75`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST = 160
SIGNS = {
    "Equals": "=",
    "GreaterThan": ">",
    "GreaterThanOrEqualTo": "≥",
    "LessThan": "<",
    "LessThanOrEqualTo": "≤",
}
_EXPRESSIONS = ("Get", "Std:Join", "Std:JsonGet")
_STEP_FIELD = re.compile(r"Steps\.(?P<step>[^.\[]+)\.?(?P<field>.*)")
_NAMED = re.compile(r"(?:ProcessingOutputConfig\.Outputs|OutputParameters|PropertyFiles)\['(?P<name>[^']+)'\].*")


def is_expression(item: Any) -> bool:
    """Whether the service works this out in an execution, instead of taking it as it stands."""
    return isinstance(item, Mapping) and len(item) == 1 and next(iter(item)) in _EXPRESSIONS


def canonical(item: Any) -> str:
    """The same text for the same JSON, whatever the order of its keys; `1`, `1.0` and `true` are three things."""
    return json.dumps(item, sort_keys=True, ensure_ascii=False)


def value(item: Any) -> str:
    """One line for any value."""
    if isinstance(item, str):
        return item if item and not re.search(r"\s", item) else json.dumps(item, ensure_ascii=False)
    text = _expression(item) if is_expression(item) else ""
    return text if text.isprintable() and text else json.dumps(item, ensure_ascii=False)


def change(before: Any, after: Any) -> str:
    """`before → after`, cut to the part that differs where both are long."""
    texts = value(before), value(after)
    if texts[0] == texts[1]:  # two ways to say it, such as a parameter and a text that looks like one
        texts = canonical(before), canonical(after)
    return " → ".join(_cut(*texts))


def shortened(item: Any) -> str:
    text = value(item)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def conditions(listed: Sequence[Any]) -> str:
    """What a Condition step asks: all of them must hold."""
    return " and ".join(condition(each) for each in listed) or "nothing"


def condition(item: Any) -> str:
    """One condition; a kind that is not known here as JSON."""
    kind = str(item.get("Type")) if isinstance(item, Mapping) else ""
    if kind in SIGNS and item.keys() == {"Type", "LeftValue", "RightValue"}:
        return f"{operand(item['LeftValue'])} {SIGNS[kind]} {operand(item['RightValue'])}"
    if kind == "In" and item.keys() == {"Type", "QueryValue", "Values"} and isinstance(item["Values"], list):
        return f"{operand(item['QueryValue'])} in ({', '.join(map(operand, item['Values']))})"
    if kind == "Not" and item.keys() == {"Type", "Expression"}:
        return f"not ({condition(item['Expression'])})"
    if kind == "Or" and item.keys() == {"Type", "Conditions"} and isinstance(item["Conditions"], list):
        return f"({' or '.join(map(condition, item['Conditions']))})"
    return canonical(item)


def operand(item: Any) -> str:
    """A side of a condition: `gate.auc` for a figure of a report, which step wrote it is drawn elsewhere."""
    if is_expression(item) and isinstance(item.get("Std:JsonGet"), Mapping):
        path = item["Std:JsonGet"].get("Path")
        if isinstance(path, str):
            return path
    return value(item)


def _expression(item: Mapping[str, Any]) -> str:
    ((kind, body),) = item.items()
    if kind == "Get" and isinstance(body, str):
        return f"<{_reference(body)}>"
    if kind == "Std:Join" and isinstance(body, Mapping) and isinstance(body.get("Values"), list):
        return str(body.get("On", "")).join(part if isinstance(part, str) else value(part) for part in body["Values"])
    if kind == "Std:JsonGet" and isinstance(body, Mapping):
        source = body.get("PropertyFile", body.get("S3Uri"))
        return f"<{body.get('Path')} of {value(source).strip('<>')}>"
    return canonical(item)


def _reference(path: str) -> str:
    if found := _STEP_FIELD.fullmatch(path):
        field = found["field"]
        named = _NAMED.fullmatch(field)
        return f"{named['name'] if named else field or 'outcome'} of {found['step']}"
    return path.removeprefix("Parameters.")


def _cut(before: str, after: str) -> tuple[str, str]:
    """Both texts, or where they are long: what differs with a little of what surrounds it."""
    if max(len(before), len(after)) <= LONGEST:
        return before, after
    start = next(
        (index for index, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
        min(len(before), len(after)),
    )
    start = max(0, start - 30)
    return _window(before, start), _window(after, start)


def _window(text: str, start: int) -> str:
    end = start + LONGEST
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
