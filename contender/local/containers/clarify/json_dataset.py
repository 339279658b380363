"""Tables in JSON lines and JSON documents, whose cells JMESPath expressions find."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jmespath
import pandas as pd

from contender.local.containers.clarify.config import JSON, AnalysisConfig
from contender.local.containers.clarify.errors import ClarifyError

DENSE = "features"
"""The key of SageMaker's own JSON lines format."""


def read_json(
    config: AnalysisConfig, contents: Sequence[tuple[str, bytes]]
) -> tuple[pd.DataFrame, str | None, str | None]:
    """The cells, and the names of the columns of the label and the predicted label. Raises ClarifyError."""
    asked = {"label": config.label, "predicted_label": config.predicted_label}
    expressions = {what: str(expression) for what, expression in asked.items() if expression is not None}
    rows: list[Any] = []
    labels: dict[str, list[Any]] = {what: [] for what in expressions}
    for name, content in contents:
        for document in _documents(config, name, content):
            rows += _rows(config, name, document)
            for what, expression in expressions.items():
                found = _search(expression, document, f"{what} of {name}")
                labels[what] += found if config.dataset_type == JSON and isinstance(found, list) else [found]
    for what, values in labels.items():
        if len(values) != len(rows):
            raise ClarifyError(f"{what} {expressions[what]!r} finds {len(values)} values for {len(rows)} rows")
    if rows and isinstance(rows[0], dict):
        cells, names = _of_objects(config, rows, labels, expressions)
    else:
        cells, names = _of_lists(config, rows, labels, expressions)
    for column in cells:
        for cell in cells[column]:
            if isinstance(cell, list | dict):
                raise ClarifyError(f"{column!r} of the dataset is not a single value: {json.dumps(cell):.80}")
    return cells.where(cells.notna(), None), names.get("label"), names.get("predicted_label")


def unique(headers: Sequence[str]) -> list[str]:
    """The headers themselves. Raises ClarifyError if one is there twice."""
    if doubled := sorted({name for name in headers if headers.count(name) > 1}):
        raise ClarifyError(f"the dataset has more than one column {doubled[0]!r}: give headers of their own")
    return list(headers)


def _of_objects(
    config: AnalysisConfig, rows: Sequence[Any], labels: Mapping[str, list[Any]], expressions: Mapping[str, str]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Flat objects name their columns themselves; a label is one of them, or lies elsewhere in the document."""
    cells = pd.DataFrame(list(rows), dtype=object)
    if config.headers is not None and set(config.headers) != set(cells):
        raise ClarifyError(
            f"headers {', '.join(config.headers)} are not the keys of the dataset's objects: {', '.join(cells)}"
        )
    for what, expression in expressions.items():
        if expression not in cells:
            cells[expression] = pd.Series(labels[what], dtype=object)
    return cells, dict(expressions)


def _of_lists(
    config: AnalysisConfig, rows: Sequence[Any], labels: Mapping[str, list[Any]], expressions: Mapping[str, str]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Lists take the headers, whose last ones are the labels'."""
    cells = pd.DataFrame(list(rows), dtype=object)
    width = cells.shape[1]
    names = list(config.headers or [*(f"column_{number}" for number in range(width)), *expressions.values()])
    if len(names) != width + len(expressions):
        raise ClarifyError(
            f"Headers in config do not match with the number of columns in the dataset: {len(names)} headers, "
            f"{width} features and {len(expressions)} labels"
        )
    cells.columns = pd.Index(unique(names)[:width])
    found = dict(zip(expressions, names[width:], strict=True))
    for what, name in found.items():
        cells[name] = pd.Series(labels[what], dtype=object)
    return cells, found


def _documents(config: AnalysisConfig, name: str, content: bytes) -> list[Any]:
    try:
        if config.dataset_type == JSON:
            return [json.loads(content)]
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    except ValueError as error:
        raise ClarifyError(f"{name} is not {config.dataset_type}: {error}") from error


def _rows(config: AnalysisConfig, name: str, document: Any) -> list[Any]:
    if config.features:
        found = _search(config.features, document, f"features of {name}")
        return list(found) if config.dataset_type == JSON else [found]
    if isinstance(document, dict) and isinstance(document.get(DENSE), list):
        return [document[DENSE]]
    return [document]


def _search(expression: str, document: Any, what: str) -> Any:
    try:
        found = jmespath.search(expression, document)
    except jmespath.exceptions.JMESPathError as error:
        raise ClarifyError(f"{what}: {expression!r} is not a JMESPath: {error}") from error
    if found is None:
        raise ClarifyError(f"{what}: {expression!r} finds nothing in {json.dumps(document):.120}")
    return found
