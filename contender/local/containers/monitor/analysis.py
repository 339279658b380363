"""One analysis from its settings to its files."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow

from contender.local.containers.monitor import documents, records, violations
from contender.local.containers.monitor.constraints import Constraints, suggest
from contender.local.containers.monitor.documents import Document
from contender.local.containers.monitor.profile import profile
from contender.local.containers.monitor.settings import Settings
from contender.local.containers.monitor.statistics import Statistics


def analyse(settings: Settings) -> str:
    """Write statistics.json and constraints.json, and constraint_violations.json if there is a baseline.

    The answer says how it ended, in AWS's words.

    Raises:
        MonitorError: something cannot be analysed; nothing is written then.
    """
    found = _data(settings)
    if found is None:
        return "Completed: Job completed successfully with no violations."
    count = len(found["violations"])
    if not count:
        return "Completed: Job completed successfully with no violations."
    return f"CompletedWithViolations: Job completed successfully with {count} violations."


def _data(settings: Settings) -> Document | None:
    asked = baseline = None
    if settings.baseline_constraints:
        asked = documents.read(settings.baseline_constraints, "constraints file", Constraints.from_document)
    if settings.baseline_statistics:
        baseline = documents.read(settings.baseline_statistics, "statistics file", Statistics.from_document)

    def read(only: Collection[str] | None) -> Iterator[pyarrow.RecordBatch]:
        return records.batches(settings.dataset, settings.format, only=only)

    # what the baseline took for text is compared as text, even where this time it looks like numbers
    as_text = {each.name for each in asked.features if each.inferred_type == "String"} if asked else set()
    current = profile(read, as_text)
    found = violations.document(violations.find(asked, baseline, current)) if asked else None
    documents.write(settings.output / "statistics.json", current.document())
    suggested = suggest(current, settings.categorical_drift_method)
    documents.write(settings.output / "constraints.json", suggested.document())
    if found:
        documents.write(settings.output / "constraint_violations.json", found)
    return found
