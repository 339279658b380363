"""`pytest --without-aws`, which a build runs before it deploys: no test of it can start a server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import REPOSITORY
from tests.without_aws import CHOSEN, OPTION, SLOW, TESTS, pytest_ignore_collect

PLUGIN = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
pytest_plugins = ("tests.without_aws",)
"""
TRIES = """
import socket, subprocess, sys
import pytest
from contender.local.launcher.laptop import Laptop, Ports
from tests.local.running import MiniStack

@pytest.fixture
def laptop():
    raise AssertionError("nobody may ask")

@pytest.fixture
def bucket(laptop): ...

def test_asks_for_the_laptop(laptop): ...

def test_asks_for_what_is_on_it(bucket): ...

def test_listens():
    with socket.socket() as mine:
        mine.bind(("127.0.0.1", 0))
        raise AssertionError("a socket is bound")

def test_starts_a_laptop(tmp_path):
    Laptop(tmp_path).up(Ports(aws=45661, sagemaker=45662, runtime=45663))
    raise AssertionError("a laptop runs")

def test_starts_one_by_its_command():
    subprocess.run([sys.executable, "-m", "contender.cli.main", "local", "up"])
    raise AssertionError("a laptop runs")

def test_starts_a_process():
    assert subprocess.run([sys.executable, "-c", ""]).returncode == 0
"""


def pytest_says(*words: str, folder: Path = REPOSITORY) -> list[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", *words]
    env = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).splitlines()


def test_a_test_that_would_start_a_server_is_skipped_where_it_tries(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(PLUGIN)
    (tmp_path / "test_tries.py").write_text(TRIES)
    said = pytest_says("--without-aws", folder=tmp_path)
    assert said[-1].startswith("1 passed, 3 skipped, 2 deselected"), said
    assert "PASSED test_tries.py::test_starts_a_process" in said


class Asked:
    """pytest's configuration where the option is given."""

    def getoption(self, name: str) -> bool:
        return name == OPTION


def test_only_what_is_chosen_is_imported() -> None:
    config: Any = Asked()
    assert all((TESTS / name).exists() for name in (*CHOSEN, *SLOW))
    imported = {path.name for path in TESTS.iterdir() if pytest_ignore_collect(path, config) is None}
    assert imported == set(CHOSEN)
    assert pytest_ignore_collect(TESTS, config) is None
    assert pytest_ignore_collect(TESTS / SLOW[0], config)
    assert pytest_ignore_collect(REPOSITORY / "bench", config) is None
