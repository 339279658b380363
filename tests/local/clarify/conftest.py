"""What the Clarify tests share: an analysis of a few lines, by a model that the test writes down."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.clarify.analyses import Analyse


@pytest.fixture
def analyse(tmp_path: Path) -> Analyse:
    return Analyse(tmp_path)
