"""One analysis from its settings to its files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow

from contender.local.containers.monitor import (
    capture,
    documents,
    emission,
    predictions,
    quality,
    quality_constraints,
    records,
    scripts,
    unnamed,
    violations,
)
from contender.local.containers.monitor.constraints import Constraints, suggest
from contender.local.containers.monitor.documents import Document
from contender.local.containers.monitor.emission import Metric
from contender.local.containers.monitor.errors import MonitorError
from contender.local.containers.monitor.profile import Read, profile
from contender.local.containers.monitor.records import Rows
from contender.local.containers.monitor.settings import QualitySettings, Settings
from contender.local.containers.monitor.statistics import Statistics

MEASURES = {
    "BinaryClassification": quality.binary,
    "MulticlassClassification": quality.multiclass,
    "Regression": quality.regression,
}


def analyse(settings: Settings) -> str:
    """Write statistics.json and constraints.json, and constraint_violations.json if there is a baseline.

    The answer says how it ended, in AWS's words.

    Raises:
        MonitorError: something cannot be analysed.
    """
    read = _reader(settings)
    files, metrics = _quality(settings, settings.quality, read) if settings.quality else _data(settings, read)
    for name, document in files.items():
        documents.write(settings.output / name, document)
    if settings.schedule and settings.publishes:
        emission.write(settings.metrics, metrics, settings.schedule)
    if settings.postprocessor:
        scripts.postprocess(settings.postprocessor)
    count = len(files.get("constraint_violations.json", {}).get("violations", ()))
    if count:
        return f"CompletedWithViolations: Job completed successfully with {count} violations."
    return "Completed: Job completed successfully with no violations."


def _reader(settings: Settings) -> Read:
    rows = _rows(settings)

    def read(only: Collection[str] | None) -> Iterator[pyarrow.RecordBatch]:
        empty = True
        for batch in records.batches(settings.dataset, settings.format, rows, only):
            empty = False
            yield batch
        if empty and settings.window:
            start, end = settings.window
            raise MonitorError(f"nothing that was captured from {start} to {end} has rows to analyse")

    return read


def _rows(settings: Settings) -> Rows | None:
    """What makes rows of a captured record; None for files whose own records are rows."""
    kind, window = settings.format.kind, settings.window
    if kind not in ("capture", "merged"):
        return None
    rows: Rows = capture.answers if kind == "merged" else capture.rows
    if settings.preprocessor:
        rows = scripts.preprocessor(settings.preprocessor)

    def wanted(record: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        if window and not capture.is_within(record, *window):
            return ()
        return capture.labelled(record, rows(record)) if kind == "merged" else rows(record)

    return wanted


def _data(settings: Settings, read: Read) -> tuple[dict[str, Document], list[Metric]]:
    asked = baseline = None
    if settings.baseline_constraints:
        asked = documents.read(settings.baseline_constraints, "constraints file", Constraints.from_document)
    if settings.baseline_statistics:
        baseline = documents.read(settings.baseline_statistics, "statistics file", Statistics.from_document)
    names = [each.name for each in asked.features] if asked else []
    if settings.format.kind == "capture":
        read = unnamed.named(read, names)
    if settings.excluded:
        excluded = _names(settings.excluded, names)
        read, asked = unnamed.without(read, excluded), asked.without(excluded) if asked else None
    # what the baseline took for text is compared as text, even where this time it looks like numbers
    as_text = {each.name for each in asked.features if each.inferred_type == "String"} if asked else set()
    current = profile(read, as_text)
    files = {
        "statistics.json": current.document(),
        "constraints.json": suggest(current, settings.categorical_drift_method).document(),
    }
    if asked:
        files["constraint_violations.json"] = violations.document(violations.find(asked, baseline, current))
    return files, emission.of_data(asked, baseline, current)


def _names(given: Sequence[str], names: Sequence[str]) -> set[str]:
    """Columns are given by name, or by position."""
    places = [int(each) for each in given if each.isdecimal()]
    return {*given, *(f"_c{place}" for place in places), *(names[place] for place in places if place < len(names))}


def _quality(settings: Settings, asked: QualitySettings, read: Read) -> tuple[dict[str, Document], list[Metric]]:
    problem = asked.problem_type
    limits, baseline = None, {}
    if settings.baseline_constraints:
        parse = partial(quality_constraints.limits_of, problem=problem)
        limits = documents.read(settings.baseline_constraints, f"constraints file of {problem}", parse)
    if settings.baseline_statistics:
        values = partial(quality_constraints.values_of, problem=problem)
        baseline = documents.read(settings.baseline_statistics, f"statistics file of {problem}", values)
    measured = MEASURES[problem](predictions.load(read, asked))
    files = {
        "statistics.json": measured.document(quality_constraints.PROBLEMS[problem]),
        "constraints.json": quality_constraints.suggest(measured, problem),
    }
    if limits is not None:
        files["constraint_violations.json"] = quality_constraints.violations(limits, baseline, measured)
    return files, emission.of_quality(measured)
