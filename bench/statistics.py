"""Statistics: the monitor image on a million rows of 20 columns, beside a bare pandas loop over the same file.

The loop computes the same moments and counts the same categories, in chunks; it knows the types beforehand, and it
makes no sketch, counts no distinct values and suggests nothing. Both run alone on one thread.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bench.figure import Figure

ROWS = 1_000_000
CHUNK = 100_000
ROUNDS = 3
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "SM_NUM_CPUS": "1"}

PEER = """
import sys
import pandas
moments, categories = {}, {}
types = {name: "float64" for name in sys.argv[2].split(",")}
for chunk in pandas.read_csv(sys.argv[1], chunksize=100_000, dtype=types):
    for name, column in chunk.items():
        if name in types:
            total = [column.count(), column.sum(), (column * column).sum(), column.min(), column.max()]
            moments[name] = [a + b for a, b in zip(moments.get(name, [0] * 5), total)]
        else:
            counts = column.value_counts()
            categories[name] = categories[name].add(counts, fill_value=0) if name in categories else counts
"""


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.csv"
        numbers = _write(data)
        image = [sys.executable, "-m", "contender.local.containers.monitor"]
        variables = {
            "dataset_source": str(data),
            "dataset_format": '{"csv": {"header": true}}',
            "output_path": str(Path(folder) / "output"),
            "SM_OUTPUT_DIR": folder,
        }
        # by turns, so that both meet the same noise
        pairs = [
            (_measured(image, variables), _measured([sys.executable, "-c", PEER, str(data), ",".join(numbers)], {}))
            for _ in range(ROUNDS)
        ]
        seconds = statistics.median(mine for (mine, _), _ in pairs)
        peer = statistics.median(theirs for _, (theirs, _) in pairs)
        memory = max(megabytes for (_, megabytes), _ in pairs)
        yield Figure("1,000,000 rows × 20 columns, statistics and constraints", seconds, "s", bound=20)
        yield Figure("memory at its peak", memory, "MB", bound=1500)
        yield Figure("bare pandas loop over the same moments and categories", peer, "s")
        yield Figure("  as many times that loop's seconds", seconds / peer, "×")


def _write(path: Path) -> list[str]:
    """The file, a chunk at a time; answers the names of the columns of numbers."""
    random = np.random.default_rng(1)
    for start in range(0, ROWS, CHUNK):
        table = {f"number{place}": random.normal(100, 20, CHUNK).round(4) for place in range(10)}
        table |= {f"count{place}": random.integers(0, 1000, CHUNK) for place in range(4)}
        table["gaps"] = np.where(random.random(CHUNK) < 0.05, np.nan, random.normal(0, 1, CHUNK).round(4))
        numbers = list(table)
        for place, categories in enumerate((2, 50, 900)):
            table[f"text{place}"] = random.choice([f"value-{number}" for number in range(categories)], CHUNK)
        table["quoted"] = random.choice(["one, with a comma", 'one "quoted"', "plain"], CHUNK)
        table["id"] = [f"{number:09d}-x" for number in random.integers(0, 10**9, CHUNK)]
        pd.DataFrame(table).to_csv(path, mode="a", header=start == 0, index=False)
    return numbers


def _measured(command: Sequence[str], variables: Mapping[str, str]) -> tuple[float, float]:
    """Seconds and peak megabytes of a process of its own."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **ONE_THREAD, **variables}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)[:60]} ended with {process.returncode}")
    kilobytes = usage.ru_maxrss if sys.platform == "linux" else usage.ru_maxrss / 1024
    return time.perf_counter() - began, kilobytes / 1024
