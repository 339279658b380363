"""Versions, roles and what the registry says about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from contender import registry
from contender.registry import Role, Status, Version
from tests.lambdas.fakes import FakeSageMaker, client_error


def version(number: int, role: Role = Role.CHALLENGER, status: Status = Status.IN_SERVICE) -> Version:
    return Version(number, f"arn/{number}", role, status, "", "Approved", datetime(2026, 1, 1, tzinfo=UTC))


def test_lists_every_version_of_a_group_oldest_first() -> None:
    sagemaker = FakeSageMaker()
    for _ in range(12):
        sagemaker.register("contender-A")
    sagemaker.register("contender-AB")
    assert [found.number for found in registry.list_versions(sagemaker, "contender-A")] == list(range(1, 13))


def test_a_group_that_does_not_exist_has_no_versions() -> None:
    assert registry.list_versions(FakeSageMaker(), "contender-A") == ()


def test_other_errors_are_passed_on() -> None:
    sagemaker = FakeSageMaker()

    def denied(**_: object) -> object:
        raise client_error("ListModelPackages", "AccessDeniedException", "not allowed")

    sagemaker.list_model_packages = denied  # type: ignore[method-assign]
    with pytest.raises(Exception, match="not allowed"):
        registry.list_versions(sagemaker, "contender-A")


def test_a_version_that_is_not_complete_is_not_there_yet() -> None:
    sagemaker = FakeSageMaker()
    sagemaker.packages[sagemaker.register("contender-A")]["ModelPackageStatus"] = "InProgress"
    assert registry.list_versions(sagemaker, "contender-A") == ()


def test_only_a_version_being_deployed_costs_a_call_of_its_own() -> None:
    sagemaker = FakeSageMaker()
    for _ in range(3):
        arn = sagemaker.register("contender-A")
    registry.mark(sagemaker, arn, Role.CHALLENGER, Status.DEPLOYING, "")
    versions = registry.list_versions(sagemaker, "contender-A")
    assert [found.changed_at is None for found in versions] == [True, True, False]
    assert len(sagemaker.made("DescribeModelPackage")) == 1


def test_the_champion_is_the_one_that_serves_as_such() -> None:
    champion = version(2, Role.CHAMPION)
    assert registry.champion([version(1, Role.RETIRED, Status.REMOVED), champion, version(3)]) == champion
    assert registry.champion([version(1)]) is None
    assert registry.champion([version(1, Role.CHAMPION, Status.FAILED)]) is None


def test_of_two_champions_the_newer_one_was_meant() -> None:
    assert registry.champion([version(2, Role.CHAMPION), version(1, Role.CHAMPION)]) == version(2, Role.CHAMPION)


@pytest.mark.parametrize(
    ("approval", "status", "deployable"),
    [
        ("Approved", Status.PENDING, True),
        ("Approved", Status.DEPLOYING, True),
        ("Approved", Status.IN_SERVICE, False),
        ("Approved", Status.FAILED, False),
        ("PendingManualApproval", Status.PENDING, False),
        ("Rejected", Status.PENDING, False),
    ],
)
def test_what_may_be_deployed(approval: str, status: Status, deployable: bool) -> None:
    assert replace(version(1, status=status), approval=approval).deployable is deployable


def test_a_reason_becomes_one_short_line() -> None:
    assert registry.one_line("a\n b\tc") == "a b c"
    assert len(registry.one_line("x" * 5000)) == 1024


def test_finds_the_artifact_in_either_form() -> None:
    source = {"S3DataSource": {"S3Uri": "s3://b/m.tar.gz", "S3DataType": "S3Object", "CompressionType": "Gzip"}}
    for container in ({"ModelDataUrl": "s3://b/m.tar.gz"}, {"ModelDataSource": source}):
        package = {"InferenceSpecification": {"Containers": [container]}}
        assert registry.model_data_uri(package) == "s3://b/m.tar.gz"
