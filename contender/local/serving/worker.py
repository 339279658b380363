"""The process of one model: loads it, then answers whatever requests wait on its sockets, as one batch.

`python -m contender.local.serving.worker --model /opt/ml/model`, with a listening socket as the file descriptor that
CONTENDER_CHANNEL names. It takes all requests that have arrived and never waits for more: a request alone is answered
at once, requests that queued up behind a prediction share the next one.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import selectors
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from contender.local.containers.inference import Answer, Model, ModelLoadError, Request, load
from contender.local.containers.invocation import failure
from contender.local.serving.wire import Frames, pack_answer, unpack_request
from contender.local.warm.launch import CHANNEL_VARIABLE

logger = logging.getLogger(__name__)

MAX_BATCH = 512
READ_BYTES = 1 << 20

Waiting = list[tuple[socket.socket, int, Request]]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="contender.local.serving.worker")
    parser.add_argument("--model", type=Path, required=True)
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # a front that went away must end its connection, not this process
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    listener = socket.socket(fileno=int(os.environ[CHANNEL_VARIABLE]))
    try:
        model = load(arguments.model, os.environ)
    except ModelLoadError as error:
        logger.error("the model cannot be served: %s", error)
        connection, _ = listener.accept()
        connection.sendall(json.dumps({"error": str(error)}).encode() + b"\n")
        return 1
    gc.collect()
    gc.freeze()
    logger.info("the model is loaded")
    Loop(listener, model).run()
    return 0


class Loop:
    """Connections in, batches through the model, answers out."""

    def __init__(self, listener: socket.socket, model: Model) -> None:
        self._listener = listener
        self._model = model
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)

    def run(self) -> None:
        while True:
            waiting: Waiting = []
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    waiting += self._read(key.fileobj, key.data)  # type: ignore[arg-type]
            for start in range(0, len(waiting), MAX_BATCH):
                self._answer(waiting[start : start + MAX_BATCH])

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        try:
            connection.sendall(b"{}\n")
        except OSError:
            connection.close()
            return
        self._selector.register(connection, selectors.EVENT_READ, Frames())

    def _read(self, connection: socket.socket, frames: Frames) -> Waiting:
        try:
            data = connection.recv(READ_BYTES)
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(connection)
            connection.close()
            return []
        return [(connection, *unpack_request(frame)) for frame in frames.feed(data)]

    def _answer(self, waiting: Waiting) -> None:
        answers = answer_all(self._model, [request for _, _, request in waiting])
        outgoing: dict[socket.socket, list[bytes]] = {}
        for (connection, number, _), answer in zip(waiting, answers, strict=True):
            outgoing.setdefault(connection, []).append(pack_answer(number, answer))
        for connection, frames in outgoing.items():
            try:
                connection.sendall(b"".join(frames))
            except OSError as error:
                logger.warning("answers for a connection that is gone: %s", error)


def answer_all(model: Model, requests: Sequence[Request]) -> list[Answer]:
    """The model's answers; if it fails on the batch, each request is tried alone and only the bad one fails."""
    try:
        return model.invoke_batch(requests)
    except Exception as error:  # the outermost edge: a model's defect must answer, not end the process
        if len(requests) == 1:
            logger.exception("a request failed")
            return [failure(error, 500)]
    return [answer for request in requests for answer in answer_all(model, [request])]


if __name__ == "__main__":
    sys.exit(main())
