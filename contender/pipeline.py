"""The project's pipelines: compile one, compare it with what is deployed, deploy it.

The project's own modules (`pipeline: pipelines.train` and `batch_pipeline: pipelines.batch` in contender.yaml) are
loaded by name from the project's folder. Each has one function: `compile(settings, outputs) -> Compiled`. Compiling
decides everything and touches nothing; `upsert` then uploads the files and writes the definition, and does neither when
both are there already.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
import sys
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from contender.config import Settings
from contender.errors import DeploymentError, SettingsError
from contender.naming import Names
from contender.pipeline_checks import check

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


@dataclass(frozen=True, slots=True)
class Target:
    """One of the project's pipelines: its name on AWS, and the module that compiles it."""

    name: str
    module: str
    description: str
    function: str = "compile"


def training(settings: Settings) -> Target:
    """The pipeline that an upload starts."""
    return Target(
        Names(settings.project).pipeline, settings.pipeline, "Trains, judges and rolls out one dimension's model."
    )


def warm(settings: Settings) -> Target:
    """The same for a dimension's second search and all after it."""
    return Target(
        Names(settings.project).warm_pipeline,
        settings.pipeline,
        "Trains as the other pipeline does, and continues the dimension's previous search.",
        "compile_warm",
    )


def training_targets(settings: Settings) -> tuple[Target, ...]:
    """What it takes to train: the pipeline, and before it the one that continues searches, if there are any.

    Before, because the first one's definition tells whoever starts an execution that the other is there.
    """
    continued = settings.training.tuning_trials and settings.training.warm_start
    return (warm(settings), training(settings)) if continued else (training(settings),)


def batch(settings: Settings) -> Target:
    """The pipeline that scores a file by who serves."""
    return Target(
        Names(settings.project).batch_pipeline,
        settings.batch_pipeline,
        "Scores a file by one dimension's champion, on request beside its challenger.",
    )


def targets(settings: Settings) -> tuple[Target, ...]:
    """All that the project has, in the order to deploy them."""
    scoring = (batch(settings),) if settings.batch_pipeline else ()
    return (*training_targets(settings), *scoring)


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


@dataclass(frozen=True, slots=True)
class Upserted:
    """What `upsert` did, or would do: `created`, `updated` or `unchanged`, and the files that were missing."""

    action: str
    arn: str
    uploaded: tuple[str, ...]


def plan_upsert(
    sagemaker: Any, s3: Any, settings: Settings, role_arn: str, result: Compiled, target: Target | None = None
) -> Upserted:
    """What `upsert` would do."""
    missing = tuple(item.uri for item in result.uploads if not _exists(s3, item))
    described = _describe(sagemaker, (target or training(settings)).name)
    if described is None:
        return Upserted("created", "", missing)
    same = described["PipelineDefinition"] == result.definition and described["RoleArn"] == role_arn
    return Upserted("unchanged" if same else "updated", described["PipelineArn"], missing)


def upsert(
    sagemaker: Any, s3: Any, settings: Settings, role_arn: str, result: Compiled, target: Target | None = None
) -> Upserted:
    """Make SageMaker's pipeline the compiled one. Safe to repeat: identical bytes change nothing."""
    target = target or training(settings)
    plan = plan_upsert(sagemaker, s3, settings, role_arn, result, target)
    # Files go first: a definition must never refer to code that is not there.
    for item in result.uploads:
        if item.uri in plan.uploaded:
            s3.put_object(Bucket=item.bucket, Key=item.key, Body=item.body)
    request = {"PipelineName": target.name, "PipelineDefinition": result.definition, "RoleArn": role_arn}
    if plan.action == "created":
        answer = sagemaker.create_pipeline(
            **request,
            PipelineDisplayName=target.name,
            PipelineDescription=target.description,
            ClientRequestToken=uuid.uuid4().hex,
        )
        return Upserted("created", answer["PipelineArn"], plan.uploaded)
    if plan.action == "updated":
        sagemaker.update_pipeline(**request)
    return plan


def deployed_definition(sagemaker: Any, name: str) -> str | None:
    """The definition SageMaker has, or None."""
    described = _describe(sagemaker, name)
    return None if described is None else str(described["PipelineDefinition"])


def _describe(sagemaker: Any, name: str) -> Mapping[str, Any] | None:
    try:
        described: Mapping[str, Any] = sagemaker.describe_pipeline(PipelineName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFound":
            return None
        raise
    return described


def _exists(s3: Any, item: Upload) -> bool:
    """Whether the file is there: its key is made of its content, so a file under the key is this one."""
    try:
        s3.head_object(Bucket=item.bucket, Key=item.key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return True
