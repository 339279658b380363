"""Run MiniStack, the stand-in for every AWS service but SageMaker, as one process on 127.0.0.1.

MiniStack itself saves its state on a clean stop only. Here it is saved again shortly after every
change, so `kill -9` costs at most what was acknowledged in about the last half second (longer when
the state is large: a checkpoint of 20,000 items takes 0.4 s, and checkpoints take up to a tenth of
the time). Objects in S3, their events, and records of delivery streams are written before they are
acknowledged and lose nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import os
import resource
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from contender.local.launcher import ministack_patches as patches
from contender.local.launcher.event_journal import EventJournal
from contender.local.launcher.processes import kill_all_of
from contender.local.launcher.record_buffer import RecordBuffer

EVENTS_PATH = "/_contender/events"

_SETTLE_S = 0.2
_PAUSE_S = 0.3
_LONGEST_PAUSE_S = 15.0
_DUTY = 0.1
_LAMBDAS_AT_ONCE = 2
_LAMBDAS_OF_AN_API_AT_ONCE = 4
_TABLES_THEN_QUEUES = ("dynamodb", "sqs")
_READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_NOT_INHERITED = ("AWS_", "MINISTACK_", "LOCALSTACK_", "LAMBDA_")

T = TypeVar("T")

log = logging.getLogger(__name__)


def main(argv: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--home", type=Path, required=True, help="directory of the state, made if absent")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--sagemaker-url", required=True, help="where Lambdas find SageMaker")
    parser.add_argument("--runtime-url", required=True, help="where Lambdas find SageMaker's runtime")
    parser.add_argument("--enforce-iam", action="store_true", help="let Lambdas do only what their roles allow")
    options = parser.parse_args(argv)

    work = options.home.resolve() / "ministack"
    temporary = work / "tmp"
    # A Lambda that was at work when the process before this one was killed would go on here: half of what it did is
    # lost with that process, and it would tell the restored state that all is done.
    kill_all_of(temporary)
    shutil.rmtree(temporary, ignore_errors=True)  # MiniStack never removes the work directories of Lambdas
    for directory in (work / "state", work / "s3", temporary):
        directory.mkdir(parents=True, exist_ok=True)
    settings = environment(work, options.port, options.region, options.sagemaker_url, options.runtime_url)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(_NOT_INHERITED)}
    os.environ.clear()
    os.environ.update(inherited | settings | {"AUTH": str(options.enforce_iam).lower()})
    tempfile.tempdir = None  # forget a directory chosen before TMPDIR was set
    _allow_many_connections()
    asyncio.run(_serve(work, options.port, options.region))


def environment(work: Path, port: int, region: str, sagemaker_url: str, runtime_url: str) -> dict[str, str]:
    """MiniStack's settings, and what the Lambdas it runs inherit to find each service on this machine."""
    return {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": region,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(work / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(work / "s3"),
        "TMPDIR": str(work / "tmp"),
        "SERVICES": "",
        "USE_SSL": "0",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{work}/no-docker.sock",  # it would reap containers of other MiniStacks
        "LAMBDA_WARM_TTL_SECONDS": "60",  # after a burst one idle process of each function stays
        "LOG_LEVEL": "WARNING",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ENDPOINT_URL_SAGEMAKER": sagemaker_url,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": runtime_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def in_saving_order(states: Mapping[str, T]) -> Iterator[dict[str, T]]:
    """The services one by one, except that queues are saved right after tables, with no request in between.

    A function counts in a table what a message told it, then the message is deleted. Were queues saved first, or were
    there time for a deletion in between, a kill could leave neither the message nor the count.
    """
    yield {service: states[service] for service in _TABLES_THEN_QUEUES if service in states}
    for service, state in states.items():
        if service not in _TABLES_THEN_QUEUES:
            yield {service: state}


class Checkpoints:
    """Saves every service's state soon after requests that may have changed it."""

    def __init__(self, journal: EventJournal) -> None:
        self._changed = asyncio.Event()
        self._journal = journal

    def note_change(self) -> None:
        self._changed.set()

    async def run(self) -> None:
        """Save for ever. A long interval without requests also ends in a checkpoint: Lambdas write logs."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), _LONGEST_PAUSE_S)
            await asyncio.sleep(_SETTLE_S)
            self._changed.clear()
            busy_s = await self._save()
            await asyncio.sleep(max(_PAUSE_S, busy_s / _DUTY))

    async def _save(self) -> float:
        """One checkpoint, on the loop where handlers run (requests get in between two groups). The time it took."""
        busy_s = 0.0
        complete = True
        delivered = self._journal.delivered()
        for group in in_saving_order(dict(patches.states())):
            started = time.perf_counter()
            for service, state in group.items():
                try:
                    patches.save(service, state())
                except RuntimeError as error:  # a background thread changed the state while it was read
                    log.info("checkpoint of %s postponed: %s", service, error)
                    self._changed.set()
                    complete = False
                    break
            busy_s += time.perf_counter() - started
            await asyncio.sleep(0)
        if complete:
            self._journal.forget(delivered)
        return busy_s


def with_extras(
    application: patches.App, checkpoints: Checkpoints, journal: EventJournal, records: RecordBuffer, region: str
) -> patches.App:
    """MiniStack with a route for events of AWS services, checkpoints noted, and what was under way taken up again."""

    async def serve(scope: patches.Scope, receive: patches.Receive, send: patches.Send) -> None:
        async def deliver_once_started(message: dict[str, Any]) -> None:
            if message["type"] == "lifespan.startup.complete":
                patches.set_region(region)
                patches.return_messages_in_flight()
                patches.deliver_left_over(journal)
                records.start()
                checkpoints.note_change()
            await send(message)

        if scope["type"] == "lifespan":
            await application(scope, receive, deliver_once_started)
        elif scope["type"] != "http":
            await application(scope, receive, send)
        elif scope["path"] == EVENTS_PATH and scope["method"] == "POST":
            patches.set_region(region)
            await _answer(send, *_publish(await _body(receive)))
            checkpoints.note_change()
        else:
            await application(scope, receive, send)
            if scope["method"] not in _READING_METHODS:
                checkpoints.note_change()

    return serve


def _publish(body: bytes) -> patches.Response:
    try:
        entries = json.loads(body)["Entries"]
        for entry in entries:
            json.loads(entry["Detail"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"Events must be {{'Entries': [{{'Source', 'DetailType', 'Detail': JSON}}]}}: {error!r}"
        return 400, {"content-type": "application/json"}, json.dumps({"Message": message}).encode()
    return patches.put_events(entries)


async def _body(receive: patches.Receive) -> bytes:
    chunks = bytearray()
    while True:
        message = await receive()
        chunks += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(chunks)


async def _answer(send: patches.Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


async def _serve(work: Path, port: int, region: str) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    application = patches.application()
    patches.encode_states_quickly()
    patches.calculate_with_38_digits()
    journal = EventJournal(work / "events.jsonl")
    patches.tell_object_versions()
    patches.answer_parts_of_versions()
    patches.allow_batches_by_their_single_action()
    patches.take_loopback_for_tls()
    patches.tell_namespaces_of_metrics()
    patches.keep_object_events(journal)
    records = patches.buffer_delivery_streams(EventJournal(work / "records.jsonl"))
    patches.retry_lambdas_of_rules()
    patches.queue_asynchronous_lambdas(at_once=_LAMBDAS_AT_ONCE)
    patches.queue_lambdas_of_apis(at_once=_LAMBDAS_OF_AN_API_AT_ONCE)
    gc.collect()
    gc.freeze()  # what is imported stays: the collector need not look at it again

    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    config.loglevel = "WARNING"

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    checkpoints = Checkpoints(journal)
    saving = loop.create_task(checkpoints.run())
    try:
        extended: Any = with_extras(application, checkpoints, journal, records, region)
        await serve(extended, config, shutdown_trigger=stop.wait)
    finally:
        saving.cancel()


def _allow_many_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
