"""InvokeEndpoint as the API asks it: what goes in, what comes out, and which error means what."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

from contender.api.call import Refusal, encoded, malformed, refuse_constant, too_large

MAX_DATA_BYTES = 4 * 1024 * 1024
"""A Lambda takes and gives 6 MB, in which JSON and base64 need room."""
MAX_CARRIED_BYTES = 6_000_000
"""What a prediction may have within the answer, JSON in JSON: a line's end is three bytes there, and `é` is seven."""
_MOST_CARRIED_PER_BYTE = 7

_CONTENT_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(;[\x20-\x7e]*)?", re.ASCII)
_JSON = re.compile(r"application/([\w.-]+\+)?json", re.ASCII)
_TEXT = re.compile(r"text/.+|application/([\w.-]+\+)?(json|xml)|application/(jsonlines|x-ndjson|x-jsonlines)", re.ASCII)
_NOT_NOW = frozenset(
    {
        *("ModelNotReadyException", "ServiceUnavailable", "ServiceUnavailableException"),
        *("InternalFailure", "InternalServerException", "InternalDependencyException"),
    }
)
_TOO_MANY = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException"})
_LONGEST_REASON = 1000


class NotThere(Exception):
    """SageMaker knows no such endpoint, or the endpoint no such variant. It has one code for both."""


@dataclass(frozen=True, slots=True)
class Served:
    """A prediction, as JSON can carry it, and the variant that it came from."""

    variant: str
    predictions: Any


def checked_content_type(value: str) -> str:
    if len(value) > 1024 or not _CONTENT_TYPE.fullmatch(value):
        raise Refusal(
            415, "unsupported_content_type", f"content_type {value[:80]!r} is no media type, such as text/csv"
        )
    return value


def body_of(data: Any, content_type: str) -> bytes:
    """The request's body: text as it is, JSON also as a value, and everything else from base64."""
    kind = _kind(content_type)
    if isinstance(data, str) and _TEXT.fullmatch(kind):
        body = encoded(data, "data")
    elif isinstance(data, str):
        try:
            body = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise malformed(f"field 'data' must be base64: {kind} is not known to be text") from error
    elif data is not None and _JSON.fullmatch(kind):
        body = encoded(json.dumps(data, separators=(",", ":"), ensure_ascii=False), "data")
    else:
        raise malformed("field 'data' must be text")
    if len(body) > MAX_DATA_BYTES:
        raise too_large(f"field 'data' has {len(body):,} bytes: at most {MAX_DATA_BYTES:,}")
    return body


def ask(runtime: Any, endpoint: str, variant: str | None, inference_id: str, content_type: str, body: bytes) -> Served:
    """One prediction, from `variant` or from whichever the endpoint's weights give.

    NotThere where SageMaker knows no such endpoint or variant; Refusal where there is no prediction for another reason.
    """
    target = {"TargetVariant": variant} if variant else {}
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint, ContentType=content_type, Body=body, InferenceId=inference_id, **target
        )
        content = answer["Body"].read()
    except ClientError as error:
        raise _translated(error) from error
    except (ReadTimeoutError, ConnectTimeoutError) as error:
        raise Refusal(504, "model_timeout", f"endpoint {endpoint!r} did not answer in time") from error
    except BotoCoreError as error:
        raise Refusal(503, "unavailable", f"endpoint {endpoint!r} could not be reached: try again") from error
    predictions = predictions_of(content, answer.get("ContentType", ""))
    if len(content) > MAX_CARRIED_BYTES // _MOST_CARRIED_PER_BYTE and _carried_bytes(predictions) > MAX_CARRIED_BYTES:
        message = f"the prediction of {endpoint!r} has {len(content):,} bytes, too many for one answer: ask fewer rows"
        raise Refusal(502, "prediction_too_large", message)
    return Served(answer["InvokedProductionVariant"], predictions)


def predictions_of(content: bytes, content_type: str) -> Any:
    """A model's answer: JSON as a value, text as text, and everything else as base64."""
    kind = _kind(content_type)
    if _TEXT.fullmatch(kind):
        try:
            return json.loads(content, parse_constant=refuse_constant) if _JSON.fullmatch(kind) else content.decode()
        except (ValueError, RecursionError):
            return content.decode(errors="replace")
    return base64.b64encode(content).decode()


def _carried_bytes(predictions: Any) -> int:
    return len(json.dumps(json.dumps(predictions, separators=(",", ":"))))


def _translated(error: ClientError) -> NotThere | Refusal:
    code = error.response["Error"]["Code"]
    message = error.response["Error"].get("Message", code)
    if code == "ValidationError":
        return NotThere(message)
    if code == "ModelError":
        status = error.response.get("OriginalStatusCode", 0)
        why = str(error.response.get("OriginalMessage") or message)[:_LONGEST_REASON]
        return Refusal(status if 400 <= status <= 599 else 502, "model_error", why)
    if code in _NOT_NOW:
        return Refusal(503, "unavailable", f"SageMaker says {code}: try again")
    if code in _TOO_MANY:
        return Refusal(429, "too_many_requests", f"SageMaker says {code}: ask less often")
    return Refusal(502, "not_served", f"SageMaker refused the call with {code}: {message}"[:_LONGEST_REASON])


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
