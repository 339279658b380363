"""Compiles a project's pipelines: definitions, and the files they need in S3. Touches nothing on AWS.

The project's own modules (`pipeline: pipelines.train` and `batch_pipeline: pipelines.batch` in contender.yaml) are
loaded by name from the project's folder. Each has one function: `compile(settings, outputs) -> Compiled`.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contender.config import Settings
from contender.errors import DeploymentError, SettingsError
from contender.pipeline.checks import check
from contender.pipeline.targets import Target, training

MAX_DEFINITION = 1_048_576


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a definition refers to, as it was while compiling: its key is made of these bytes."""

    body: bytes
    bucket: str
    key: str

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A definition and the files it needs."""

    definition: str
    uploads: tuple[Upload, ...] = ()

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.definition.encode()).hexdigest()[:12]

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.definition)
        return document


def compiled(definition: str, uploads: Sequence[Upload]) -> Compiled:
    """A compiler's result, checked for what SageMaker would only find later. Raises DeploymentError."""
    document = json.loads(definition)
    check(document)
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    if len(text) > MAX_DEFINITION:
        raise DeploymentError(f"the pipeline's definition has {len(text)} characters, the limit is {MAX_DEFINITION}")
    return Compiled(text, tuple(dict.fromkeys(uploads)))


def compile_project(
    settings: Settings, outputs: Mapping[str, str], folder: Path | None = None, target: Target | None = None
) -> Compiled:
    """Load a pipeline's module (default: the training one's) from `folder` (default: here) and let it compile."""
    place = str((folder or Path.cwd()).resolve())
    if place not in sys.path:
        sys.path.insert(0, place)
    with _sdk_as_compiler(settings.region):
        return _compiler(target or training(settings), place)(settings, outputs)


def _compiler(target: Target, place: str) -> Callable[[Settings, Mapping[str, str]], Compiled]:
    name = target.module
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise SettingsError(f"pipeline module {name!r} is not in {place}: run there, or set `pipeline:`") from error
        raise SettingsError(f"{name} needs {error.name}: pip install -e '.[pipeline]'") from error
    compiler: Callable[[Settings, Mapping[str, str]], Compiled] | None = getattr(module, target.function, None)
    if compiler is None:
        hint = ", which training.warm_start needs" if target.function != "compile" else ""
        raise SettingsError(f"pipeline module {name!r} has no {target.function}(settings, outputs){hint}")
    return compiler


@contextmanager
def _sdk_as_compiler(region: str) -> Iterator[None]:
    """The SageMaker SDK without a role check over the network and without a say in the console.

    It reads these variables itself, the region already when it is imported, and takes no argument instead. Importing
    it also sets up logging for the whole process; that is undone.
    """
    wanted = {"SAGEMAKER_VALIDATE_ROLE": "false", "AWS_DEFAULT_REGION": region}
    before = {name: os.environ.get(name) for name in wanted}
    root = logging.root
    disabled, level, handlers = root.manager.disable, root.level, list(root.handlers)
    os.environ.update(wanted)
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        root.setLevel(level)
        root.handlers[:] = handlers
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
