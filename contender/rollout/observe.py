"""What is there: the registry's versions and the endpoint, by describing them."""

from __future__ import annotations

from typing import Any

from contender import endpoints, registry
from contender.naming import Names
from contender.rollout.plan import View


def read(sagemaker: Any, names: Names, dimension: str) -> View:
    """Versions are read before the endpoint: a change that another run makes in between is then seen as under way
    or done, never as one that was marked and did not happen."""
    versions = registry.list_versions(sagemaker, names.group(dimension))
    return View(names, dimension, versions, endpoints.read(sagemaker, names.endpoint(dimension)))
