"""What an endpoint captured: a line of JSON for every invocation, with the request and the answer as text in it.

docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture.html
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from contender.local.containers.monitor.errors import MonitorError


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
    try:
        answers, requests = record.endpoint_output.rows(), record.endpoint_input.rows()
    except ValueError as error:
        raise MonitorError(
            f"event {record.event_metadata.event_id}: the captured body cannot be read: {error}"
        ) from error
    for parts in zip_longest(answers, requests, fillvalue=()):
        row: dict[str, Any] = {}
        for part in parts:
            if isinstance(part, dict):
                row |= part
            else:
                fields = part if isinstance(part, list | tuple) else (part,)
                row |= {f"_c{number}": field for number, field in enumerate(fields, len(row))}
        yield row
