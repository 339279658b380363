"""What an endpoint captured: a line of JSON for every invocation, with the request and the answer as text in it.

docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture.html
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from contender.local.containers.monitor.errors import MonitorError

GROUND_TRUTH = "groundTruthData"
"""The field of the labels in merged records, and their column."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request's or an answer's body, as it was captured."""

    data: Any = None
    encoding: str | None = None
    mode: str | None = None
    observed_content_type: str | None = None

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Message:
        return cls(fields.get("data"), fields.get("encoding"), fields.get("mode"), fields.get("observedContentType"))

    @property
    def content_type(self) -> str | None:
        return self.observed_content_type

    def rows(self) -> list[Any]:
        """The records of the body: lists of a CSV's fields, or the values of JSON."""
        if not self.data:
            return []
        text = base64.b64decode(self.data).decode() if self.encoding == "BASE64" else str(self.data)
        if self.encoding != "JSON" and "json" not in (self.observed_content_type or ""):
            return [row for row in csv.reader(io.StringIO(text)) if row]
        if "jsonlines" in (self.observed_content_type or ""):
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        value = json.loads(text)
        return value if isinstance(value, list) and value and isinstance(value[0], list | dict) else [value]


@dataclass(frozen=True, slots=True)
class EventMetadata:
    event_id: str | None
    event_time: str | None
    custom_attribute: Any
    inference_id: str | None


@dataclass(frozen=True, slots=True)
class InferenceRecord:
    """One captured invocation, under the names that AWS's preprocessing scripts use."""

    event_version: str | None
    event_metadata: EventMetadata
    endpoint_input: Message
    endpoint_output: Message
    event_data: Mapping[str, Any]

    @classmethod
    def from_line(cls, line: Mapping[str, Any]) -> InferenceRecord:
        data, metadata = line.get("captureData"), line.get("eventMetadata", {})
        if not isinstance(data, Mapping):
            raise MonitorError(f"no record of data capture, it has no captureData: {json.dumps(line)[:60]}")
        return cls(
            event_version=line.get("eventVersion"),
            event_metadata=EventMetadata(
                metadata.get("eventId"),
                metadata.get("inferenceTime"),
                metadata.get("customAttributes"),
                metadata.get("inferenceId"),
            ),
            endpoint_input=Message.from_fields(data.get("endpointInput", {})),
            endpoint_output=Message.from_fields(data.get("endpointOutput", {})),
            event_data=data,
        )


def rows(line: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of a captured invocation: the answer's columns first, then the request's, without names by position."""
    record = InferenceRecord.from_line(line)
    parts = (_read(record, message) for message in (record.endpoint_output, record.endpoint_input))
    for found in zip_longest(*parts, fillvalue=()):
        yield _row(*found)


def answers(line: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of the answer alone."""
    record = InferenceRecord.from_line(line)
    for answer in _read(record, record.endpoint_output):
        yield _row(answer)


def labelled(line: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of a captured invocation that was merged with its labels, each with its own in GROUND_TRUTH.

    An invocation of several rows has a label for each, one a line; where they are not as many, it is left out.
    """
    record, truth = InferenceRecord.from_line(line), line.get(GROUND_TRUTH)
    if not isinstance(truth, Mapping):
        raise MonitorError(f"no merged record, it has no {GROUND_TRUTH}: {json.dumps(line)[:60]}")
    found, labels = list(rows), _read(record, Message.from_fields(truth))
    if len(found) != len(labels):
        print(f"event {record.event_metadata.event_id} is left out: {len(found)} rows and {len(labels)} labels")
        return
    for row, label in zip(found, labels, strict=True):
        first = label[0] if isinstance(label, list | tuple) and label else label
        yield {**row, GROUND_TRUTH: first}


def is_within(line: Mapping[str, Any], start: datetime, end: datetime) -> bool:
    """Whether it was captured from `start` to `end`; folders are by the hour, and a window may be shorter.

    Captures tell their time in whole seconds, so the last second belongs to it.
    """
    text = line.get("eventMetadata", {}).get("inferenceTime")
    return text is None or start.replace(microsecond=0) <= datetime.fromisoformat(text) <= end


def _read(record: InferenceRecord, message: Message) -> list[Any]:
    try:
        return message.rows()
    except ValueError as error:
        raise MonitorError(
            f"event {record.event_metadata.event_id}: the captured body cannot be read: {error}"
        ) from error


def _row(*parts: Any) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, dict):
            row |= part
        else:
            fields = part if isinstance(part, list | tuple) else (part,)
            row |= {f"_c{number}": field for number, field in enumerate(fields, len(row))}
    return row
