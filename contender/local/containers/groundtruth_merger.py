"""The image `sagemaker-model-monitor-groundtruth-merger`: captured requests, each with the label that came for it.

    dataset_source/<endpoint>/<variant>/yyyy/mm/dd/hh/*.jsonl ─┐
    ground_truth_source/yyyy/mm/dd/hh/*.jsonl ─────────────────┴─► output_path/<endpoint>/<variant>/yyyy/mm/dd/hh/

A label names its request by the InferenceId that the caller gave, or else by the eventId of the capture. Labels may
come in another hour than their request; the merged record stays in the request's.
docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contender.local.containers.monitor.capture import GROUND_TRUTH, is_within
from contender.local.containers.monitor.errors import MonitorError
from contender.local.containers.monitor.last_words import tell
from contender.local.containers.monitor.records import files, objects
from contender.local.containers.monitor.settings import window_of

FILE = "merged.jsonl"
"""One an hour and variant, so that merging an hour again replaces what was merged before."""

Json = Mapping[str, Any]


@dataclass(slots=True)
class Counts:
    """What became of the captured requests and of the labels."""

    captured: int = 0
    merged: int = 0
    labels: int = 0

    def words(self, matched: int) -> str:
        return (
            f"merged {self.merged} of {self.captured} captured requests with their labels; "
            f"{self.captured - self.merged} have no label yet, {self.labels - matched} of {self.labels} labels are of "
            "no request captured in these hours"
        )


def main(environment: Mapping[str, str]) -> int:
    return tell(environment, lambda: f"Completed: {merge(environment)}")


def merge(environment: Mapping[str, str]) -> str:
    """Write the merged records; the answer counts what was left over.

    Raises:
        MonitorError: a file is not what it should be, or no label belongs to any request.
    """
    source, output = Path(environment["dataset_source"]), Path(environment["output_path"])
    window = window_of(environment)
    labels = _labels(Path(environment["ground_truth_source"]))
    counts, used = Counts(labels=len(labels)), set()
    for path in files(source):
        merged = []
        for record in objects(path, True, json.loads):
            if window and not is_within(record, *window):
                continue
            counts.captured += 1
            identity = _identity(record, "inferenceId", "eventId")
            if identity in labels:
                used.add(identity)
                merged.append({"eventVersion": "0", GROUND_TRUTH: labels[identity], **record})
        counts.merged += len(merged)
        if merged:
            _append(output / path.relative_to(source).parent / FILE, merged)
    if not counts.merged:
        raise MonitorError(
            f"none of the {counts.labels} labels belongs to one of the {counts.captured} captured requests: "
            "eventMetadata.eventId of a label must be the InferenceId that its request was sent with, or without one "
            "the eventId of the capture"
        )
    return counts.words(len(used))


def _labels(source: Path) -> dict[str, Any]:
    """What came last for each id."""
    labels = {}
    for path in files(source):
        for number, record in enumerate(objects(path, True, json.loads), 1):
            identity = _identity(record, "eventId", "inferenceId")
            if not identity or GROUND_TRUTH not in record:
                raise MonitorError(
                    f"{path.name}: record {number} is no label: it must be "
                    f'{{"{GROUND_TRUTH}": {{"data": "1", "encoding": "CSV"}}, "eventMetadata": {{"eventId": "…"}}, '
                    '"eventVersion": "0"}'
                )
            labels[identity] = record[GROUND_TRUTH]
    return labels


def _append(path: Path, records: Iterable[Json]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _identity(record: Json, *fields: str) -> str:
    metadata = record.get("eventMetadata", {})
    return next((str(metadata[field]) for field in fields if metadata.get(field)), "")


if __name__ == "__main__":
    sys.exit(main(os.environ))
