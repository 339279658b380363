"""Models, tags and the versions of models through the AWS CLI."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.local.cli.aws_cli import AwsCli, ask
from tests.local.cli.requests import ARN
from tests.local.serving_models import IMAGE, ROLE, Endpoints, booster_files


@pytest.fixture(scope="module")
def model(aws: AwsCli, archives: Endpoints) -> Iterator[str]:
    """A model of the built-in algorithm."""
    container = {"Image": IMAGE, "ModelDataUrl": archives.upload("booster", booster_files())}
    answer = aws("create-model", model_name="cli-booster", execution_role_arn=ROLE, primary_container=container)
    assert answer == {"ModelArn": f"{ARN}:model/cli-booster"}
    yield "cli-booster"
    aws("delete-model", model_name="cli-booster")


@pytest.fixture(scope="module")
def group(aws: AwsCli) -> str:
    answer = aws("create-model-package-group", model_package_group_name="cli-churn")
    assert answer == {"ModelPackageGroupArn": f"{ARN}:model-package-group/cli-churn"}
    return "cli-churn"


def test_a_model(aws: AwsCli, model: str) -> None:
    described, listed = aws.together(
        ask("describe-model", model_name=model), ask("list-models", name_contains=model, sort_by="Name")
    )
    assert described["PrimaryContainer"]["Image"] == IMAGE
    assert [each["ModelName"] for each in listed["Models"]] == [model]
    container = {"Image": IMAGE}
    taken, useless = aws.refused(
        ask("create-model", model_name=model, execution_role_arn=ROLE, primary_container=container),
        ask("create-model", model_name="cli-useless", execution_role_arn=ROLE),
    )
    assert taken == (
        "An error occurred (ValidationException) when calling the CreateModel operation:"
        f' Cannot create already existing model "{ARN}:model/{model}".'
    )
    assert "needs a PrimaryContainer or Containers" in useless


def test_tags(aws: AwsCli, model: str) -> None:
    arn = f"{ARN}:model/{model}"
    wanted = [{"Key": "team", "Value": "churn"}, {"Key": "stage", "Value": "test"}]
    assert aws("add-tags", resource_arn=arn, tags=wanted)["Tags"] == wanted
    aws("delete-tags", resource_arn=arn, tag_keys=["stage"])
    assert aws("list-tags", resource_arn=arn)["Tags"] == wanted[:1]


def test_versions_of_a_model_and_their_approval(aws: AwsCli, group: str, archives: Endpoints) -> None:
    url = archives.upload("version", booster_files())
    inference = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": url}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    create = ask(
        "create-model-package",
        model_package_group_name=group,
        inference_specification=inference,
        model_approval_status="PendingManualApproval",
        customer_metadata_properties={"dimension": "east"},
    )
    created = aws.together(create, create)
    first, second = sorted(each["ModelPackageArn"] for each in created)
    assert (first, second) == (f"{ARN}:model-package/{group}/1", f"{ARN}:model-package/{group}/2")

    champion = {"Stage": "Champion", "StageStatus": "InService"}
    aws(
        "update-model-package",
        model_package_arn=second,
        model_approval_status="Approved",
        approval_description="AUC 0.98",
        model_life_cycle=champion,
    )
    described, batch, approved, groups, of_group = aws.together(
        ask("describe-model-package", model_package_name=second),
        ask("batch-describe-model-package", model_package_arn_list=[first, second, f"{second}2"]),
        ask("list-model-packages", model_package_group_name=group, model_approval_status="Approved"),
        ask("list-model-package-groups", name_contains="churn"),
        ask("describe-model-package-group", model_package_group_name=group),
    )
    assert (described["ModelPackageVersion"], described["ModelApprovalStatus"]) == (2, "Approved")
    assert described["ApprovalDescription"] == "AUC 0.98"
    assert described["ModelLifeCycle"] == champion
    assert described["CustomerMetadataProperties"] == {"dimension": "east"}
    assert batch["ModelPackageSummaries"][first]["ModelApprovalStatus"] == "PendingManualApproval"
    assert batch["ModelPackageSummaries"].keys() == {first, second}
    assert batch["BatchDescribeModelPackageErrorMap"].keys() == {f"{second}2"}
    assert [each["ModelPackageArn"] for each in approved["ModelPackageSummaryList"]] == [second]
    assert of_group["ModelPackageGroupStatus"] == "Completed"
    assert group in [each["ModelPackageGroupName"] for each in groups["ModelPackageGroupSummaryList"]]

    taken, needed = aws.refused(
        ask("create-model-package-group", model_package_group_name=group),
        ask("delete-model-package-group", model_package_group_name=group),
    )
    assert "already exists" in taken
    assert "(ConflictException)" in needed
    aws.together(*(ask("delete-model-package", model_package_name=arn) for arn in (first, second)))
    aws("delete-model-package-group", model_package_group_name=group)


def test_pages(aws: AwsCli, clients: Callable[[str], Any]) -> None:
    names = [f"cli-page-{number}" for number in range(5)]
    for name in names:
        clients("sagemaker").create_model_package_group(ModelPackageGroupName=name)

    def listing(**options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = aws(
            "list-model-package-groups", name_contains="cli-page", sort_by="Name", sort_order="Ascending", **options
        )
        answer["Names"] = [each["ModelPackageGroupName"] for each in answer["ModelPackageGroupSummaryList"]]
        return answer

    assert listing(page_size=2)["Names"] == names
    first = listing(page_size=2, max_items=3)
    assert first["Names"] == names[:3]
    rest = listing(page_size=2, starting_token=first["NextToken"])
    assert rest["Names"] == names[3:]
    assert "NextToken" not in rest
    for name in names:
        clients("sagemaker").delete_model_package_group(ModelPackageGroupName=name)
