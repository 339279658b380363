"""One call of the API: a JSON object comes in, and a JSON object goes out, or one shape of error.

    {"error": {"code": "unknown_endpoint", "message": "endpoint 'contender-SM-9' …"}}

API Gateway's own refusals have this shape too: `infra/experiments.yaml`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from contender.lambdas.log_line import log_line
from contender.measurements.events import MAX_INFERENCE_ID
from contender.naming import Names

Body = dict[str, Any]
Line = dict[str, Any]

SMALL_BYTES = 16 * 1024
"""More than any call needs that carries no rows."""
MAX_ENDPOINT_NAME = 63

_INFERENCE_ID = re.compile(r"[\x21-\x7e]+")


class Refusal(Exception):
    """A call that gets an error for an answer: its HTTP status, a word for programs, a sentence for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def answer_call(function: str, event: Mapping[str, Any], max_bytes: int, answer: Callable[[Body, Line], Body]) -> Body:
    """Answer API Gateway's proxy event by `answer`, which gets the call's fields and the log line to add to."""
    with log_line(function) as line:
        try:
            status, body = 200, answer(_fields(event, max_bytes), line)
        except Refusal as refusal:
            status, body = refusal.status, _error(refusal.code, refusal.message)
            line["refused"] = {"code": refusal.code, "message": refusal.message}
        except Exception as error:
            request = line["request"] = (event.get("requestContext") or {}).get("requestId", "")
            status, body = 500, _error("internal", f"the call failed: see the log of {function}, request {request!r}")
            line["error"] = f"{type(error).__name__}: {error}"
        line["status"] = status
        return {
            "statusCode": status,
            "headers": {"Content-Type": "application/json"},
            "body": json.dumps(body, separators=(",", ":")),
        }


def only(fields: Body, known: Collection[str]) -> None:
    """Refuse a call with a field that it does not know: a misspelt one would silently count for nothing."""
    if unknown := sorted(fields.keys() - set(known)):
        raise malformed(f"field {unknown[0][:40]!r} is not one of {', '.join(known)}")


def text(fields: Body, name: str, longest: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise malformed(f"field {name!r} must be text, and not empty")
    if len(value) > longest:
        raise malformed(f"field {name!r} has {len(value)} characters: at most {longest}")
    encoded(value, name)
    return value


def encoded(value: str, name: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise malformed(f"field {name!r} holds half a character") from error


def endpoint_of(fields: Body, names: Names) -> str:
    """The endpoint that is asked for, which must be one that this project names."""
    name = text(fields, "endpoint_name", MAX_ENDPOINT_NAME)
    if names.place_of(name) is None:
        raise unknown_endpoint(name, f"project {names.project!r} has none of that name")
    return name


def inference_id_of(fields: Body) -> str:
    value = text(fields, "inference_id", MAX_INFERENCE_ID)
    if not _INFERENCE_ID.fullmatch(value):
        raise malformed("field 'inference_id' may hold up to 64 visible ASCII characters")
    return value


def malformed(message: str) -> Refusal:
    return Refusal(400, "malformed", message)


def too_large(message: str) -> Refusal:
    return Refusal(413, "too_large", message)


def unknown_endpoint(name: str, why: str) -> Refusal:
    return Refusal(404, "unknown_endpoint", f"endpoint {name!r} cannot be asked: {why}")


def _fields(event: Mapping[str, Any], max_bytes: int) -> Body:
    content = event.get("body") or ""
    if len(content) > max_bytes:
        raise too_large(f"the call has {len(content):,} bytes: at most {max_bytes:,}")
    try:
        raw = base64.b64decode(content, validate=True) if event.get("isBase64Encoded") else content
        fields = json.loads(raw, parse_constant=refuse_constant)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise malformed("the body is not JSON: send an object of fields") from error
    if not isinstance(fields, dict):
        raise malformed("the body is not a JSON object of fields")
    return fields


def refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _error(code: str, message: str) -> Body:
    return {"error": {"code": code, "message": message}}
