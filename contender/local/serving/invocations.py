"""InvokeEndpoint, from HTTP request to HTTP answer.

The path of a request is `Invocations.__call__`, read top to bottom. Whatever wants to see the exchanges that reached a
variant (metrics do) is an observer, called after the answer is on its way.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from contender.local.containers.invocation import Answer, Request
from contender.local.serving.http_server import MAX_BODY_BYTES, Headers, HttpRequest, Reply
from contender.local.serving.routing import Router, UnknownEndpoint, UnknownVariant, Variant

Response = tuple[int, Headers, bytes]

OTHER_OPERATIONS = {
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
    "invocations-bidirectional-stream": "InvokeEndpointWithBidirectionalStream",
}
UNSUPPORTED_HEADERS = {
    b"x-amzn-sagemaker-target-model": "TargetModel",
    b"x-amzn-sagemaker-target-container-hostname": "TargetContainerHostname",
    b"x-amzn-sagemaker-inference-component": "InferenceComponentName",
    b"x-amzn-sagemaker-enable-explanations": "EnableExplanations",
    b"x-amzn-sagemaker-session-id": "SessionId",
}


@dataclass(slots=True)
class Exchange:
    """One request that was admitted, and what became of it."""

    endpoint: str
    target: str
    inference_id: str
    request: Request
    started_ns: int
    variant: str = ""
    answer: Answer | None = None
    model_ns: int = 0
    total_ns: int = 0


Observer = Callable[[Exchange], None]


class Refusal(Exception):
    """An answer of SageMaker's own, not the model's."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Invocations:
    """Handles the requests of an HttpServer by a Router's routes."""

    def __init__(self, router: Router, *, account: str, region: str, observers: Sequence[Observer]) -> None:
        self.router = router
        self._account = account
        self._region = region
        self._observers = observers

    def __call__(self, request: HttpRequest, reply: Reply) -> None:
        try:
            exchange = self._admit(request)
            variant = self._choose(exchange)
        except Refusal as refusal:
            reply(refusal.status, *_error(refusal.code, {"Message": refusal.message}))
            return
        asked_ns = time.perf_counter_ns()

        def answered(answer: Answer) -> None:
            exchange.model_ns = time.perf_counter_ns() - asked_ns
            exchange.answer = answer
            reply(*self._response(exchange, answer))
            exchange.total_ns = time.perf_counter_ns() - exchange.started_ns
            for observe in self._observers:
                observe(exchange)

        variant.least_busy().ask(exchange.request, answered)

    def _admit(self, request: HttpRequest) -> Exchange:
        started_ns = time.perf_counter_ns()
        endpoint = _endpoint(request.method, request.path)
        headers = request.headers
        for header in UNSUPPORTED_HEADERS.keys() & headers.keys():
            parameter = UNSUPPORTED_HEADERS[header]
            raise Refusal(400, "ValidationError", f"local SageMaker does not support {parameter} of InvokeEndpoint")
        if request.too_long:
            raise Refusal(
                413,
                "ValidationError",
                "1 validation error detected: Value at 'body' failed to satisfy constraint:"
                f" Member must have length less than or equal to {MAX_BODY_BYTES}",
            )
        return Exchange(
            endpoint,
            headers.get(b"x-amzn-sagemaker-target-variant", b"").decode("latin-1"),
            headers.get(b"x-amzn-sagemaker-inference-id", b"").decode("latin-1"),
            Request(
                request.body,
                headers.get(b"content-type", b"").decode("latin-1"),
                headers.get(b"accept", b"").decode("latin-1"),
                headers.get(b"x-amzn-sagemaker-custom-attributes", b"").decode("latin-1"),
            ),
            started_ns,
        )

    def _choose(self, exchange: Exchange) -> Variant:
        try:
            variant = self.router.choose(exchange.endpoint, exchange.target)
        except UnknownEndpoint:
            message = f"Endpoint {exchange.endpoint} of account {self._account} not found."
            raise Refusal(400, "ValidationError", message) from None
        except UnknownVariant:
            message = f"Variant {exchange.target} not found for endpoint {exchange.endpoint}."
            raise Refusal(400, "ValidationError", message) from None
        exchange.variant = variant.name
        return variant

    def _response(self, exchange: Exchange, answer: Answer) -> Response:
        if not 200 <= answer.status < 300:
            return (424, *self._model_error(exchange.endpoint, answer))
        headers = [
            (b"content-type", _header(answer.content_type)),
            (b"x-amzn-invoked-production-variant", exchange.variant.encode()),
            (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
        ]
        if answer.custom_attributes:
            headers.append((b"x-amzn-sagemaker-custom-attributes", _header(answer.custom_attributes)))
        return 200, headers, answer.body

    def _model_error(self, endpoint: str, answer: Answer) -> tuple[Headers, bytes]:
        text = answer.body.decode(errors="replace")
        side = "client" if 400 <= answer.status < 500 else "server"
        group = f"/aws/sagemaker/Endpoints/{endpoint}"
        message = (
            f'Received {side} error ({answer.status}) from primary with message "{text}".'
            f" See https://{self._region}.console.aws.amazon.com/cloudwatch/home?region={self._region}"
            f"#logEventViewer:group={group} in account {self._account} for more information."
        )
        return _error(
            "ModelError",
            {
                "Message": message,
                "OriginalStatusCode": answer.status,
                "OriginalMessage": text,
                "LogStreamArn": f"arn:aws:logs:{self._region}:{self._account}:log-group:{group}",
            },
        )


def _endpoint(method: str, path: str) -> str:
    """The endpoint's name in `/endpoints/<name>/invocations`. Raises Refusal."""
    parts = path.split("/")
    if len(parts) == 4 and parts[1] == "endpoints" and method == "POST":
        if parts[3] == "invocations":
            return unquote(parts[2])
        if operation := OTHER_OPERATIONS.get(parts[3]):
            raise Refusal(501, "UnknownOperationException", f"local SageMaker does not run the operation {operation}")
    raise Refusal(404, "UnknownOperationException", f"local SageMaker's runtime has no operation {method} {path}")


def _error(code: str, fields: dict[str, Any]) -> tuple[Headers, bytes]:
    headers = [
        (b"content-type", b"application/json"),
        (b"x-amzn-errortype", code.encode()),
        (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
    ]
    return headers, json.dumps(fields).encode()


def _header(value: str) -> bytes:
    """A container's words as a header: no line break may end it early."""
    return value.replace("\r", " ").replace("\n", " ").encode("latin-1", "replace")
