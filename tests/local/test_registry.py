"""Models, the registry and tags, driven with boto3."""

from __future__ import annotations

import io
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Clients

ROLE = "arn:aws:iam::000000000000:role/any"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"


@pytest.fixture
def name() -> str:
    return f"Reg-{uuid.uuid4().hex[:10]}"


@pytest.fixture
def sagemaker(clients: Clients) -> Any:
    return clients("sagemaker")


@pytest.fixture
def artifact(clients: Clients, bucket: str) -> str:
    clients("s3").upload_fileobj(io.BytesIO(b"not opened here"), bucket, "registry/model.tar.gz")
    return f"s3://{bucket}/registry/model.tar.gz"


@pytest.fixture
def group(sagemaker: Any, name: str) -> str:
    sagemaker.create_model_package_group(ModelPackageGroupName=name, ModelPackageGroupDescription="a group")
    return name


def register(sagemaker: Any, group: str, artifact: str, **more: Any) -> str:
    arn: str = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": artifact}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        **more,
    )["ModelPackageArn"]
    return arn


def code_and_message(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


class TestModels:
    def test_a_model_is_created_described_listed_and_deleted(self, sagemaker: Any, name: str, artifact: str) -> None:
        container = {"Image": IMAGE, "ModelDataUrl": artifact, "Environment": {"A": "b"}}
        arn = sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)["ModelArn"]
        described = sagemaker.describe_model(ModelName=name)
        assert (described["ModelArn"], described["PrimaryContainer"]) == (arn, container)
        assert described["EnableNetworkIsolation"] is False
        assert [model["ModelArn"] for model in sagemaker.list_models(NameContains=name)["Models"]] == [arn]
        sagemaker.delete_model(ModelName=name)
        with pytest.raises(ClientError, match="Could not find model"):
            sagemaker.describe_model(ModelName=name)

    def test_what_exists_is_not_created_and_what_does_not_is_not_deleted(self, sagemaker: Any, name: str) -> None:
        sagemaker.create_model(ModelName=name, PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=ROLE)
        with pytest.raises(ClientError, match="already existing model") as error:
            sagemaker.create_model(ModelName=name, PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=ROLE)
        assert code_and_message(error)[0] == "ValidationException"
        with pytest.raises(ClientError, match="Could not find model"):
            sagemaker.delete_model(ModelName=f"{name}-not")

    def test_model_data_that_is_not_there_is_named(self, sagemaker: Any, name: str, bucket: str) -> None:
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{bucket}/nowhere/model.tar.gz"}
        with pytest.raises(ClientError, match=r"nowhere/model\.tar\.gz"):
            sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)

    def test_a_model_without_a_container_is_refused(self, sagemaker: Any, name: str) -> None:
        with pytest.raises(ClientError, match="PrimaryContainer or Containers"):
            sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE)

    def test_a_list_goes_on_with_its_token_and_only_with_its_own_filters(self, sagemaker: Any, name: str) -> None:
        names = [f"{name}-{index}" for index in range(5)]
        for each in names:
            sagemaker.create_model(ModelName=each, PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=ROLE)
        pages = sagemaker.get_paginator("list_models").paginate(
            NameContains=name, SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 2}
        )
        assert [[model["ModelName"] for model in page["Models"]] for page in pages] == [
            names[:2],
            names[2:4],
            names[4:],
        ]
        token = sagemaker.list_models(NameContains=name, MaxResults=2)["NextToken"]
        for wrong in ({"NextToken": token}, {"NextToken": "nonsense"}):
            with pytest.raises(ClientError, match="NextToken"):
                sagemaker.list_models(**wrong)


class TestModelPackages:
    def test_versions_count_up_and_begin_unapproved(self, sagemaker: Any, group: str, artifact: str) -> None:
        arns = [register(sagemaker, group, artifact) for _ in range(3)]
        assert [arn.rpartition("/")[2] for arn in arns] == ["1", "2", "3"]
        described = sagemaker.describe_model_package(ModelPackageName=arns[1])
        assert described["ModelPackageVersion"] == 2
        assert described["ModelApprovalStatus"] == "PendingManualApproval"
        assert described["ModelPackageStatus"] == "Completed"

    def test_a_deleted_version_is_not_given_again(self, sagemaker: Any, group: str, artifact: str) -> None:
        sagemaker.delete_model_package(ModelPackageName=register(sagemaker, group, artifact))
        assert register(sagemaker, group, artifact).endswith("/2")

    def test_approval_life_cycle_and_properties_change(self, sagemaker: Any, group: str, artifact: str) -> None:
        stage = {"Stage": "Challenger", "StageStatus": "Pending", "StageDescription": "new"}
        arn = register(
            sagemaker, group, artifact, ModelLifeCycle=stage, CustomerMetadataProperties={"a": "1", "b": "2"}
        )
        assert sagemaker.describe_model_package(ModelPackageName=arn)["ModelLifeCycle"] == stage
        sagemaker.update_model_package(
            ModelPackageArn=arn,
            ModelApprovalStatus="Approved",
            ApprovalDescription="looked at",
            ModelLifeCycle={**stage, "StageStatus": "InService"},
            CustomerMetadataProperties={"c": "3"},
            CustomerMetadataPropertiesToRemove=["a"],
        )
        package = sagemaker.describe_model_package(ModelPackageName=arn)
        assert package["ModelApprovalStatus"] == "Approved"
        assert package["ModelLifeCycle"]["StageStatus"] == "InService"
        assert package["CustomerMetadataProperties"] == {"b": "2", "c": "3"}
        assert package["LastModifiedTime"] >= package["CreationTime"]

    def test_what_was_measured_and_the_baselines_are_kept_whole(
        self, sagemaker: Any, group: str, artifact: str
    ) -> None:
        def source(name: str) -> dict[str, str]:
            return {"ContentType": "application/json", "ContentDigest": f"sha256:{'0' * 64}", "S3Uri": f"s3://b/{name}"}

        quality = {"Statistics": source("statistics.json"), "Constraints": source("constraints.json")}
        metrics = {
            "ModelQuality": quality,
            "ModelDataQuality": quality,
            "Bias": {"Report": source("a"), "PreTrainingReport": source("b"), "PostTrainingReport": source("c")},
            "Explainability": {"Report": source("d")},
        }
        baselines = {
            "Bias": {
                "ConfigFile": source("config"),
                "PreTrainingConstraints": source("pre"),
                "PostTrainingConstraints": source("post"),
            },
            "Explainability": {"ConfigFile": source("config"), "Constraints": source("constraints")},
            "ModelQuality": quality,
            "ModelDataQuality": quality,
        }
        arn = register(sagemaker, group, artifact, ModelMetrics=metrics, DriftCheckBaselines=baselines)
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
        described = sagemaker.describe_model_package(ModelPackageName=arn)
        assert described["ModelMetrics"] == metrics
        assert described["DriftCheckBaselines"] == baselines

    def test_a_client_token_registers_once(self, sagemaker: Any, group: str, artifact: str) -> None:
        token = uuid.uuid4().hex
        assert register(sagemaker, group, artifact, ClientToken=token) == register(
            sagemaker, group, artifact, ClientToken=token
        )
        assert len(sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]) == 1

    def test_a_list_filters_by_group_and_approval(self, sagemaker: Any, group: str, artifact: str) -> None:
        approved = register(sagemaker, group, artifact, ModelApprovalStatus="Approved")
        register(sagemaker, group, artifact)
        found = sagemaker.list_model_packages(ModelPackageGroupName=group, ModelApprovalStatus="Approved")
        assert [package["ModelPackageArn"] for package in found["ModelPackageSummaryList"]] == [approved]

    def test_a_batch_answers_what_it_finds_and_names_what_it_does_not(
        self, sagemaker: Any, group: str, artifact: str
    ) -> None:
        arn = register(sagemaker, group, artifact)
        missing = arn.rpartition("/")[0] + "/99"
        answer = sagemaker.batch_describe_model_package(ModelPackageArnList=[arn, missing])
        assert list(answer["ModelPackageSummaries"]) == [arn]
        assert "99" in answer["BatchDescribeModelPackageErrorMap"][missing]["ErrorResponse"]

    def test_a_group_with_versions_stays(self, sagemaker: Any, group: str, artifact: str) -> None:
        arn = register(sagemaker, group, artifact)
        with pytest.raises(ClientError) as error:
            sagemaker.delete_model_package_group(ModelPackageGroupName=group)
        assert code_and_message(error)[0] == "ConflictException"
        sagemaker.delete_model_package(ModelPackageName=arn)
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)
        with pytest.raises(ClientError, match="does not exist"):
            sagemaker.describe_model_package_group(ModelPackageGroupName=group)

    def test_groups_are_unique_and_listed(self, sagemaker: Any, group: str) -> None:
        with pytest.raises(ClientError, match="already exists"):
            sagemaker.create_model_package_group(ModelPackageGroupName=group)
        found = sagemaker.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
        assert [each["ModelPackageGroupName"] for each in found] == [group]

    def test_an_unknown_group_is_named(self, sagemaker: Any, artifact: str) -> None:
        with pytest.raises(ClientError, match="NoSuchGroup does not exist"):
            register(sagemaker, "NoSuchGroup", artifact)


def test_tags_are_added_replaced_and_removed(sagemaker: Any, name: str) -> None:
    arn = sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=[{"Key": "a", "Value": "1"}])[
        "ModelPackageGroupArn"
    ]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}]
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "3"}]
    sagemaker.delete_model_package_group(ModelPackageGroupName=name)
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == []


def test_an_operation_that_is_not_run_here_is_named(sagemaker: Any) -> None:
    with pytest.raises(ClientError, match="CreateNotebookInstance") as error:
        sagemaker.create_notebook_instance(NotebookInstanceName="n", InstanceType="ml.t3.medium", RoleArn=ROLE)
    assert code_and_message(error)[0] == "UnknownOperationException"
