"""Batch transform inside its process: records of files through a model, answers into files beside them.

Reads `/opt/ml/input/config/transform.json`, every file below `/opt/ml/input/data` and the model in `/opt/ml/model`;
writes `<file>.out` below `/opt/ml/output/data`. What went wrong ends up in `/opt/ml/output/failure`.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from contender.local.containers.inference import Model, ModelLoadError, load
from contender.local.containers.json_path import JsonPathError, select

MB = 1024 * 1024
WHOLE = "$"


class TransformError(Exception):
    """A record, an answer or the model that cannot be used."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The job's settings; filters are JSONPaths, `$` keeps everything."""

    content_type: str
    accept: str
    by_line: bool
    single_record: bool
    assemble_lines: bool
    max_payload: int
    gzipped: bool
    input_filter: str
    output_filter: str
    join: bool

    @classmethod
    def from_request(cls, request: dict[str, Any]) -> Plan:
        """From the fields of CreateTransformJob."""
        source, processing = request["TransformInput"], request.get("DataProcessing", {})
        return cls(
            content_type=source.get("ContentType", "text/csv"),
            accept=request["TransformOutput"].get("Accept", ""),
            by_line=source.get("SplitType") == "Line",
            single_record=request.get("BatchStrategy") == "SingleRecord",
            assemble_lines=request["TransformOutput"].get("AssembleWith") == "Line",
            max_payload=request.get("MaxPayloadInMB", 6) * MB or sys.maxsize,
            gzipped=source.get("CompressionType") == "Gzip",
            input_filter=processing.get("InputFilter", WHOLE),
            output_filter=processing.get("OutputFilter", WHOLE),
            join=processing.get("JoinSource") == "Input",
        )

    @property
    def reshapes(self) -> bool:
        """Whether answers must be taken apart, record by record."""
        return self.join or self.output_filter != WHOLE

    @property
    def is_json(self) -> bool:
        return "json" in self.content_type


def transform(plan: Plan, model: Model, source: IO[bytes], target: IO[bytes]) -> None:
    """Write the answers to one file's content, batch by batch where it is split. Raises TransformError."""
    if plan.gzipped:
        source = cast(IO[bytes], gzip.GzipFile(fileobj=source))
    if not plan.by_line:
        content = source.read()
        filtered = _filtered(plan, content.decode()).encode() if plan.input_filter != WHOLE else content
        target.write(_ask(plan, model, filtered))
        return
    for first, batch in _batches(plan, _records(source)):
        sent = "".join(f"{_filtered(plan, record)}\n" for record in batch)
        try:
            answer = _ask(plan, model, sent.encode())
            if plan.reshapes:
                answer = _reshaped(plan, batch, answer)
        except TransformError as error:
            raise TransformError(f"records {first} to {first + len(batch) - 1}: {error}") from error
        target.write(answer.rstrip(b"\n") + b"\n" if plan.assemble_lines else answer)


def _records(source: IO[bytes]) -> Iterator[str]:
    """The lines that hold something; a value may hold what Python's splitlines takes for a line's end."""
    for line in source:
        if record := line.decode().strip("\r\n"):
            yield record


def _batches(plan: Plan, records: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """What goes into one request, with the number of its first record."""
    batch: list[str] = []
    size = number = 0
    for number, record in enumerate(records, 1):
        cost = len(record.encode()) + 1
        if cost > plan.max_payload:
            raise TransformError(
                f"record {number} has {cost} bytes, more than MaxPayloadInMB allows ({plan.max_payload})"
            )
        if batch and (plan.single_record or size + cost > plan.max_payload):
            yield number - len(batch), batch
            batch, size = [], 0
        batch.append(record)
        size += cost
    if batch:
        yield number - len(batch) + 1, batch


def _ask(plan: Plan, model: Model, body: bytes) -> bytes:
    if len(body) > plan.max_payload:
        raise TransformError(f"the file has {len(body)} bytes, more than MaxPayloadInMB allows ({plan.max_payload})")
    answer = model.invoke(body, plan.content_type, plan.accept)
    if answer.status >= 400:
        raise TransformError(f"the model answered {answer.status}: {answer.body.decode(errors='replace')}")
    return answer.body


def _filtered(plan: Plan, record: str) -> str:
    if plan.input_filter == WHOLE:
        return record
    return _write(plan, select(plan.input_filter, _read(plan, record)))


def _reshaped(plan: Plan, records: Sequence[str], answer: bytes) -> bytes:
    lines = answer.decode().removesuffix("\n").split("\n")
    if len(lines) != len(records):
        raise TransformError(
            f"the model answered {len(records)} records with {len(lines)} lines; filters and joins need as many"
        )
    done = (_joined(plan, record, line) for record, line in zip(records, lines, strict=True))
    return "".join(f"{line}\n" for line in done).encode()


def _joined(plan: Plan, record: str, line: str) -> str:
    output = _read(plan, line)
    if plan.join:
        source = _read(plan, record)
        if isinstance(source, dict):
            output = {**source, "SageMakerOutput": output}
        elif plan.is_json:
            output = {"SageMakerInput": source, "SageMakerOutput": output}
        else:
            output = [*source, *output]
    return _write(plan, select(plan.output_filter, output))


def _read(plan: Plan, record: str) -> Any:
    if plan.is_json:
        return json.loads(record)
    return next(csv.reader([record]), [])


def _write(plan: Plan, value: Any) -> str:
    if plan.is_json:
        return json.dumps(value)
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(value if isinstance(value, list) else [value])
    return line.getvalue()


def main() -> int:
    root = Path(os.environ.get("SM_INPUT_DIR", "/opt/ml/input"))
    model_dir = Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model"))
    output = Path(os.environ.get("SM_OUTPUT_DIR", "/opt/ml/output"))
    plan = Plan.from_request(json.loads((root / "config" / "transform.json").read_text()))
    source = root / "data"
    name = ""
    try:
        model = load(model_dir, os.environ)
        for path in sorted(path for path in source.rglob("*") if path.is_file()):
            name = f"{path.relative_to(source)}: "
            target = output / "data" / f"{path.relative_to(source)}.out"
            target.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as content, target.open("wb") as answers:
                transform(plan, model, content, answers)
            print(f"{name}done")
    except (TransformError, ModelLoadError, JsonPathError, UnicodeDecodeError, json.JSONDecodeError) as error:
        print(f"ClientError: {name}{error}", file=sys.stderr)
        (output / "failure").write_text(f"ClientError: {name}{error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
