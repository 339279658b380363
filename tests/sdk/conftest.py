"""Programs that use the SageMaker SDK as its documentation does, each in a process of its own, against the laptop."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contender.local.launcher.laptop import Laptop
from tests.conftest import Clients

HERE = Path(__file__).parent
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def abalones(clients: Clients, bucket: str) -> str:
    """The bucket with a table like the abalone data set: a sex, seven measures and the rings, without a header."""
    clients("s3").put_object(Bucket=bucket, Key="abalone/abalone.csv", Body="\n".join(_rows(800)).encode())
    return bucket


@pytest.fixture(scope="session")
def run_program(laptop: Laptop) -> Run:
    """Runs a program beside this file on the laptop; the answer is the last line that it prints, read as JSON."""
    pytest.importorskip("sagemaker.core", reason="the programs use the SageMaker SDK")
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}

    def run(program: str, *arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, HERE / "impatient.py", HERE / program, *arguments],
            env=inherited | laptop.env(),
            cwd=HERE,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stderr
        seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return seen

    return run


def _rows(count: int) -> Iterator[str]:
    chance = random.Random(7)
    for _ in range(count):
        length = chance.uniform(0.1, 0.8)
        weight = length**3 * chance.uniform(4, 6)
        measures = [length, length * 0.8, length * 0.25, weight, weight * 0.43, weight * 0.22, weight * 0.28]
        rings = max(1, round(20 * length * chance.uniform(0.8, 1.2)))
        yield ",".join([chance.choice("MFI"), *(f"{each:.4f}" for each in measures), str(rings)])
