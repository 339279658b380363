"""Data capture in the server: spool files of the front become lines of JSON in S3, as AWS lays them out.

    <DestinationS3Uri>/<endpoint>/<variant>/yyyy/mm/dd/hh/<minute>-<second>-<millisecond>-<id>.jsonl

docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contender.local.serving.captures import SUFFIX, Record, read

logger = logging.getLogger(__name__)

PERIOD_S = 1.0
CLOSE_S = 5.0


class CaptureShipper:
    """One thread that takes spool files to S3. A file that S3 refuses is logged and lost; without S3 it waits."""

    def __init__(self, client: Callable[[], Any], folder: Path) -> None:
        self._client = client
        self._folder = folder
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    def flush(self) -> None:
        """Ship what the front has written so far."""
        with self._lock:
            for path in sorted(self._folder.glob(f"*{SUFFIX}")):
                if not self._ship(path):
                    return

    def close(self) -> None:
        """Ship what is left, then stop."""
        self._closing.set()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while not self._closing.wait(PERIOD_S):
            self.flush()
        self.flush()

    def _ship(self, path: Path) -> bool:
        """Whether the file is dealt with."""
        try:
            for (bucket, key), lines in objects(path).items():
                self._client().put_object(
                    Bucket=bucket, Key=key, Body="".join(lines).encode(), ContentType="application/jsonlines"
                )
        except ClientError as error:
            logger.warning("captured requests are lost: %s", error)
        except BotoCoreError as error:
            logger.warning("captured requests wait for S3: %s", error)
            return False
        except (EOFError, ValueError, TypeError, KeyError) as error:
            logger.warning("%s holds no captured requests: %s", path, error)
        path.unlink(missing_ok=True)
        return True


def objects(path: Path) -> dict[tuple[str, str], list[str]]:
    """Bucket and key of each object that a spool file becomes, with its lines; the same file gives the same keys."""
    configs, records = read(path)
    found: dict[tuple[str, str, str, str], tuple[str, str]] = {}
    lines: dict[tuple[str, str], list[str]] = {}
    for record in records:
        config, endpoint, variant = configs[record[0]], record[1], record[2]
        at = _time(record)
        group = (config["DestinationS3Uri"], endpoint, variant, f"{at:%Y/%m/%d/%H}")
        if group not in found:
            bucket, _, prefix = config["DestinationS3Uri"].removeprefix("s3://").partition("/")
            folder = "/".join(part for part in (prefix.strip("/"), endpoint, variant, f"{at:%Y/%m/%d/%H}") if part)
            identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{path.name}/{folder}")
            found[group] = (bucket, f"{folder}/{at:%M-%S}-{at.microsecond // 1000:03d}-{identity}.jsonl")
        lines.setdefault(found[group], []).append(json.dumps(line(config, record), ensure_ascii=False) + "\n")
    return lines


def line(config: Mapping[str, Any], record: Record) -> dict[str, Any]:
    """A captured exchange in AWS's words."""
    _, _, _, event, _, inference_id, attributes, asked_type, asked, answered_type, answered = record
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    data = {}
    if modes & {"Input", "InputAndOutput"}:
        data["endpointInput"] = _message(config, "INPUT", asked_type, asked)
    if modes & {"Output", "InputAndOutput"}:
        data["endpointOutput"] = _message(config, "OUTPUT", answered_type, answered)
    metadata: dict[str, Any] = {
        "eventId": str(uuid.UUID(event)),
        "inferenceTime": f"{_time(record):%Y-%m-%dT%H:%M:%SZ}",
    }
    if attributes:
        metadata["customAttributes"] = [attributes]
    if inference_id:
        metadata["inferenceId"] = inference_id
    return {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}


def _message(config: Mapping[str, Any], mode: str, content_type: str, body: bytes) -> dict[str, Any]:
    encoding, text = _encoded(config.get("CaptureContentTypeHeader", {}), content_type, body)
    return {"observedContentType": content_type, "mode": mode, "data": text, "encoding": encoding}


def _encoded(headers: Mapping[str, Any], content_type: str, body: bytes) -> tuple[str, str]:
    """Encoding and text of a body. What no header declares, or is no text, is base64 as on AWS."""
    kind = content_type.partition(";")[0].strip().lower()
    for name, encoding in (("CsvContentTypes", "CSV"), ("JsonContentTypes", "JSON")):
        if kind in (known.lower() for known in headers.get(name, ())):
            try:
                return encoding, body.decode()
            except UnicodeDecodeError:
                break
    return "BASE64", base64.b64encode(body).decode()


def _time(record: Record) -> datetime:
    return datetime.fromtimestamp(record[4] / 1e9, UTC)
