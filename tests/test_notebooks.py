"""The notebooks run from top to bottom against a laptop, and are committed as they are before anybody runs them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from contender.local.launcher.laptop import Laptop
from tests.conftest import REPOSITORY

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
PATIENCE_S = 240


def stem(path: Path) -> str:
    return path.stem


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)
def test_a_notebook_runs_from_top_to_bottom(path: Path, laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in laptop.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    client = NotebookClient(
        read(path),
        timeout=PATIENCE_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)
def test_a_notebook_is_committed_without_what_it_printed(path: Path) -> None:
    for cell in read(path).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
