"""What a variant is to run: an endpoint config's variant resolved to an image, files on this disk, an environment."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from contender.local import artifacts
from contender.local.api.errors import ApiError
from contender.local.context import Context
from contender.local.jobs.files import FilesError
from contender.local.jobs.images import UnknownImage, runtime_of
from contender.local.resources import models
from contender.local.store import Document, Missing

DEFAULT_STARTUP_S = 300.0
SUBMIT_DIRECTORY = "SAGEMAKER_SUBMIT_DIRECTORY"
CODE_DIRECTORY = "/opt/ml/model/code"


class VariantFailed(Exception):
    """A variant that cannot serve; `reason` is what the endpoint's FailureReason says."""

    def __init__(self, variant: str, reason: str) -> None:
        super().__init__(reason)
        self.variant = variant
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model's files come from: an archive or a prefix, and perhaps an archive with its code."""

    data: str = ""
    is_archive: bool = True
    code: str = ""


@dataclass(frozen=True, slots=True)
class VariantPlan:
    """A variant ready to be started. `weight` and `instances` may change while its processes stay."""

    name: str
    model_name: str
    image: str
    model_dir: str
    source: Source
    environment: Mapping[str, str]
    weight: float
    instances: int
    startup_s: float

    @property
    def spec(self) -> tuple[Any, ...]:
        """Plans with the same spec are served by the same processes."""
        return (self.image, self.model_dir, tuple(sorted(self.environment.items())))

    @property
    def processes(self) -> int:
        """More processes than cores only cost memory."""
        return max(1, min(self.instances, os.cpu_count() or 1))

    def with_share(self, weight: float, instances: int) -> VariantPlan:
        return replace(self, weight=weight, instances=instances)

    def to_document(self) -> Document:
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> VariantPlan:
        return cls(**{**document, "source": Source(**document["source"])})


def make_plan(context: Context, variant: Mapping[str, Any], weight: float, instances: int) -> VariantPlan:
    """Resolve a production variant of an endpoint config: its model, the image, the files. Raises VariantFailed."""
    name = variant["VariantName"]
    try:
        container = _container(context, variant["ModelName"])
        runtime_of(container["Image"])
        source = _source(container)
        model_dir = unpack_model(context, source)
    except (UnknownImage, _Unusable) as error:
        raise VariantFailed(name, f"Production variant {name}: {error}") from error
    except ArchiveError as error:
        raise VariantFailed(
            name,
            f'Failed to extract model data archive for container "container_1" from URL "{source.data}". Please ensure'
            f" that the object located at the URL is a valid tar.gz archive. ({error})",
        ) from error
    except FilesError as error:
        raise VariantFailed(
            name,
            f'Failed to download model data for container "container_1" from URL: "{source.data}". Please ensure that'
            " there is an object located at the URL and that the role passed to CreateModel has permissions to"
            f" download the model. ({error})",
        ) from error
    environment = dict(container.get("Environment", {}))
    if source.code:
        environment[SUBMIT_DIRECTORY] = CODE_DIRECTORY
    return VariantPlan(
        name=name,
        model_name=variant["ModelName"],
        image=container["Image"],
        model_dir=str(model_dir),
        source=source,
        environment=environment,
        weight=weight,
        instances=instances,
        startup_s=float(variant.get("ContainerStartupHealthCheckTimeoutInSeconds", DEFAULT_STARTUP_S)),
    )


class ArchiveError(FilesError):
    """A model archive that cannot be unpacked."""


class _Unusable(Exception):
    """A model that this server cannot serve."""


def _container(context: Context, model_name: str) -> Mapping[str, Any]:
    try:
        model = context.store.get(models.KIND, model_name)
    except Missing:
        raise _Unusable(f"its model {model_name} was deleted") from None
    containers = [model["PrimaryContainer"]] if "PrimaryContainer" in model else model.get("Containers", [])
    if len(containers) != 1:
        raise _Unusable(f"model {model_name} has {len(containers)} containers; local SageMaker serves one")
    container: dict[str, Any] = containers[0]
    if container.get("Mode") == "MultiModel":
        raise _Unusable(f"model {model_name} is a multi-model container; local SageMaker serves one model")
    if package := container.get("ModelPackageName"):
        container = {**_packaged(context, model_name, package), **_without(container, "ModelPackageName")}
    return container


def _packaged(context: Context, model_name: str, package: str) -> Mapping[str, Any]:
    try:
        described = context.call("DescribeModelPackage", {"ModelPackageName": package})
    except ApiError as error:
        raise _Unusable(f"model {model_name}: {error.message}") from error
    containers = described.get("InferenceSpecification", {}).get("Containers", [])
    if len(containers) != 1:
        raise _Unusable(f"model package {package} has {len(containers)} containers; local SageMaker serves one")
    packaged: Mapping[str, Any] = containers[0]
    return packaged


def _source(container: Mapping[str, Any]) -> Source:
    submitted = container.get("Environment", {}).get(SUBMIT_DIRECTORY, "")
    code = submitted if submitted.startswith("s3://") else ""
    if place := container.get("ModelDataSource", {}).get("S3DataSource"):
        return Source(place["S3Uri"], place["CompressionType"] == "Gzip", code)
    return Source(container.get("ModelDataUrl", ""), True, code)


def unpack_model(context: Context, source: Source, known: str = "") -> Path:
    """The model's files in a directory of the models cache, which knows them by URI and ETag. Raises FilesError.

    `known` is the directory of an earlier call: while it is there, nothing is asked of S3.
    """
    if known and Path(known).is_dir():
        return Path(known)
    files = context.jobs.files
    if source.is_archive:
        archives = [files.fetch(uri) for uri in (source.data,) if uri]
        parts = [path.name for path in archives]
    else:
        archives = []
        parts = [f"{item.uri} {item.etag}" for item, _ in files.objects(source.data)]
    code = files.fetch(source.code) if source.code else None
    parts.append(code.name if code else "")
    target = context.settings.home.resolve() / "models" / hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix="."))
    try:
        for archive in archives:
            artifacts.unpack(archive, fresh, source.data)
        if not source.is_archive:
            files.download(source.data, fresh)
        if code:
            artifacts.unpack(code, fresh / "code", source.code)
        fresh.chmod(0o755)
        # another thread may have been faster; its copy is the same
        if not target.is_dir():
            fresh.replace(target)
    except artifacts.ArtifactError as error:
        raise ArchiveError(str(error)) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def prune_models(context: Context, used: Collection[str]) -> None:
    """Forget the unpacked models that no endpoint serves; only before any operation may unpack one."""
    folder = context.settings.home.resolve() / "models"
    for path in folder.iterdir() if folder.is_dir() else ():
        if str(path) not in used:
            shutil.rmtree(path, ignore_errors=True)


def _without(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}
