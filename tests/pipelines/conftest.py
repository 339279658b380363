"""The compiled pipeline; importing the SDK takes seconds, so it is compiled once."""

from __future__ import annotations

from pathlib import Path

import pytest

from contender.cli.pipeline import placeholder_outputs
from contender.config import Settings, load
from contender.pipeline import targets
from contender.pipeline.compiling import Compiled, compile_project

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def settings() -> Settings:
    return load(ROOT / "contender.yaml", environ={})


@pytest.fixture(scope="session")
def compiled(settings: Settings) -> Compiled:
    return compile_project(settings, placeholder_outputs(settings), ROOT)


@pytest.fixture(scope="session")
def tuned() -> Compiled:
    settings = load(ROOT / "contender.yaml", environ={}, overrides={"training.tuning_trials": 10})
    return compile_project(settings, placeholder_outputs(settings), ROOT)


@pytest.fixture(scope="session")
def warm() -> Compiled:
    settings = load(ROOT / "contender.yaml", environ={}, overrides={"training.tuning_trials": 10})
    return compile_project(settings, placeholder_outputs(settings), ROOT, targets.warm(settings))
