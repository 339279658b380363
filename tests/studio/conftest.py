"""An execution that tests may change, and a browser that opens its pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.studio.execution_fakes import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def browser(world: World) -> Iterator[TestClient]:
    with world.browser() as client:
        yield client
