"""Which checks have something to compare with."""

from __future__ import annotations

from typing import Any

from contender.baselines import CHECKS, DATA_QUALITY, EXPLAINABILITY, MODEL_QUALITY, declared, first_run
from tests.lambdas.fakes import FakeSageMaker

EVERY = [name for check in CHECKS for name in (check.skip, check.register, check.fail)]


def baselines(*paths: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in paths:
        part, name = path.split(".")
        found.setdefault(part, {})[name] = {"ContentType": "application/json", "S3Uri": f"s3://bucket/{path}"}
    return found


def register(sagemaker: FakeSageMaker, *paths: str, approval: str = "Approved") -> None:
    arn = sagemaker.register("contender-A", approval)
    sagemaker.packages[arn]["DriftCheckBaselines"] = baselines(*paths)


def skipped(sagemaker: FakeSageMaker) -> set[str]:
    options = first_run(sagemaker, "contender-A", EVERY)
    checks = [check for check in CHECKS if check.skip in options]
    assert options == {name: "true" for check in checks for name in (check.skip, check.register)}
    return {check.name for check in checks}


def test_a_dimension_without_versions_checks_nothing() -> None:
    assert skipped(FakeSageMaker()) == {check.name for check in CHECKS}


def test_a_version_with_every_baseline_is_what_all_are_checked_against() -> None:
    sagemaker = FakeSageMaker()
    register(sagemaker, *[path for check in CHECKS for path in check.paths])
    assert skipped(sagemaker) == set()


def test_a_check_that_came_later_registers_its_first_baseline() -> None:
    sagemaker = FakeSageMaker()
    register(sagemaker, *DATA_QUALITY.paths, *MODEL_QUALITY.paths, *EXPLAINABILITY.paths)
    assert skipped(sagemaker) == {"DataBias", "ModelBias"}


def test_half_a_baseline_is_none() -> None:
    sagemaker = FakeSageMaker()
    register(sagemaker, "ModelDataQuality.Statistics")
    assert "DataQuality" in skipped(sagemaker)


def test_only_the_latest_approved_version_counts() -> None:
    sagemaker = FakeSageMaker()
    register(sagemaker, *DATA_QUALITY.paths)
    register(sagemaker, *MODEL_QUALITY.paths)
    register(sagemaker, *EXPLAINABILITY.paths, approval="PendingManualApproval")
    register(sagemaker, *EXPLAINABILITY.paths, approval="Rejected")
    assert skipped(sagemaker) == {check.name for check in CHECKS} - {"ModelQuality"}


def test_what_the_pipeline_does_not_have_is_not_set() -> None:
    assert first_run(FakeSageMaker(), "contender-A", ["SkipDataQualityCheck", "Dimension"]) == {
        "SkipDataQualityCheck": "true"
    }


def test_a_definition_says_what_it_takes() -> None:
    parameters = [{"Name": "A", "Type": "Boolean", "DefaultValue": True}]
    assert declared({"Parameters": parameters, "Steps": []}) == {"A": "Boolean"}
    assert declared({"Steps": []}) == {}
