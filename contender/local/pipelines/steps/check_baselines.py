"""The baseline a check compares with: supplied to the step, or that of the latest approved model version.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-quality-clarify-baseline-lifecycle.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.context import Context
from contender.local.pipelines.steps.runner import StepFailed
from contender.local.pipelines.steps.s3_objects import etag


@dataclass(frozen=True, slots=True)
class BaselineFile:
    """One file of a baseline: `kind` is its word in the API, `file` its name, `folder` where the job finds it."""

    kind: str
    file: str
    folder: str

    @property
    def input(self) -> str:
        return f"baseline_{self.kind.lower()}"

    @property
    def supplied(self) -> str:
        return f"SuppliedBaseline{self.kind}"

    @property
    def calculated(self) -> str:
        return f"CalculatedBaseline{self.kind}"

    @property
    def used(self) -> str:
        return f"BaselineUsedForDriftCheck{self.kind}"


@dataclass(frozen=True, slots=True)
class Found:
    """A baseline file that is there, and what S3 calls its content."""

    uri: str
    etag: str


class NoBaseline(Exception):
    """No baseline is to be found; the message says where it was looked for."""


# By check type, where DriftCheckBaselines of a model package holds each file.
REGISTERED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "DATA_QUALITY": {
        "Statistics": ("ModelDataQuality", "Statistics"),
        "Constraints": ("ModelDataQuality", "Constraints"),
    },
    "MODEL_QUALITY": {
        "Statistics": ("ModelQuality", "Statistics"),
        "Constraints": ("ModelQuality", "Constraints"),
    },
    "DATA_BIAS": {"Constraints": ("Bias", "PreTrainingConstraints")},
    "MODEL_BIAS": {"Constraints": ("Bias", "PostTrainingConstraints")},
    "MODEL_EXPLAINABILITY": {"Constraints": ("Explainability", "Constraints")},
}


def find(
    context: Context, check_type: str, files: tuple[BaselineFile, ...], fields: Mapping[str, Any]
) -> dict[str, Found]:
    """The baseline of a check by kind of file: what is supplied goes before the model package group's.

    Raises:
        NoBaseline: none is supplied, and the group has none.
        StepFailed: only a part of it is supplied, or a file of it does not exist.
    """
    supplied = {file.kind: fields[file.supplied] for file in files if fields.get(file.supplied)}
    if supplied:
        if missing := [file.supplied for file in files if file.kind not in supplied]:
            given = " and ".join(file.supplied for file in files if file.kind in supplied)
            raise StepFailed(f"ClientError: {given} is given without {' and '.join(missing)}; give both or neither")
        origins = {file.kind: file.supplied for file in files}
        uris = supplied
    else:
        version, uris = _of_group(context, check_type, files, fields.get("ModelPackageGroupName"))
        origins = {file.kind: f"the baseline of {version}" for file in files}
    return {kind: _existing(context, uri, origins[kind]) for kind, uri in uris.items()}


def _of_group(
    context: Context, check_type: str, files: tuple[BaselineFile, ...], group: str | None
) -> tuple[str, dict[str, str]]:
    """The latest approved version of the group and its baseline's addresses."""
    if not group:
        raise NoBaseline("no baseline is supplied and no ModelPackageGroupName is given")
    package = _latest_approved(context, group)
    if package is None:
        raise NoBaseline(f"model package group {group!r} has no approved version")
    version = f"version {package['ModelPackageVersion']} of model package group {group!r}"
    baselines = package.get("DriftCheckBaselines", {})
    uris = {}
    for file in files:
        section, name = REGISTERED[check_type][file.kind]
        uri = baselines.get(section, {}).get(name, {}).get("S3Uri")
        if not uri:
            raise NoBaseline(f"{version}, the latest approved one, has no DriftCheckBaselines.{section}.{name}")
        uris[file.kind] = uri
    return version, uris


def _latest_approved(context: Context, group: str) -> dict[str, Any] | None:
    request = {
        "ModelPackageGroupName": group,
        "ModelApprovalStatus": "Approved",
        "SortBy": "CreationTime",
        "SortOrder": "Descending",
        "MaxResults": 1,
    }
    try:
        found = context.call("ListModelPackages", request)["ModelPackageSummaryList"]
        if not found:
            return None
        return context.call("DescribeModelPackage", {"ModelPackageName": found[0]["ModelPackageArn"]})
    except ValidationException:  # the group is made by its first registration, and a version may be deleted meanwhile
        return None


def _existing(context: Context, uri: str, origin: str) -> Found:
    tag = etag(context, uri)
    if tag is None:
        raise StepFailed(f"ClientError: {origin} does not exist: there is no object {uri}")
    return Found(uri, tag)
