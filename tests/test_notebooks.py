"""The notebooks run from top to bottom against a laptop, and are committed as they are before anybody runs them."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from contender.local.launcher.laptop import Laptop, Ports
from tests.conftest import REPOSITORY

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
PATIENCE_S = 240


def stem(path: Path) -> str:
    return path.stem


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A shell that talks to a laptop of its own and finds `contender`."""
    command = tmp_path / "bin" / "contender"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m contender.cli.main "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    laptop = Laptop(tmp_path / "home")
    laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
    try:
        for name, value in laptop.env().items():
            monkeypatch.setenv(name, value)
        yield
    finally:
        laptop.down()


@pytest.mark.usefixtures("shell")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)
def test_a_notebook_runs_from_top_to_bottom(path: Path) -> None:
    place = {"metadata": {"path": str(path.parent)}}
    NotebookClient(read(path), timeout=PATIENCE_S, kernel_name="python3", resources=place).execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)
def test_a_notebook_is_committed_without_what_it_printed(path: Path) -> None:
    for cell in read(path).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
