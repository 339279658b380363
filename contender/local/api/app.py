"""The control plane's door: an ASGI application that turns an HTTP request into an operation and back.

POST /  X-Amz-Target: SageMaker.CreateModel      → Dispatcher.answer, in a thread
PUT  /BatchPutMetrics                            → the same, of the service of metrics, which is one beside SageMaker
GET  /_contender/health                          → what this server is
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from contender.local.api.errors import ApiError, InternalFailure, UnknownOperation
from contender.local.api.operations import Dispatcher
from contender.local.api.protocol import SageMakerModel
from contender.local.context import Context
from contender.local.experiments import metrics

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

CONTENT_TYPE = b"application/x-amz-json-1.1"
METRICS_PATHS = ("/BatchPutMetrics", "/BatchGetMetrics")
MAX_BODY_BYTES = 16 * 1024 * 1024


class ControlPlane:
    """ASGI application over a Context."""

    def __init__(self, context: Context, threads: int = 16) -> None:
        self._context = context
        self._metrics = Dispatcher(SageMakerModel("sagemaker-metrics"), metrics.OPERATIONS)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="request")

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        status, body = await self._answer(scope, receive)
        headers = [
            (b"content-type", CONTENT_TYPE),
            (b"content-length", str(len(body)).encode()),
            (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: dict[str, Any], receive: Receive) -> tuple[int, bytes]:
        body = await _read_body(receive)
        if scope["method"] == "GET" and scope["path"] == "/_contender/health":
            health = {
                "status": "ok",
                "pid": os.getpid(),
                "operations": self._context.dispatcher.operation_names(),
            }
            return 200, json.dumps(health).encode()
        operation = _operation_name(scope)
        dispatcher = self._metrics if scope["path"] in METRICS_PATHS else self._context.dispatcher
        try:
            if body is None:
                raise ApiError(f"{operation}: the request body is over {MAX_BODY_BYTES} bytes")
            loop = asyncio.get_running_loop()
            return 200, await loop.run_in_executor(self._pool, dispatcher.answer, self._context, operation, body)
        except ApiError as error:
            if error.status >= 500 and not isinstance(error, UnknownOperation):
                logger.error("%s: %s", operation, error.message)
            return error.status, _error_body(error)
        except Exception:  # the outermost edge: a defect must answer, not hang up
            logger.exception("%s failed", operation)
            return 500, _error_body(InternalFailure(f"{operation}: a defect of local SageMaker; its log says more"))


def _operation_name(scope: dict[str, Any]) -> str:
    for name, value in scope["headers"]:
        if name == b"x-amz-target":
            return str(value.decode().rpartition(".")[2])
    if scope["path"] in METRICS_PATHS:
        return str(scope["path"][1:])
    return f"{scope['method']} {scope['path']}"


async def _read_body(receive: Receive) -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks) if size <= MAX_BODY_BYTES else None


def _error_body(error: ApiError) -> bytes:
    return json.dumps({"__type": error.code, "message": error.message}).encode()
