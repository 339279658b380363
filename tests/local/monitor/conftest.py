"""The monitor image, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.monitor.image import Image


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return Image(tmp_path)
