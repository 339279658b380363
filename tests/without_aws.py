"""`pytest --without-aws`: the tests that a build runs before it deploys. None of them starts a server; it is quick.

They are those of what a team changes (pipelines, steps, settings, templates) and of the commands that deploy it; the
machinery's own run in `make test`. Other folders are not even imported. A test that asks for the laptop is left out,
and one that would start a server in a fixture of its own is skipped where it tries: Python tells of each socket and
process before it makes it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parent
OPTION = "--without-aws"
CHOSEN = ("executions", "infra", "pipelines", "product", "steps", "test_architecture.py", "test_readme.py")
SLOW = (
    "pipelines/test_definition_diff.py",
    "pipelines/test_train.py",  # compiles a dozen other configurations; the project's own was compiled before
    "product/test_sample_data.py",
    "product/test_experiment_commands.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, action="store_true", help="only tests that need no AWS, neither an account nor a laptop")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption(OPTION):
        sys.addaudithook(_refuse_servers)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """True leaves a path out; None leaves the decision to others."""
    if not config.getoption(OPTION) or not collection_path.is_relative_to(TESTS):
        return None
    place = collection_path.relative_to(TESTS)
    chosen = not place.parts or place.parts[0] in CHOSEN
    return None if chosen and place.as_posix() not in SLOW else True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out tests of the chosen folders that ask for a laptop, or for a fixture that does."""
    if not config.getoption(OPTION):
        return
    needy = {item for item in items if "laptop" in getattr(item, "fixturenames", ())}
    config.hook.pytest_deselected(items=list(needy))
    items[:] = [item for item in items if item not in needy]


def _refuse_servers(event: str, arguments: Sequence[Any]) -> None:
    if event not in ("socket.bind", "subprocess.Popen") or "PYTEST_CURRENT_TEST" not in os.environ:
        return  # a library that looks, while it is imported, whether there is IPv6
    if event == "socket.bind":
        pytest.skip(f"it needs a server, at {arguments[1]}")
    words = [str(word) for word in arguments[1]]
    if any(word.startswith("contender.local.") for word in words) or {"local", "up"} <= set(words):
        pytest.skip(f"it needs a server: {' '.join(words)}")
