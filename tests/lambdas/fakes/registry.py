"""The model registry in memory."""

from __future__ import annotations

import re
from typing import Any

from tests.lambdas.fakes.account import Account
from tests.lambdas.fakes.client import operation, service_model


class Registry(Account):
    def __init__(self) -> None:
        super().__init__()
        self.packages: dict[str, dict[str, Any]] = {}

    def register(self, group: str, approval: str = "Approved", cycle: dict[str, str] | None = None) -> str:
        number = 1 + sum(package["ModelPackageGroupName"] == group for package in self.packages.values())
        arn = self.arn(f"model-package/{group}/{number}")
        self.packages[arn] = {
            "ModelPackageName": group,
            "ModelPackageGroupName": group,
            "ModelPackageVersion": number,
            "ModelPackageArn": arn,
            "CreationTime": self.tick(),
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": []},
            "ModelApprovalStatus": approval,
            "ModelLifeCycle": cycle or {"Stage": "Challenger", "StageStatus": "Pending"},
            "InferenceSpecification": {
                "Containers": [{"Image": "xgboost", "ModelDataUrl": f"s3://artifacts/{group}/{number}/model.tar.gz"}]
            },
        }
        return arn

    def states(self, group: str) -> dict[int, str]:
        """Role and status of each version."""
        return {
            package["ModelPackageVersion"]: "/".join(
                (package["ModelLifeCycle"]["Stage"], package["ModelLifeCycle"]["StageStatus"])
            )
            for package in self.packages.values()
            if package["ModelPackageGroupName"] == group
        }

    def reason(self, arn: str) -> str:
        return str(self.packages[arn]["ModelLifeCycle"].get("StageDescription", ""))

    @operation
    def list_model_packages(self, **request: Any) -> dict[str, Any]:
        group = request["ModelPackageGroupName"]
        summarised = service_model("sagemaker").shape_for("ModelPackageSummary").members
        found = [
            {key: value for key, value in package.items() if key in summarised}
            for package in reversed(self.packages.values())
            if package["ModelPackageGroupName"] == group
        ]
        if not found:
            self._fail("ListModelPackages", "ValidationException", f"ModelPackageGroup {group} does not exist.")
        return self._page("ModelPackageSummaryList", found, request)

    @operation
    def list_model_package_groups(self, **request: Any) -> dict[str, Any]:
        groups = sorted({package["ModelPackageGroupName"] for package in self.packages.values()})
        found = [
            {
                "ModelPackageGroupName": group,
                "ModelPackageGroupArn": self.arn(f"model-package-group/{group}"),
                "CreationTime": self.now,
                "ModelPackageGroupStatus": "Completed",
            }
            for group in groups
            if request["NameContains"].lower() in group.lower()
        ]
        return self._page("ModelPackageGroupSummaryList", found, request)

    @operation
    def describe_model_package(self, *, ModelPackageName: str) -> dict[str, Any]:
        if ModelPackageName not in self.packages:
            self._fail(
                "DescribeModelPackage", "ValidationException", f"ModelPackage {ModelPackageName} does not exist."
            )
        return self.packages[ModelPackageName]

    @operation
    def update_model_package(self, *, ModelPackageArn: str, **changes: Any) -> dict[str, Any]:
        self._interfere("UpdateModelPackage")
        assert changes.keys() <= {"ModelLifeCycle", "ModelApprovalStatus", "ApprovalDescription"}
        assert re.fullmatch(".{0,1024}", changes.get("ModelLifeCycle", {}).get("StageDescription", ""))
        self.packages[ModelPackageArn] |= {**changes, "LastModifiedTime": self.tick()}
        return {"ModelPackageArn": ModelPackageArn}
