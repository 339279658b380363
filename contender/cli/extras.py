"""The extras of the installation: which packages each brings, and what is missing here."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

from contender.errors import SettingsError

EXTRAS: Mapping[str, Mapping[str, str]] = {
    "pipeline": {"sagemaker": "sagemaker"},
    "local": {
        "ministack": "ministack",
        "uvicorn": "uvicorn",
        "xgboost": "xgboost-cpu",
        "sklearn": "scikit-learn",
        "numpy": "numpy",
        "pandas": "pandas",
        "optuna": "optuna",
        "matplotlib": "matplotlib",
        "jinja2": "Jinja2",
    },
    "studio": {
        "starlette": "starlette",
        "uvicorn": "uvicorn",
        "jinja2": "Jinja2",
        "itsdangerous": "itsdangerous",
        "python_multipart": "python-multipart",
        "cachetools": "cachetools",
    },
}
"""By extra: the modules that show that it is installed, and the packages they come with."""


def missing(extra: str) -> list[str]:
    """The extra's packages that are not installed; nothing is imported."""
    return [package for module, package in EXTRAS[extra].items() if importlib.util.find_spec(module) is None]


def need(extra: str) -> None:
    """SettingsError unless the extra is installed."""
    if packages := missing(extra):
        raise SettingsError(f"this needs {', '.join(packages)}: {advice(extra)}")


def extra_of(module: str | None) -> str | None:
    """The extra that brings a module, by the module's dotted name; None for any other."""
    top = (module or "").partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if top in modules), None)


def advice(extra: str) -> str:
    return f"pip install -e '.[{extra}]'"
