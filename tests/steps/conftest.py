"""One trained and packed model for all tests that only read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from contender.sample_data import COLUMNS, generate
from tests.steps.chain import Chain, to_csv


@pytest.fixture(scope="session")
def upload() -> list[list[str]]:
    """Header and rows of a sample upload."""
    return [list(COLUMNS), *generate("region-1", 1500, seed=1)]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, upload: list[list[str]]) -> Chain:
    """A chain that went through every script without a champion. Read only."""
    chain = Chain(tmp_path_factory.mktemp("trained")).upload(to_csv(upload))
    chain.run()
    return chain


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path)
