"""What the pages of pipelines and executions say, and what they do not let anybody run."""

from __future__ import annotations

import html
import re

import pytest
from markupsafe import escape
from starlette.testclient import TestClient

from tests.executions.fakes import step
from tests.studio.execution_fakes import ODD, World

SHOWN = str(escape(ODD))


def box(page: str, name: str) -> str:
    found = re.search(rf'<li [^>]*id="box-{name}".*?</li>', page, re.DOTALL)
    assert found
    return found[0]


def test_steps_tell_name_type_state_and_what_they_wait_for(world: World, browser: TestClient) -> None:
    address = world.execution("Executing", steps=[step("Preprocess", ended=1.5), step("DataQuality", "Executing")])
    page = browser.get(address).text
    for words in ("Preprocess", "Processing", "Succeeded", "begins at once", "1.5 s"):
        assert words in box(page, "Preprocess")
    assert "Executing" in box(page, "DataQuality")
    assert "reads Preprocess; after DataQuality, DataBias" in box(page, "Train")
    assert "Waiting" in box(page, "Train")
    assert "asks whether gate.auc ≥ 0.75 and gate.auc_drop ≤ 0.01" in box(page, "Gate")
    assert "if Gate is false" in box(page, "Refuse")


def test_a_page_asks_again_while_the_execution_runs_and_not_after(world: World, browser: TestClient) -> None:
    running, over = world.execution("Executing"), world.execution("Stopped")
    assert 'data-every="2"' in browser.get(running).text
    assert "data-every" not in browser.get(over).text


def test_a_failure_says_why_and_what_to_do(world: World, browser: TestClient) -> None:
    failed = step("Preprocess", "Failed", FailureReason="InternalServerError")
    address = world.execution(
        "Failed", steps=[failed], reason="Step failure: One or multiple steps failed. Preprocess: no"
    )
    page = browser.get(address).text
    assert "Preprocess: no</dd>" in page
    assert "contender pipeline retry north-89abcdef" in page
    assert "Skipped" in box(page, "Train")


def test_odd_words_are_shown_and_not_run(world: World, browser: TestClient) -> None:
    world.sagemaker.definition["Steps"][0] |= {"DisplayName": ODD, "Description": ODD}
    address = world.execution(
        "Failed",
        steps=[step("Preprocess", "Failed", FailureReason=ODD)],
        reason=ODD,
        parameters={"Dimension": "north", "InputDataUri": ODD, ODD: ODD},
    )
    for page in (address, f"{address}/steps/Preprocess", "/pipelines/contender"):
        text = browser.get(page).text
        assert SHOWN in text
        assert "<script>alert" not in text


def test_parameters_that_nobody_gave_are_told_with_their_defaults(world: World, browser: TestClient) -> None:
    page = browser.get(world.execution(parameters={"Dimension": "north"})).text
    given, _, defaults = page.partition("more, as the definition has them")
    assert "<dt>Dimension</dt><dd>north</dd>" in given
    assert "<dt>DataVersion</dt><dd>none</dd>" in defaults


def test_the_commit_is_that_of_the_definition_that_ran(world: World, browser: TestClient) -> None:
    page = browser.get(world.execution()).text
    assert re.search(r"version 1 of <a [^>]*>contender</a>, commit <code>0123456789</code>", page)
    (asked,) = [each for each in world.sagemaker.made("DescribePipeline") if "PipelineVersionId" in each]
    assert asked["PipelineVersionId"] == 1


def test_steps_within_a_loop_are_drawn_and_its_iterations_can_be_opened(world: World, browser: TestClient) -> None:
    body = {"Name": "Each", "Type": "Training", "Arguments": {}}
    loop = {"Name": "Loop", "Type": "ForEach", "Arguments": {"ForEachBody": [body]}}
    world.sagemaker.definition["Steps"] = [loop]
    address = world.execution("Executing", steps=[step("Loop", "Executing"), step("Each[0]", "Executing")])
    page = browser.get(address).text
    assert "<a " not in box(page, "Each")
    assert f"{address}/steps/Each%5B0%5D" in page
    assert browser.get(f"{address}/steps/Each%5B0%5D").status_code == 200


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/executions/contender/zzz", "has no execution"),
        ("/executions/other/000000000000", "none of this project"),
        ("/executions/contender/000000000000/steps/Nothing", "has no step"),
        ("/executions/contender/000000000000/steps/Preprocess/files/a/b", "has no file"),
        ("/pipelines/contender-batch", "is not deployed"),
    ],
)
def test_what_is_not_there_says_what_to_do(world: World, browser: TestClient, address: str, said: str) -> None:
    world.execution(steps=[step("Preprocess")])
    answer = browser.get(address)
    assert answer.status_code == 404
    assert said in html.unescape(answer.text)


def test_pipelines_tell_their_newest_commit_and_what_ran(world: World, browser: TestClient) -> None:
    world.execution("Failed")
    page = browser.get("/pipelines").text
    assert "<code>fedcba9876</code>" in page  # a later commit that compiles to the same
    assert "/executions/contender/000000000000" in page
    assert "Trains." in page
    one = browser.get("/pipelines/contender").text
    assert "<code>0123456789</code>, <code>fedcba9876</code>" in one
    assert "has to be given" in one


def test_without_pipelines_the_page_says_how_to_make_them(world: World, browser: TestClient) -> None:
    world.sagemaker.deployed.clear()
    assert "contender pipeline upsert" in browser.get("/pipelines").text


def test_a_definition_that_cannot_be_drawn_does_not_hide_its_execution(world: World, browser: TestClient) -> None:
    world.sagemaker.definition["Steps"] *= 2
    page = browser.get(world.execution(steps=[step("Preprocess")]))
    assert page.status_code == 200
    assert "row-Preprocess" in page.text
