"""The laptop at rest: how soon it is up, and what its processes cost while nobody asks anything of them."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure
from contender.local.launcher.laptop import Laptop, Ports

ROUNDS = 3
SETTLED_S = 5.0
"""The warm process imports for some seconds after everything answers."""


def run() -> Iterator[Figure]:
    seconds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as home:
            laptop = Laptop(Path(home))
            began = time.monotonic()
            laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
            seconds.append(time.monotonic() - began)
            time.sleep(SETTLED_S)
            memory = {row.name: row.memory_mb for row in laptop.status()}
            laptop.down()
    yield Figure("contender local up (median)", statistics.median(seconds), "s")
    server = memory["sagemaker"] + memory["runtime"]
    yield Figure("idle: SageMaker's server with its runtime front", server, "MB", bound=150)
    yield Figure("idle: the warm process, every library imported", memory["warm"], "MB")
    yield Figure("idle: MiniStack", memory["aws"], "MB")
