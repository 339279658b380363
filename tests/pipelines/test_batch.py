"""The batch pipeline: what is compiled is what SageMaker takes, and always the same."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from contender.cli.pipeline import placeholder_outputs
from contender.config import Settings
from contender.pipeline import targets
from contender.pipeline.compiling import Compiled, compile_project
from tests.pipelines.conftest import ROOT
from tests.pipelines.test_train import OPERATIONS, gets, resolved


@pytest.fixture(scope="module")
def scoring(settings: Settings) -> Compiled:
    return compile_project(settings, placeholder_outputs(settings), ROOT, targets.batch(settings))


def steps(compiled: Compiled) -> dict[str, dict[str, Any]]:
    found = {step["Name"]: step for step in compiled.document["Steps"]}
    branches = found["Alone"]["Arguments"]
    return found | {step["Name"]: step for step in [*branches["IfSteps"], *branches["ElseSteps"]]}


def test_every_steps_arguments_are_a_request_that_sagemaker_takes(scoring: Compiled) -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    checked = []
    for name, step in steps(scoring).items():
        if step["Type"] in OPERATIONS:
            operation, job_name = OPERATIONS[step["Type"]]
            arguments = {**resolved(step["Arguments"]), job_name: name}
            report = ParamValidator().validate(arguments, model.operation_model(operation).input_shape)
            assert not report.has_errors(), f"{name}: {report.generate_report()}"
            checked.append(name)
    assert checked == ["Prepare", "ScoreChampion", "Collect", "ScoreChallenger", "Compare"]


def test_the_order_and_the_two_branches(scoring: Compiled) -> None:
    assert [step["Name"] for step in scoring.document["Steps"]] == ["Lookup", "Prepare", "ScoreChampion", "Alone"]
    branches = steps(scoring)["Alone"]["Arguments"]
    assert [step["Name"] for step in branches["IfSteps"]] == ["Collect"]
    assert [step["Name"] for step in branches["ElseSteps"]] == ["ScoreChallenger", "Compare"]
    parameters = {each["Name"]: each.get("DefaultValue") for each in scoring.document["Parameters"]}
    assert parameters == {"Dimension": None, "InputDataUri": None, "DataVersion": "none", "SideBySide": False}


def test_compiling_again_gives_identical_bytes(scoring: Compiled, settings: Settings) -> None:
    again = compile_project(settings, placeholder_outputs(settings), ROOT, targets.batch(settings))
    assert again == scoring


def test_scores_are_reused_for_the_same_file_and_model_but_every_result_is_its_own(scoring: Compiled) -> None:
    cached = {name for name, step in steps(scoring).items() if step.get("CacheConfig", {}).get("Enabled")}
    assert cached == {"Prepare", "ScoreChampion", "ScoreChallenger"}
    assert "Parameters.DataVersion" in set(gets(steps(scoring)["Prepare"]["Arguments"]))
    for name, step in steps(scoring).items():
        if step["Type"] in OPERATIONS:
            assert {each["Key"] for each in step["Arguments"]["Tags"]} == {"project", "dimension"}, name
            assert step["RetryPolicies"], name


def test_everything_is_written_below_batch(scoring: Compiled, settings: Settings) -> None:
    bucket = placeholder_outputs(settings)["ArtifactBucket"]
    found = steps(scoring)
    outputs = [
        each["S3Output"]["S3Uri"]
        for name in ("Prepare", "Collect", "Compare")
        for each in found[name]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    ]
    outputs += [
        found[name]["Arguments"]["TransformOutput"]["S3OutputPath"] for name in ("ScoreChampion", "ScoreChallenger")
    ]
    assert len(outputs) == 7
    for uri in outputs:
        assert uri["Std:Join"]["Values"][:3] == ["s3:/", bucket, "batch"]
