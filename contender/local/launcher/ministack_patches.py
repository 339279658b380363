"""Every private name of MiniStack that we rely on, and what we change there.

MiniStack has no plugin mechanism. Its version is pinned, and each function here has a test in
`tests/local/test_ministack_patches.py`, or with kills and stops in `test_ministack_durable.py`, that fails when an
upgrade moves the name it uses.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import decimal
import gzip
import inspect
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

from contender.local.launcher.event_journal import EventJournal
from contender.local.launcher.record_buffer import RecordBuffer, Target

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Response = tuple[int, dict[str, str], bytes]

GROWING = frozenset({"cloudwatch", "cloudwatch_logs"})
"""States with an entry for every line and every value of a metric that was ever logged."""

DYNAMODB_DIGITS = 38
BY_RECORD = ("ProcessingConfiguration", "DataFormatConversionConfiguration", "DynamicPartitioningConfiguration")
"""What a delivery stream may do to each record."""

_asynchronous: contextvars.ContextVar[bool] = contextvars.ContextVar("asynchronous", default=False)
_object_version: contextvars.ContextVar[str | None] = contextvars.ContextVar("object_version", default=None)


def application() -> App:
    """MiniStack's ASGI application. The environment must be complete: importing it reads settings."""
    from ministack import app

    return app.app  # type: ignore[no-any-return]


def put_events(entries: list[dict[str, Any]]) -> Response:
    """Publish events on the default bus, `aws.*` sources included, which the public PutEvents refuses."""
    from ministack.services import eventbridge

    return eventbridge._put_events({"Entries": entries}, allow_aws_source=True)  # type: ignore[no-any-return]


def set_region(region: str) -> None:
    """The region that events published in the current task belong to."""
    from ministack.core.responses import set_request_region

    set_request_region(region)


def states() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each service in use, by the name of its state file, with the function that reads its state.

    MiniStack copies a state in depth before it writes it. For the large ones that costs more than all else; they are
    written at once, on the loop where requests are handled, so nothing changes them in between.
    """
    from ministack import app

    for service, read in app._build_persistence_save_dict().items():
        if service in GROWING:
            read.__globals__["copy"] = SimpleNamespace(deepcopy=lambda state: state)
        yield service, read


def save(service: str, state: Any) -> None:
    """Write one service's state to its file, atomically."""
    from ministack.core import persistence

    persistence.save_state(service, state)


def encode_states_quickly() -> None:
    """Let states be written by `json.dumps`, which is C, instead of `json.dump`, which encodes in Python."""
    from ministack.core import persistence

    def dump(state: Any, file: Any, **options: Any) -> None:
        file.write(json.dumps(state, **options))

    persistence.json = SimpleNamespace(**{**vars(json), "dump": dump})


def tell_object_versions() -> None:
    """Add the missing `version-id` to S3's EventBridge events of versioned buckets, where AWS has it."""
    from ministack.services import eventbridge, s3

    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event

    def fire_with_version(*args: Any, version_id: str | None = None, **kwargs: Any) -> None:
        token = _object_version.set(version_id)
        try:
            fire(*args, version_id=version_id, **kwargs)
        finally:
            _object_version.reset(token)

    def dispatch_with_version(event: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        version = _object_version.get()
        if version and event.get("Source") == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        dispatch(event, *args, **kwargs)

    s3._fire_s3_event = fire_with_version
    eventbridge._dispatch_event = dispatch_with_version


def answer_parts_of_versions() -> None:
    """Answer a part of an object's version where a part is asked for. MiniStack sends the whole of it every time."""
    from ministack.services import s3

    get = s3._get_object

    def get_part(bucket: str, key: str, headers: dict[str, str], query: dict[str, Any] | None = None) -> Response:
        status, answered, body = get(bucket, key, headers, query)
        asked = headers.get("range", "")
        part = s3._parse_range(asked, len(body)) if asked and status == 200 else None
        if part is None:
            return status, answered, body
        start, end = part
        length = {"Content-Length": str(end + 1 - start), "Content-Range": f"bytes {start}-{end}/{len(body)}"}
        whole = {name: value for name, value in answered.items() if not name.lower().startswith("x-amz-checksum")}
        return 206, {**whole, **length}, body[start : end + 1]

    s3._get_object = get_part


def allow_batches_by_their_single_action() -> None:
    """Check a batch to a queue by the action that IAM has for it: SendMessageBatch needs sqs:SendMessage."""
    from ministack.core import iam_actions

    extract = iam_actions.extract_iam_action

    def extract_single(*args: Any, **kwargs: Any) -> str | None:
        action: str | None = extract(*args, **kwargs)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    iam_actions.extract_iam_action = extract_single


def take_loopback_for_tls() -> None:
    """Let roles use buckets that deny whatever comes without TLS: what never leaves the machine needs none."""
    from ministack import app

    pin = app.pin_request_origin

    def pin_secure(source_ip: str, secure_transport: bool) -> None:
        pin(source_ip, True)

    app.pin_request_origin = pin_secure


def tell_namespaces_of_metrics() -> None:
    """Know `cloudwatch:namespace`, the one condition by which a policy can narrow PutMetricData.

    It is read as the pinned boto3 of our Lambdas sends it, in JSON.
    """
    from ministack.core import iam_actions

    read = iam_actions.request_tag_context

    def read_with_namespace(service: str, action: str, body: bytes, parameters: dict[str, Any]) -> dict[str, Any]:
        context: dict[str, Any] = read(service, action, body, parameters)
        if action == "cloudwatch:PutMetricData":
            with contextlib.suppress(ValueError, KeyError, TypeError):
                context["cloudwatch:namespace"] = json.loads(body)["Namespace"]
        return context

    iam_actions.request_tag_context = read_with_namespace


def keep_object_events(journal: EventJournal) -> None:
    """Write S3's events down before the request that made them is answered. MiniStack holds them in memory only."""
    from ministack.services import s3

    shape = inspect.signature(s3._fire_s3_event_async)

    def fire_and_write_down(bucket_name: str, *args: Any, **kwargs: Any) -> None:
        if bucket_name in s3._bucket_notifications:
            event = shape.bind(bucket_name, *args, **kwargs).arguments
            event["sequencer"] = s3._next_event_sequencer(event["event_name"])
            _deliver(journal, journal.add(event), event)

    s3._fire_s3_event_async = fire_and_write_down


def deliver_left_over(journal: EventJournal) -> None:
    """Deliver what the process before this one was killed over. Its state must be loaded by now."""
    for number, event in journal.left_over().items():
        _deliver(journal, number, event)


def _deliver(journal: EventJournal, number: int, event: dict[str, Any]) -> None:
    from ministack.services import s3

    def deliver() -> None:
        s3._fire_s3_event(**event)
        journal.done(number)

    # A thread has no context of its own; without this one the event belongs to no region.
    threading.Thread(target=contextvars.copy_context().run, args=(deliver,), daemon=True).start()


def calculate_with_38_digits() -> None:
    """Let DynamoDB add numbers as exactly as AWS does, not with the 28 digits that Python begins with."""
    decimal.DefaultContext.prec = decimal.getcontext().prec = DYNAMODB_DIGITS


def buffer_delivery_streams(journal: EventJournal) -> RecordBuffer:
    """Let delivery streams put records together into objects, and compress them, as AWS does.

    MiniStack writes one object per record, and keeps every record in memory for good besides. Streams whose records
    are converted or partitioned are left as they are: there each record may go another way.
    """
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import firehose

    deliver = firehose._deliver_records_to_s3

    def take(stream: dict[str, Any], destination: dict[str, Any], records: list[tuple[str, bytes]]) -> None:
        destination["records"].clear()
        if any((destination["config"].get(kind) or {"Enabled": False}).get("Enabled", True) for kind in BY_RECORD):
            deliver(stream, destination, records)
            return
        target = Target(get_account_id(), get_region(), stream["name"], destination["id"])
        for _, data in records:
            buffer.add(target, data)

    def deliver_together(target: Target, data: bytes) -> None:
        contextvars.Context().run(_deliver_together, target, data, deliver)

    firehose._deliver_records_to_s3 = take
    buffer = RecordBuffer(journal, deliver_together)
    return buffer


def _deliver_together(target: Target, data: bytes, deliver: Callable[..., None]) -> None:
    from ministack.core.responses import set_request_account_id, set_request_region
    from ministack.services import firehose

    set_request_account_id(target.account)
    set_request_region(target.region)
    stream = firehose._streams.get(target.stream) or {"destinations": []}
    for destination in stream["destinations"]:
        if destination["id"] == target.destination:
            config = destination["config"]
            if config.get("CompressionFormat") == "GZIP":
                destination = {**destination, "config": {"FileExtension": ".gz", **config}}
                data = gzip.compress(data, 1)
            deliver(stream, destination, [("", data)])


def return_messages_in_flight() -> None:
    """Offer messages again that Lambdas of the process before held: they ended with it. Else it takes minutes."""
    from ministack.services import sqs

    now = time.time()
    for queue in sqs._queues._data.values():
        for message in queue["messages"]:
            if message["receipt_handle"] is not None:
                message["visible_at"] = min(message["visible_at"], now)


def retry_lambdas_of_rules() -> None:
    """A rule's Lambda that fails is tried twice more, as AWS does. MiniStack tries once and forgets."""
    from ministack.services import eventbridge, lambda_svc

    dispatch = eventbridge._dispatch_to_lambda

    def dispatch_with_retries(arn: str, payload: str) -> None:
        function, config, _ = lambda_svc._get_func_record_for_ref(arn)
        if function and config:
            record = lambda_svc._execution_record_for_config(function, config)
            lambda_svc.invoke_async_with_retry(record, json.loads(payload))
        else:
            dispatch(arn, payload)

    eventbridge._dispatch_to_lambda = dispatch_with_retries


def queue_lambdas_of_apis(at_once: int) -> None:
    """Let requests of a REST API wait for one of a few processes of its function instead of starting one each.

    Sixteen clients of an API would start sixteen processes that each import boto3, and be answered ten times slower.
    """
    from ministack.services import apigateway_v1

    call = apigateway_v1._call_lambda_raw
    turns: dict[str, asyncio.Semaphore] = {}

    async def call_in_turn(function: str, *args: Any, **kwargs: Any) -> Any:
        async with turns.setdefault(function, asyncio.Semaphore(at_once)):
            return await call(function, *args, **kwargs)

    apigateway_v1._call_lambda_raw = call_in_turn


def queue_asynchronous_lambdas(at_once: int) -> None:
    """Let asynchronous invocations of one function wait their turn instead of starting a process each.

    MiniStack answers a burst of ten events with ten processes of 55 MB that each import boto3. On AWS such events
    stand in a queue too. A caller that waits for the answer never queues: its own function may be who holds the turn.
    """
    from ministack.services import lambda_svc

    invoke, execute = lambda_svc.invoke_async_with_retry, lambda_svc._execute_function
    turns: dict[str, threading.Semaphore] = {}

    def invoke_asynchronously(function: dict[str, Any], event: Any) -> None:
        token = _asynchronous.set(True)
        try:
            invoke(function, event)
        finally:
            _asynchronous.reset(token)

    def execute_in_turn(function: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if not _asynchronous.get():
            return execute(function, *args, **kwargs)
        name = (function.get("config") or function)["FunctionName"]
        with turns.setdefault(name, threading.Semaphore(at_once)):
            return execute(function, *args, **kwargs)

    lambda_svc.invoke_async_with_retry = invoke_asynchronously
    lambda_svc._execute_function = execute_in_turn
