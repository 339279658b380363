"""The columns of a dataset that hold actual labels and predictions, as arrays that metrics can be computed from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy
import pyarrow
import pyarrow.compute as compute

from contender.local.containers.monitor.columns import read_numbers
from contender.local.containers.monitor.errors import MonitorError
from contender.local.containers.monitor.profile import Read
from contender.local.containers.monitor.quality import Predictions
from contender.local.containers.monitor.settings import QualitySettings

SHOWN = 20
BINARY_LABELS = ("0", "1")
MOST_LABELS = 1000
"""The confusion matrix, and its file, have the square of it."""


def load(read: Read, settings: QualitySettings) -> Predictions:
    """Raises MonitorError for a column that is not there, or that holds what the problem type has no use for."""
    attributes = {
        "ground_truth_attribute": settings.ground_truth,
        "inference_attribute": settings.inference,
        "probability_attribute": settings.probability,
    }
    first = next(read(None), None)
    if first is None:
        raise MonitorError("the dataset has no rows")
    names = {variable: _resolve(name, variable, first.schema.names) for variable, name in attributes.items() if name}
    columns = _collect(read, set(names.values()))
    texts = {variable: columns[name] for variable, name in names.items()}
    for variable, values in texts.items():
        if values.null_count:
            raise MonitorError(
                f"the column {names[variable]!r} ({variable}) has no value in {values.null_count} of {len(values)} rows"
            )

    def of(variable: str, parse: Callable[[pyarrow.Array, str], Any]) -> Any:
        return parse(texts[variable], f"the column {names[variable]!r} ({variable})")

    if settings.problem_type == "Regression":
        return Predictions(of("ground_truth_attribute", _numbers), of("inference_attribute", _numbers))
    if settings.problem_type == "MulticlassClassification":
        return _coded(of("ground_truth_attribute", _labels), of("inference_attribute", _labels))
    actual = of("ground_truth_attribute", _binary)
    if actual.min() == actual.max():
        raise MonitorError(
            f"the column {names['ground_truth_attribute']!r} (ground_truth_attribute) holds the label {actual[0]} "
            "only; the quality of a binary model needs rows of both classes"
        )
    score: Any = of("probability_attribute", _numbers) if settings.probability else None
    if settings.inference:
        return Predictions(actual, of("inference_attribute", _binary), score, BINARY_LABELS)
    return Predictions(actual, (score > settings.threshold).astype("int64"), score, BINARY_LABELS)


def _resolve(attribute: str, variable: str, names: list[str]) -> str:
    """The column an attribute means: by its name, its position, or a JSONPath to it."""
    if attribute in names:
        return attribute
    if attribute.isdecimal() and int(attribute) < len(names):
        return names[int(attribute)]
    path = attribute.removeprefix("$").replace("['", ".").replace("']", "").replace("[", ".").replace("]", "")
    if path.lstrip(".") in names:
        return path.lstrip(".")
    shown = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
    raise MonitorError(f"{variable} {attribute!r} is no column of the dataset; it has {shown}")


def _collect(read: Read, names: Collection[str]) -> dict[str, pyarrow.Array]:
    parts: dict[str, list[pyarrow.Array]] = {name: [] for name in names}
    for batch in read(names):
        for name in names:
            place = batch.schema.get_field_index(name)
            parts[name].append(batch.column(place) if place >= 0 else pyarrow.nulls(batch.num_rows, pyarrow.string()))
    return {name: pyarrow.chunked_array(blocks, pyarrow.string()).combine_chunks() for name, blocks in parts.items()}


def _numbers(values: pyarrow.Array, what: str) -> Any:
    read = read_numbers(values)
    if read is None:
        raise MonitorError(f"{what} holds {_first_text(values)!r}, which is not a number")
    numbers, _ = read
    if not numpy.isfinite(numbers).all():
        raise MonitorError(f"{what} holds an infinite number")
    return numbers


def _binary(values: pyarrow.Array, what: str) -> Any:
    folded = compute.utf8_lower(values)
    read = read_numbers(
        compute.if_else(
            compute.equal(folded, "true"), "1", compute.if_else(compute.equal(folded, "false"), "0", values)
        )
    )
    wrong = [_first_text(values)] if read is None else [f"{each:g}" for each in numpy.setdiff1d(read[0], (0, 1))]
    if read is None or wrong:
        raise MonitorError(
            f"{what} holds {wrong[0]!r}; BinaryClassification takes the labels 0 and 1, or false and true"
        )
    return read[0].astype("int64")


def _labels(values: pyarrow.Array, what: str) -> pyarrow.DictionaryArray:
    """Labels as text; 1 and 1.0 are one label."""
    coded = compute.dictionary_encode(values)
    read = read_numbers(coded.dictionary)
    if read is None or not numpy.isfinite(read[0]).all():
        return coded
    texts = [f"{each:.0f}" if each == round(each) else repr(each) for each in read[0].tolist()]
    return pyarrow.DictionaryArray.from_arrays(coded.indices, pyarrow.array(texts, pyarrow.string()))


def _coded(actual: pyarrow.DictionaryArray, predicted: pyarrow.DictionaryArray) -> Predictions:
    """Both as positions in the labels of either."""
    labels = sorted({*actual.dictionary.to_pylist(), *predicted.dictionary.to_pylist()}, key=_order)
    if len(labels) > MOST_LABELS:
        raise MonitorError(
            f"there are {len(labels)} different labels, such as {labels[0]!r} and {labels[-1]!r}, and at most "
            f"{MOST_LABELS} are analysed: are ground_truth_attribute and inference_attribute the right columns?"
        )
    place = {label: number for number, label in enumerate(labels)}

    def codes(values: pyarrow.DictionaryArray) -> Any:
        return numpy.array([place[label] for label in values.dictionary.to_pylist()])[values.indices.to_numpy()]

    return Predictions(codes(actual), codes(predicted), labels=tuple(labels))


def _order(label: str) -> tuple[int, float, str]:
    """Numbers by their size, before words by the alphabet."""
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


def _first_text(values: pyarrow.Array) -> str:
    def candidates() -> Iterator[str]:
        for value in compute.unique(values).to_pylist():
            if read_numbers(pyarrow.array([value], pyarrow.string())) is None:
                yield value

    return next(candidates(), "")
