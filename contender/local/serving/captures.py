"""Data capture in the front: takes requests and their answers off the path of requests, and hands them to the server.

    exchange ─► sampled? ─► held ─► once a second, one file in the spool folder ─► the server (capture_shipping.py)

What it costs an endpoint that captures nothing is one look into a dictionary. A file is written under another name and
renamed, so the server reads only whole ones, and takes up after a crash what was left.
"""

from __future__ import annotations

import itertools
import logging
import marshal
import os
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contender.local.serving.invocations import Exchange

logger = logging.getLogger(__name__)

MAX_HELD_BYTES = 64 << 20
"""More than this in a second is not kept: capturing must not take the memory that serving needs."""
SUFFIX = ".spool"

Record = tuple[int, str, str, str, int, str, str, str, bytes, str, bytes]
"""Number of the rule, endpoint, variant, event id, time (ns), inference id, custom attributes, request, answer."""


class Captures:
    """An observer of exchanges; `rules` are DataCaptureConfigs by endpoint."""

    def __init__(self, folder: Path, generator: random.Random) -> None:
        self._folder = folder
        self._generator = generator
        self._rules: dict[str, tuple[float, int]] = {}
        self._configs: list[dict[str, Any]] = []
        self._held: list[Record] = []
        self._bytes = 0
        self._lost = 0
        self._files = itertools.count()

    def rule(self, endpoint: str, config: dict[str, Any] | None) -> None:
        """Capture what the endpoint answers from now on; None: nothing."""
        if config is None or not config["InitialSamplingPercentage"]:
            self._rules.pop(endpoint, None)
            return
        if config not in self._configs:
            self._configs.append(config)
        self._rules[endpoint] = (config["InitialSamplingPercentage"] / 100, self._configs.index(config))

    def add(self, exchange: Exchange) -> None:
        rule = self._rules.get(exchange.endpoint)
        if rule is None:
            return
        share, number = rule
        answer = exchange.answer
        if answer is None or not 200 <= answer.status < 300 or (share < 1 and self._generator.random() >= share):
            return
        request = exchange.request
        size = len(request.body) + len(answer.body)
        if self._bytes + size > MAX_HELD_BYTES:
            self._lost += 1
            return
        self._bytes += size
        self._held.append(
            (
                number,
                exchange.endpoint,
                exchange.variant,
                f"{self._generator.getrandbits(128):032x}",
                time.time_ns(),
                exchange.inference_id,
                request.custom_attributes,
                request.content_type,
                request.body,
                answer.content_type,
                answer.body,
            )
        )

    def take(self) -> list[Record]:
        """What was captured since the last call."""
        if self._lost:
            logger.warning("%d requests were not captured: more than %d bytes a second", self._lost, MAX_HELD_BYTES)
        held, self._held, self._bytes, self._lost = self._held, [], 0, 0
        return held

    def write(self, held: list[Record]) -> None:
        """Hand it to the server, in a file of its own; from any thread."""
        self._folder.mkdir(parents=True, exist_ok=True)
        # names that sort by time, and never one that another front has used
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(self._files)}"
        fresh = self._folder / f".{name}"
        fresh.write_bytes(marshal.dumps((self._configs, held)))
        fresh.rename(self._folder / f"{name}{SUFFIX}")


def read(path: Path) -> tuple[list[Mapping[str, Any]], list[Record]]:
    """A spool file's DataCaptureConfigs, and its records in the order they were made."""
    configs, records = marshal.loads(path.read_bytes())
    return configs, records
