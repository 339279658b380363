"""The versions of a dimension's model as the registry has them: which is champion, challenger or retired.

A version is a model package; its role and how far it got stand in the package's ModelLifeCycle, so that the console
and anybody's script see them too.

    Challenger/Pending ─► Challenger/Deploying ─► Challenger/InService ─► Champion/InService (the first one at once)
           ▲                    │      └─► …/Failed: it never served      │        │
           └────────────────────┘ the change never began                  └────────┴─► Retired/InService: it leaves
                                                                                       Retired/Removed: it has left
StageDescription says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

MAX_DESCRIPTION = 1024
APPROVED = "Approved"
WAITS = "PendingManualApproval"
REJECTED = "Rejected"
PAGE = 100
"""The most that a list operation gives at once; otherwise it gives 10."""


class Role(StrEnum):
    CHAMPION = "Champion"
    CHALLENGER = "Challenger"
    RETIRED = "Retired"


class Status(StrEnum):
    PENDING = "Pending"
    DEPLOYING = "Deploying"
    IN_SERVICE = "InService"
    FAILED = "Failed"
    REMOVED = "Removed"


@dataclass(frozen=True, slots=True)
class Version:
    """One registered version; `changed_at` is known of a Deploying version, see `list_versions`."""

    number: int
    arn: str
    role: Role
    status: Status
    reason: str
    approval: str
    created_at: datetime
    changed_at: datetime | None = None

    @property
    def deployable(self) -> bool:
        return self.approval == APPROVED and self.status in (Status.PENDING, Status.DEPLOYING)

    @property
    def rejected(self) -> bool:
        return self.approval == REJECTED


def list_versions(sagemaker: Any, group: str) -> tuple[Version, ...]:
    """The completed versions of a group, oldest first; none if there is no such group.

    A version without a life cycle was registered by someone who sets none: it counts as a pending challenger.
    A Deploying version is described as well, because only that tells when it was marked, and the time decides
    whether the endpoint was changed after it.
    """
    versions = []
    for summary in _summaries(sagemaker, group):
        cycle = summary.get("ModelLifeCycle")
        if cycle is None or cycle["StageStatus"] == Status.DEPLOYING:
            summary = sagemaker.describe_model_package(ModelPackageName=summary["ModelPackageArn"])
        versions.append(_version(summary))
    return tuple(sorted(versions, key=lambda version: version.number))


def list_groups(sagemaker: Any, part: str) -> tuple[str, ...]:
    """Names of the model package groups that contain `part`; the caller parses them exactly."""
    pages = sagemaker.get_paginator("list_model_package_groups").paginate(NameContains=part, MaxResults=PAGE)
    return tuple(group["ModelPackageGroupName"] for page in pages for group in page["ModelPackageGroupSummaryList"])


def awaiting(sagemaker: Any, most: int) -> dict[str, tuple[int, ...]]:
    """Versions that wait for a person's approval, by group; of the newest of the account."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageType="Versioned",
        ModelApprovalStatus=WAITS,
        SortBy="CreationTime",
        SortOrder="Descending",
        PaginationConfig={"PageSize": PAGE, "MaxItems": most},
    )
    found: dict[str, tuple[int, ...]] = {}
    for summary in (summary for page in pages for summary in page["ModelPackageSummaryList"]):
        cycle = summary.get("ModelLifeCycle") or {"StageStatus": Status.PENDING}
        if summary["ModelPackageStatus"] == "Completed" and cycle["StageStatus"] == Status.PENDING:
            group = summary["ModelPackageGroupName"]
            found[group] = tuple(sorted((*found.get(group, ()), summary["ModelPackageVersion"])))
    return found


def champion(versions: Sequence[Version]) -> Version | None:
    """The version that serves by default, or None before the first one does.

    A promotion killed between its two writes leaves two champions; the newer one was the one meant.
    """
    serving = (Status.IN_SERVICE, Status.DEPLOYING)
    return max(
        (version for version in versions if version.role is Role.CHAMPION and version.status in serving),
        key=lambda version: version.number,
        default=None,
    )


def newest_challenger(versions: Sequence[Version]) -> Version | None:
    """The latest version that serves beside the champion, or None."""
    return max(
        (version for version in versions if version.role is Role.CHALLENGER and version.status is Status.IN_SERVICE),
        key=lambda version: version.number,
        default=None,
    )


def mark(sagemaker: Any, arn: str, role: Role, status: Status, reason: str) -> None:
    """Set a version's role and status. Writing the same again changes nothing."""
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelLifeCycle={"Stage": role.value, "StageStatus": status.value, "StageDescription": one_line(reason)},
    )


def approve(sagemaker: Any, arn: str, reason: str = "") -> None:
    """Let a version be rolled out: the registry's state-change event starts that."""
    _decide(sagemaker, arn, APPROVED, reason)


def reject(sagemaker: Any, arn: str, reason: str = "") -> None:
    """Let a version not be rolled out, until somebody approves it after all."""
    _decide(sagemaker, arn, REJECTED, reason)


def one_line(text: str, longest: int = MAX_DESCRIPTION) -> str:
    """Text in one line of at most so many characters, of which StageDescription takes 1,024."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def model_data_uri(package: Mapping[str, Any]) -> str:
    """Where a described model package's artifact lies."""
    container = package["InferenceSpecification"]["Containers"][0]
    if url := container.get("ModelDataUrl"):
        return str(url)
    return str(container["ModelDataSource"]["S3DataSource"]["S3Uri"])


def _decide(sagemaker: Any, arn: str, approval: str, reason: str) -> None:
    why = {"ApprovalDescription": one_line(reason)} if reason else {}
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=approval, **why)


def _summaries(sagemaker: Any, group: str) -> Iterator[Mapping[str, Any]]:
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group, MaxResults=PAGE)
    try:
        for page in pages:
            yield from (
                summary for summary in page["ModelPackageSummaryList"] if summary["ModelPackageStatus"] == "Completed"
            )
    except ClientError as error:
        # SageMaker declares no error for a missing group and answers ValidationException; the name itself is valid.
        if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
            raise


def _version(package: Mapping[str, Any]) -> Version:
    cycle = package.get("ModelLifeCycle") or {"Stage": Role.CHALLENGER, "StageStatus": Status.PENDING}
    try:
        role, status = Role(cycle["Stage"]), Status(cycle["StageStatus"])
    except ValueError:
        # A life cycle in somebody else's words is not ours to deploy.
        role, status = Role.RETIRED, Status.REMOVED
    return Version(
        number=package["ModelPackageVersion"],
        arn=package["ModelPackageArn"],
        role=role,
        status=status,
        reason=cycle.get("StageDescription", ""),
        approval=package.get("ModelApprovalStatus", WAITS),
        created_at=package["CreationTime"],
        changed_at=package.get("LastModifiedTime"),
    )
