"""One analysis from its settings to its files."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow

from contender.local.containers.monitor import documents, records
from contender.local.containers.monitor.constraints import suggest
from contender.local.containers.monitor.profile import profile
from contender.local.containers.monitor.settings import Settings


def analyse(settings: Settings) -> str:
    """Write statistics.json and constraints.json; the answer says how it ended."""

    def read(only: Collection[str] | None) -> Iterator[pyarrow.RecordBatch]:
        return records.batches(settings.dataset, settings.format, only=only)

    statistics = profile(read)
    documents.write(settings.output / "statistics.json", statistics.document())
    constraints = suggest(statistics, settings.categorical_drift_method)
    documents.write(settings.output / "constraints.json", constraints.document())
    return "Completed: Job completed successfully with no violations."
