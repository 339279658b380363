"""What others wrote, through AWS's own APIs, as a real browser takes it: it is read, and nothing of it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.project import NAMES, Project, until

HOSTILE = "\"><script>alert('run')</script><img src=x onerror=\"alert('run')\">'{{ 7 * 7 }}"
DIMENSION = "hostile"


@pytest.fixture(scope="module")
def execution(story: Project) -> str:
    """The address of one that failed for the hostile name of its file."""
    arn = story.clients("sagemaker").start_pipeline_execution(
        PipelineName=NAMES.pipeline,
        PipelineExecutionDisplayName=f"{DIMENSION}-1",
        PipelineParameters=[
            {"Name": "Dimension", "Value": DIMENSION},
            {"Name": "InputDataUri", "Value": f"s3://nowhere/{HOSTILE}.csv"},
        ],
    )["PipelineExecutionArn"]

    def over() -> bool:
        found = story.clients("sagemaker").describe_pipeline_execution(PipelineExecutionArn=arn)
        return bool(found["PipelineExecutionStatus"] == "Failed")

    until(over, "the execution to fail")
    return f"/executions/{NAMES.pipeline}/{arn.rpartition('/')[2]}"


@pytest.fixture
def unmoved(page: Page) -> Iterator[Page]:
    """A tab in which nothing that a page was told may run, nor even be refused by the page's policy."""
    opened: list[str] = []

    def opens(dialog: Dialog) -> None:
        opened.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", opens)
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (each) => console.error('refused', each.violatedDirective))"
    )
    yield page
    assert not opened


def test_what_others_wrote_is_read_and_does_not_run(execution: str, unmoved: Page) -> None:
    page = unmoved
    page.goto(execution)
    expect(page.locator("main")).to_contain_text(HOSTILE)
    failed = page.locator("table.times tr", has_text="Failed").get_by_role("link").first
    failed.click()
    expect(page.locator("main")).to_contain_text(HOSTILE)
    page.goto(f"/executions?dimension={quote(HOSTILE)}")
    expect(page.get_by_label("Dimension")).to_have_value(HOSTILE)
    page.goto("/executions")
    expect(page.locator("main")).to_contain_text(DIMENSION)
    page.goto(f"/dimensions/{DIMENSION}/models")
    expect(page.locator("main")).to_contain_text("There is no version yet")


def test_a_file_with_a_hostile_name_is_opened_and_does_not_run(story: Project, unmoved: Page) -> None:
    page = unmoved
    page.goto("/executions?dimension=north")
    page.locator("tbody th a").first.click()
    page.locator("table.times").get_by_role("link", name="Preprocess").click()
    output = page.locator("h3:text-is('Outputs') + dl dd").first.inner_text()
    bucket, _, folder = output.removeprefix("s3://").partition("/")
    key = f"{folder.rstrip('/')}/{HOSTILE}.html"
    story.clients("s3").put_object(Bucket=bucket, Key=key, Body=HOSTILE.encode(), ContentType="text/html")
    try:
        until(lambda: _listed(page), "the file to be listed")
        page.get_by_role("link", name=f"{HOSTILE}.html").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"{HOSTILE}.html")
        expect(page.locator("pre.file")).to_have_text(HOSTILE)
        assert not re.search(r"s3|\d{12}", page.url)
    finally:
        story.clients("s3").delete_object(Bucket=bucket, Key=key)


def _listed(page: Page) -> bool:
    page.reload()
    return page.get_by_role("link", name=f"{HOSTILE}.html").count() == 1
