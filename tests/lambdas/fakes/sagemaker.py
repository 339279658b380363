"""SageMaker in memory: the registry, hosting and pipeline executions of one account."""

from __future__ import annotations

from tests.lambdas.fakes.executions import Executions
from tests.lambdas.fakes.hosting import Hosting
from tests.lambdas.fakes.registry import Registry


class FakeSageMaker(Registry, Hosting, Executions):
    """All of it behind one client."""
