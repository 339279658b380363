"""InvokeEndpoint, from HTTP request to HTTP answer: the front's ASGI application.

The path of a request is `Invocations.__call__`, read top to bottom. Whatever wants to see the exchanges that reached a
variant (metrics do) is an observer, called after the answer is on its way.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from contender.local.containers.invocation import Answer, Request
from contender.local.serving.routing import Router, UnknownEndpoint, UnknownVariant, Variant

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 6 * 1024 * 1024
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
    """ASGI application over a Router."""

    def __init__(self, router: Router, *, account: str, region: str, observers: Sequence[Observer]) -> None:
        self.router = router
        self._account = account
        self._region = region
        self._observers = observers

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            exchange = await self._admit(scope, receive)
            variant = self._choose(exchange)
        except Refusal as refusal:
            await _send(send, refusal.status, *_error(refusal.code, {"Message": refusal.message}))
            return
        await self._predict(variant, exchange)
        await self._respond(exchange, send)
        for observe in self._observers:
            observe(exchange)

    async def _admit(self, scope: dict[str, Any], receive: Receive) -> Exchange:
        started_ns = time.perf_counter_ns()
        endpoint = _endpoint(scope["method"], scope["path"])
        headers: dict[bytes, bytes] = dict(scope["headers"])
        for header, parameter in UNSUPPORTED_HEADERS.items():
            if header in headers:
                raise Refusal(400, "ValidationError", f"local SageMaker does not support {parameter} of InvokeEndpoint")
        body = await _read(receive)
        request = Request(
            body,
            headers.get(b"content-type", b"").decode("latin-1"),
            headers.get(b"accept", b"").decode("latin-1"),
            headers.get(b"x-amzn-sagemaker-custom-attributes", b"").decode("latin-1"),
        )
        return Exchange(
            endpoint,
            headers.get(b"x-amzn-sagemaker-target-variant", b"").decode("latin-1"),
            headers.get(b"x-amzn-sagemaker-inference-id", b"").decode("latin-1"),
            request,
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

    async def _predict(self, variant: Variant, exchange: Exchange) -> None:
        asked_ns = time.perf_counter_ns()
        exchange.answer = await variant.least_busy().ask(exchange.request)
        exchange.model_ns = time.perf_counter_ns() - asked_ns

    async def _respond(self, exchange: Exchange, send: Send) -> None:
        answer = exchange.answer
        assert answer is not None
        if 200 <= answer.status < 300:
            headers = [
                (b"content-type", answer.content_type.encode("latin-1")),
                (b"x-amzn-invoked-production-variant", exchange.variant.encode()),
            ]
            if answer.custom_attributes:
                headers.append((b"x-amzn-sagemaker-custom-attributes", answer.custom_attributes.encode("latin-1")))
            await _send(send, 200, headers, answer.body)
        else:
            await _send(send, 424, *self._model_error(exchange.endpoint, answer))
        exchange.total_ns = time.perf_counter_ns() - exchange.started_ns

    def _model_error(self, endpoint: str, answer: Answer) -> tuple[list[tuple[bytes, bytes]], bytes]:
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


async def _read(receive: Receive) -> bytes:
    """The body. One that is too long is read to its end, so that the client gets to hear why it is refused."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "ValidationError", "the client went away before its request was complete")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            chunks.append(chunk)
        more = message.get("more_body", False)
    if size > MAX_BODY_BYTES:
        raise Refusal(
            413,
            "ValidationError",
            "1 validation error detected: Value at 'body' failed to satisfy constraint:"
            f" Member must have length less than or equal to {MAX_BODY_BYTES}",
        )
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _error(code: str, fields: dict[str, Any]) -> tuple[list[tuple[bytes, bytes]], bytes]:
    headers = [(b"content-type", b"application/json"), (b"x-amzn-errortype", code.encode())]
    return headers, json.dumps(fields).encode()


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    headers.append((b"content-length", b"%d" % len(body)))
    headers.append((b"x-amzn-requestid", str(uuid.uuid4()).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
