"""The main job: two uploads × three dimensions, from the first upload to the last challenger in service.

The peer is a bare loop in one process that reads the same rows and trains the same models: the least that any system
around it could need.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import xgboost

from bench.figure import Figure
from contender.config import Settings, load
from contender.sample_data import COLUMNS, dimension_names, generate

DIMENSIONS = 3
ROWS = 5000
SEED = 7


def run() -> Iterator[Figure]:
    demo = subprocess.run(
        [sys.executable, "-m", "contender.cli.main", "demo", "--json", "--seed", str(SEED)],
        check=True,
        stdout=subprocess.PIPE,
    )
    seconds: Mapping[str, Any] = json.loads(demo.stdout)["seconds"]
    uploads = seconds["first_upload"] + seconds["second_upload"]
    yield Figure("two uploads × 3 dimensions, first upload to last challenger", uploads, "s", bound=25)
    yield Figure("of it the first upload: champions", seconds["first_upload"], "s")
    yield Figure("of it the second upload: challengers", seconds["second_upload"], "s")
    yield Figure("bare loop over the same six trainings", bare_loop(load()), "s")
    yield Figure("deploy the stack", seconds["deploy"], "s")
    yield Figure("compile and upsert the pipeline (SDK import included)", seconds["compile"], "s")


def bare_loop(settings: Settings) -> float:
    """Seconds to read, encode and train each of the six files, one after the other, on one thread."""
    files = [
        "\n".join(",".join(row) for row in [list(COLUMNS), *generate(dimension, ROWS, seed)])
        for seed in (SEED, SEED + 1)
        for dimension in dimension_names(DIMENSIONS)
    ]
    began = time.monotonic()
    for text in files:
        frame = pd.read_csv(io.StringIO(text))
        label = frame.pop(settings.data.label) == settings.data.positive
        features = pd.get_dummies(frame.drop(columns=[*settings.data.drop, settings.data.dimension_column]))
        parameters = {**settings.training.hyperparameters, "objective": "binary:logistic", "nthread": 1}
        xgboost.train(parameters, xgboost.DMatrix(features, label), num_boost_round=settings.training.rounds)
    return time.monotonic() - began
