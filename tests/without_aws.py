"""`pytest --without-aws`: the tests that a build runs before it deploys. None of them starts a server; it is quick.

Left out are the tests of the laptop itself and the stories from end to end, whose folders are not even imported, and
every test that asks for the laptop. A test that would start a server all the same, in a fixture of its own, is skipped
where it tries: Python tells of each socket and process before it makes it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parent
OPTION = "--without-aws"
LEFT_OUT = (
    *("local", "sdk", "demo", "delivery"),
    *("test_every_step.py", "test_experiment_demo.py", "test_main_job.py", "test_notebooks.py"),
)
"""Of the laptop itself, and whole stories."""
FIXTURES = frozenset({"laptop", "clients", "bucket"})
_SERVERS = ("contender.local.", "contender local up", "ministack")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, action="store_true", help="only tests that need no AWS, neither an account nor a laptop")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption(OPTION):
        sys.addaudithook(_refuse_servers)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """True leaves a path out; None leaves the decision to others."""
    if not config.getoption(OPTION) or not collection_path.is_relative_to(TESTS):
        return None
    parts = collection_path.relative_to(TESTS).parts
    return True if parts and parts[0] in LEFT_OUT else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption(OPTION):
        return
    needy = [item for item in items if FIXTURES & set(getattr(item, "fixturenames", ()))]
    config.hook.pytest_deselected(items=needy)
    items[:] = [item for item in items if item not in set(needy)]


def _refuse_servers(event: str, arguments: Sequence[Any]) -> None:
    if event == "socket.bind":
        pytest.skip(f"it needs a server, at {arguments[1]}")
    if event == "subprocess.Popen":
        command = " ".join(str(word) for word in arguments[1])
        if any(name in command for name in _SERVERS):
            pytest.skip(f"it needs a server: {command[:80]}")
