"""Pipelines, executions and steps in a browser: the graph, live, and all that is behind a step."""

from __future__ import annotations

import csv
import io
import random
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Response, expect

from tests.executions.fakes import step
from tests.project import Project, as_csv, table, until
from tests.studio.browser.conftest import Look
from tests.studio.execution_fakes import FOLDER, ODD, World, job
from tests.studio.serving import served

MOST_CALLS = 30
CALLS = re.compile(r'aws;desc="(\d+) calls"')


def opened(page: Page, address: str) -> str:
    """Go there; what the page asked of AWS must not be much."""
    answer = page.goto(address)
    assert isinstance(answer, Response)
    assert answer.ok
    found = CALLS.search(answer.headers["server-timing"])
    assert found
    assert int(found[1]) <= MOST_CALLS
    return address


def address_of(execution: dict[str, str]) -> str:
    pipeline, _, identity = execution["PipelineExecutionArn"].partition(":pipeline/")[2].partition("/execution/")
    return f"/executions/{pipeline}/{identity}"


@pytest.fixture
def finished(story: Project) -> str:
    """The execution that registered north's second version."""
    return address_of(story.executions("north")[-1])


@pytest.fixture
def running(story: Project) -> Iterator[str]:
    """An execution that has just begun, and that the gate will refuse: nobody can learn labels that are shuffled."""
    header, *rows = csv.reader(io.StringIO(table("west", 7).decode()))
    label = header.index("Churn?")
    labels = [row[label] for row in rows]
    random.Random(7).shuffle(labels)
    body = as_csv([header, *([*row[:label], new, *row[label + 1 :]] for row, new in zip(rows, labels, strict=True))])
    before = len(story.executions("west"))
    story.upload("west", "shuffled.csv", body)
    until(lambda: len(story.executions("west")) > before, "the upload to start an execution")
    yield address_of(story.executions("west")[-1])
    until(lambda: story.executions("west")[-1]["PipelineExecutionStatus"] != "Executing", "it to end")


def test_a_running_execution_changes_on_the_page_while_everything_stays_in_its_place(page: Page, running: str) -> None:
    opened(page, running)
    expect(page.locator("main")).to_have_attribute("data-every", "2")
    expect(page.locator("#box-Refuse .state")).to_have_text(re.compile("Waiting"))
    page.wait_for_selector("svg.drawn g.arrow")
    page.evaluate("window.kept = [document.getElementById('box-Evaluate'), document.querySelector('g.arrow')]")
    place = "[...document.querySelectorAll('.box')].map(box => [box.id, box.style.left, box.style.top]).join()"
    before = page.evaluate(place)
    expect(page.locator("#box-Evaluate .state")).to_have_text(re.compile("Succeeded"), timeout=60_000)
    expect(page.locator("#box-Gate")).to_contain_text("false", timeout=60_000)
    expect(page.locator("h1 .state")).to_have_text(re.compile("Failed"), timeout=60_000)
    assert page.evaluate("kept.every(each => each.isConnected)")
    assert page.evaluate("kept[0] === document.getElementById('box-Evaluate')")
    assert page.evaluate(place) == before
    expect(page.locator("#box-CreateModel .state")).to_have_text(re.compile("Skipped"))
    expect(page.locator(".facts .reason")).to_contain_text("gates.min_auc")
    expect(page.locator("g.arrow.branch.idle")).to_have_count(1)


def test_the_graph_tells_data_order_and_branches_apart_and_reads_as_a_list(
    page: Page, finished: str, look: Look
) -> None:
    opened(page, finished)
    boxes = page.locator("ol.boxes > li")
    expect(boxes).to_have_count(16)
    expect(boxes.first).to_contain_text("Preprocess")
    expect(page.locator("#box-Train .waits")).to_have_text("reads Preprocess; after DataQuality, DataBias")
    expect(page.locator("#box-Gate")).to_contain_text("◆")
    expect(page.locator("#box-Refuse")).to_contain_text("×")
    expect(page.locator("g.arrow.order")).to_have_count(2)
    expect(page.locator("g.arrow.branch text")).to_have_text(["false", "true"])
    expect(page.get_by_role("region", name="Graph of the steps")).to_be_visible()
    expect(page.locator("#row-Explainability svg.bar")).to_be_visible()
    look("execution")
    page.locator("#box-Explainability a").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Explainability")


def test_boxes_do_not_lie_upon_each_other_and_a_narrow_window_scrolls_the_graph_alone(
    page: Page, finished: str
) -> None:
    page.set_viewport_size({"width": 900, "height": 800})
    opened(page, finished)
    page.wait_for_selector("svg.drawn g.arrow")
    overlaps = """
        const all = [...document.querySelectorAll('.box')].map(box => box.getBoundingClientRect());
        return all.some((a, i) => all.some((b, j) => i < j &&
            a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom));
    """
    assert not page.evaluate(f"() => {{ {overlaps} }}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_check_shows_its_report_before_anything_else(page: Page, finished: str, look: Look) -> None:
    opened(page, f"{finished}/steps/ModelBias")
    bias = page.get_by_role("region", name=re.compile("Bias of the model's answers"))
    expect(bias.locator("tr", has_text="Disparate Impact (DI)")).to_contain_text("1")
    expect(page.locator("h2").first).to_have_text("Violations")
    look("step-bias")
    opened(page, f"{finished}/steps/ModelQuality")
    expect(page.get_by_role("region", name="Statistics of the model: Confusion matrix")).to_be_visible()
    opened(page, f"{finished}/steps/DataQuality")
    expect(page.get_by_role("region", name="Statistics of the data: Columns")).to_contain_text("Day Mins")
    look("step-data-quality")


def test_explanations_are_bars_with_their_numbers(page: Page, finished: str, look: Look) -> None:
    opened(page, f"{finished}/steps/Explainability")
    chart = page.locator("#chart-shap-label0")
    expect(chart.locator("svg")).to_be_visible()
    chart.get_by_text("Numbers of").click()
    expect(chart.locator("tbody tr")).to_have_count(19)
    look("step-explainability")


def test_a_training_shows_its_metrics_as_the_log_tells_them_and_the_log(page: Page, finished: str, look: Look) -> None:
    opened(page, f"{finished}/steps/Train")
    expect(page.get_by_role("row", name=re.compile("validation:auc 0\\.9"))).to_be_visible()
    curve = page.locator("#chart-curve")
    curve.get_by_text("Numbers of").click()
    expect(curve.locator("tbody tr")).to_have_count(40)
    expect(page.locator(".log")).to_contain_text("validation-auc")
    expect(page.get_by_text("max_depth", exact=True)).to_be_visible()
    look("step-train")


def test_files_are_shown_by_their_kind(page: Page, finished: str, look: Look) -> None:
    opened(page, f"{finished}/steps/Preprocess")
    page.get_by_role("link", name="test.csv").click()
    expect(page.locator("table.rows tbody tr")).to_have_count(100)
    expect(page.locator("table.rows thead")).to_contain_text("Day Mins")
    opened(page, f"{finished}/steps/Evaluate")
    expect(page.get_by_role("region", name="Rules of the gate")).to_contain_text("passed")
    page.get_by_role("link", name="evaluation.json", exact=True).first.click()
    expect(page.locator("pre")).to_contain_text('"binary_classification_metrics": {')
    look("file")
    opened(page, f"{finished}/steps/Package/files/artifact/model.tar.gz")
    expect(page.locator(".empty")).to_contain_text("no text")
    expect(page.get_by_text(re.compile("aws s3 cp s3://"))).to_be_visible()


def test_a_failure_is_told_with_its_reason_and_its_log(page: Page, story: Project, look: Look) -> None:
    failed = address_of(story.executions("south")[-1])
    opened(page, failed)
    expect(page.locator(".facts .reason")).to_have_text("Preprocess: AlgorithmError: empty.csv is empty, exit code: 1")
    page.locator("#box-Preprocess a").click()
    expect(page.get_by_role("alert")).to_contain_text("empty.csv is empty")
    expect(page.locator(".log")).to_contain_text("Refused: empty.csv is empty")
    look("step-failed")
    opened(page, f"{failed}/steps/Train")
    expect(page.locator(".empty")).to_contain_text("did not run")


def test_every_step_of_an_execution_can_be_opened(page: Page, finished: str) -> None:
    opened(page, finished)
    links = page.locator("ol.boxes a")
    for address in [link.get_attribute("href") for link in links.all()]:
        assert address
        opened(page, address)
    expect(page.locator("h1")).to_contain_text("Deploy")
    opened(page, f"{finished}/steps/Register")
    expect(page.get_by_role("link", name="v2 of north")).to_have_attribute("href", "/dimensions/north/models/2")


def test_pipelines_are_listed_and_drawn(page: Page, look: Look) -> None:
    opened(page, "/pipelines")
    expect(page.locator("#pipeline-contender")).to_contain_text("16")
    look("pipelines")
    page.get_by_role("link", name="contender", exact=True).click()
    page.wait_for_selector("svg.drawn g.arrow")
    expect(page.get_by_role("region", name="Parameters")).to_contain_text("InputDataUri")
    look("pipeline")
    opened(page, "/pipelines/contender-batch")
    page.wait_for_selector("svg.drawn g.arrow")


def test_odd_and_long_names_are_shown_and_not_run(page: Page) -> None:
    world, long = World(), "A" * 60
    (first, *rest) = world.sagemaker.definition["Steps"]
    world.sagemaker.definition["Steps"] = [{**first, "Name": long, "DisplayName": ODD, "Description": ODD}, *rest]
    failed = step(long, "Failed", FailureReason=ODD, Metadata=job("ProcessingJob", "prepare"))
    world.processing("prepare", {ODD: f"{FOLDER}/odd"})
    world.s3.objects[f"{FOLDER}/odd/{ODD}.csv"] = f"{ODD}\n1\n".encode()
    world.logs.streams["prepare/algo-1"] = [ODD]
    address = world.execution("Failed", steps=[failed], reason=ODD, parameters={ODD: ODD})
    with served(world.settings, world.client) as site:
        page.goto(f"{site}{address}")
        page.wait_for_selector("svg.drawn g.arrow")
        box = page.locator(f"#box-{long}")
        assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
        assert long in (box.get_attribute("title") or "")
        box.locator("a").click()
        expect(page.get_by_role("alert")).to_have_text(ODD)
        expect(page.locator(".log")).to_contain_text(ODD)
        page.get_by_role("link", name=f"{ODD}.csv").click()
        expect(page.locator("h1")).to_have_text(f"{ODD}.csv")
