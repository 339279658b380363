"""Versions in a browser: listed, shown, compared; and approved and rejected, by which the endpoint changes."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.project import NAMES, Project, table, until
from tests.studio.browser.conftest import Look

HAND_MADE = "hand-made"
EVIL = "<img src=x onerror=\"console.error('run')\"> 'made' by hand"


@pytest.fixture(scope="module")
def waiting(story: Project) -> list[int]:
    """Two versions of a dimension of its own that somebody has registered by hand, and that wait for approval."""
    sagemaker, group = story.clients("sagemaker"), NAMES.group(HAND_MADE)
    newest = sagemaker.list_model_packages(ModelPackageGroupName=NAMES.group("north"))["ModelPackageSummaryList"][0]
    package = sagemaker.describe_model_package(ModelPackageName=newest["ModelPackageArn"])
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    for _ in range(2):
        sagemaker.create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification=package["InferenceSpecification"],
            ModelMetrics=package["ModelMetrics"],
            CustomerMetadataProperties={"dataUri": EVIL},
            ModelLifeCycle={"Stage": "Challenger", "StageStatus": "Pending", "StageDescription": EVIL},
        )
    return [1, 2]


def package(story: Project, number: int) -> Any:
    sagemaker = story.clients("sagemaker")
    found = sagemaker.list_model_packages(ModelPackageGroupName=NAMES.group(HAND_MADE))["ModelPackageSummaryList"]
    arn = next(each["ModelPackageArn"] for each in found if each["ModelPackageVersion"] == number)
    return sagemaker.describe_model_package(ModelPackageName=arn)


def test_versions_are_listed_with_role_metrics_and_gate(page: Page, look: Look) -> None:
    page.goto("/dimensions/north/models")
    expect(page.locator("#version-1")).to_contain_text("Champion")
    challenger = page.locator("#version-2")
    expect(challenger).to_contain_text("Challenger")
    expect(challenger).to_contain_text("passed")
    expect(challenger).to_contain_text("0.9")
    look("models")


def test_a_version_shows_the_gate_rule_by_rule_where_it_errs_and_where_it_comes_from(page: Page, look: Look) -> None:
    page.goto("/dimensions/north/models")
    page.get_by_role("link", name="v2").click()
    expect(page.get_by_role("region", name="Gate, rule by rule")).to_contain_text("possible_loss")
    expect(page.locator("table.matrix")).to_have_count(2)
    expect(page.locator("#chart-roc svg")).to_contain_text("champion v1")
    expect(page.locator("main")).to_contain_text("data/north/file-2.csv")
    expect(page.locator("main")).to_contain_text("DataQuality/report/constraints.json")
    look("model")


def test_versions_stand_side_by_side(page: Page, look: Look) -> None:
    page.goto("/dimensions/north/models")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Compare").click()
    comparison = page.locator("table.comparing")
    expect(comparison.get_by_role("row", name="evaluation.auc")).to_contain_text("best")
    expect(comparison.get_by_role("row", name="Object ≠")).to_contain_text("file-1.csv")
    expect(page.locator("#chart-roc svg")).to_contain_text("v1 on the rows of v2")
    expect(page.locator("table.matrix")).to_have_count(2)
    first, second = (table.bounding_box() for table in page.locator("table.matrix").all())
    assert first
    assert second
    assert first["x"] + first["width"] <= second["x"] or first["y"] + first["height"] <= second["y"]
    look("models-compared")


def test_a_running_execution_changes_on_the_page(page: Page, story: Project) -> None:
    story.upload("newcomer", "file.csv", table("newcomer", 1))
    until(lambda: story.executions("newcomer"), "the upload to start an execution")
    page.goto("/executions?dimension=newcomer")
    row = page.locator("#comparing tbody tr")
    expect(row).to_contain_text("Executing")
    expect(row).to_contain_text("Succeeded", timeout=60_000)
    expect(row).to_contain_text("v1", timeout=30_000)


def test_texts_of_others_are_shown_and_not_run(page: Page, waiting: list[int], look: Look) -> None:
    page.goto(f"/dimensions/{HAND_MADE}/models")
    expect(page.locator("#version-1 .why")).to_have_text(EVIL)
    look("models-waiting")
    page.goto(f"/dimensions/{HAND_MADE}/models/1")
    expect(page.locator("main")).to_contain_text(EVIL)


def test_a_version_is_rejected_with_a_reason(page: Page, story: Project, waiting: list[int]) -> None:
    page.goto(f"/dimensions/{HAND_MADE}/models")
    page.get_by_label("Reason, for v2").fill("too slow")
    page.get_by_role("button", name="Reject v2").click()
    expect(page.get_by_role("status").filter(has_text="v2")).to_contain_text("v2 of hand-made is rejected")
    expect(page.locator("#version-2")).to_contain_text("Rejected")
    page.goto(f"/dimensions/{HAND_MADE}/models/2")
    expect(page.locator("main")).to_contain_text("too slow")
    assert package(story, 2)["ModelApprovalStatus"] == "Rejected"


def test_a_version_that_is_approved_comes_to_serve(page: Page, story: Project, waiting: list[int]) -> None:
    page.goto(f"/dimensions/{HAND_MADE}/models")
    page.get_by_role("button", name="Approve v1").click()
    expect(page.get_by_role("status").filter(has_text="v1")).to_contain_text("v1 of hand-made is approved")
    expect(page.locator("#version-1")).to_contain_text("Champion", timeout=60_000)  # by itself
    endpoint = NAMES.endpoint(HAND_MADE)
    described = until(
        lambda: story.clients("sagemaker").describe_endpoint(EndpointName=endpoint), "the endpoint to be there"
    )
    assert described["EndpointStatus"] == "InService"
    assert not page.get_by_role("button", name="Approve v1").count()
