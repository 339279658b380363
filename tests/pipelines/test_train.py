"""The training pipeline: what is compiled is what SageMaker takes, and always the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from contender.cli.pipeline import placeholder_outputs
from contender.config import Settings, load
from contender.pipeline import Compiled, compile_project

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = {
    "Processing": ("CreateProcessingJob", "ProcessingJobName"),
    "Training": ("CreateTrainingJob", "TrainingJobName"),
    "Tuning": ("CreateHyperParameterTuningJob", "HyperParameterTuningJobName"),
    "RegisterModel": ("CreateModelPackage", None),
}
COMPILE = """
import sys
from pathlib import Path
from contender.cli.pipeline import placeholder_outputs
from contender.config import load
from contender.pipeline import compile_project
settings = load(Path("contender.yaml"), environ={})
sys.stdout.write(compile_project(settings, placeholder_outputs(settings)).definition)
"""


def steps(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = {step["Name"]: step for step in document["Steps"]}
    gate = found["Gate"]["Arguments"]
    return found | {step["Name"]: step for step in [*gate["IfSteps"], *gate["ElseSteps"]]}


def resolved(value: Any) -> Any:
    """Arguments as at run time, every expression a word."""
    if isinstance(value, dict):
        if set(value) == {"Get"}:
            return "s3://bucket/value"
        if set(value) == {"Std:Join"}:
            return value["Std:Join"]["On"].join(resolved(each) for each in value["Std:Join"]["Values"])
        return {key: resolved(each) for key, each in value.items()}
    if isinstance(value, list):
        return [resolved(each) for each in value]
    return value


def gets(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("Get"), str):
            yield value["Get"]
        for each in value.values():
            yield from gets(each)
    elif isinstance(value, list):
        for each in value:
            yield from gets(each)


@pytest.mark.parametrize("which", ["compiled", "tuned"])
def test_every_steps_arguments_are_a_request_that_sagemaker_takes(which: str, request: pytest.FixtureRequest) -> None:
    compiled: Compiled = request.getfixturevalue(which)
    model = botocore.session.get_session().get_service_model("sagemaker")
    checked = set()
    for name, step in steps(compiled.document).items():
        if step["Type"] not in OPERATIONS:
            continue
        operation, job_name = OPERATIONS[step["Type"]]
        arguments = resolved(step["Arguments"])
        if job_name:
            assert job_name not in arguments, "the service names the job"
            arguments[job_name] = f"pipelines-0123456789ab-{name}"[:32]
        report = ParamValidator().validate(arguments, model.operation_model(operation).input_shape)
        assert not report.has_errors(), f"{name}: {report.generate_report()}"
        checked.add(step["Type"])
    assert checked == {"Processing", "RegisterModel", "Tuning" if which == "tuned" else "Training"}


def test_the_steps_come_in_the_order_they_depend_on_each_other(compiled: Compiled, tuned: Compiled) -> None:
    order = ["Preprocess", "Train", "Package", "Champion", "Evaluate", "Gate"]
    assert [step["Name"] for step in compiled.document["Steps"]] == order
    assert [step["Name"] for step in tuned.document["Steps"]] == ["Preprocess", "Tune", *order[2:]]
    gate = compiled.document["Steps"][-1]["Arguments"]
    assert [step["Name"] for step in gate["IfSteps"]] == ["Register", "Deploy"]
    assert [step["Name"] for step in gate["ElseSteps"]] == ["Refuse"]


def test_compiling_in_other_processes_gives_identical_bytes(compiled: Compiled) -> None:
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "TZ": f"UTC+{seed}"}
        command = [sys.executable, "-c", COMPILE]
        result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=120)
        assert result.returncode == 0, result.stderr
        assert result.stdout == compiled.definition
        assert result.stderr == ""


def test_compiling_calls_nobody(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket
    import threading

    def refuse(*arguments: Any, **keywords: Any) -> None:
        raise AssertionError(f"a connection to {arguments}")

    before = set(threading.enumerate())
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    compile_project(settings, placeholder_outputs(settings), ROOT)
    assert set(threading.enumerate()) == before


def test_the_environment_is_left_as_it_was(settings: Settings) -> None:
    before = dict(os.environ)
    compile_project(settings, placeholder_outputs(settings), ROOT)
    assert dict(os.environ) == before


def test_another_row_of_code_is_another_key(compiled: Compiled) -> None:
    keys = [upload.key for upload in compiled.uploads if upload.key.startswith("code/")]
    beside = ["artifact.py", "bias.py", "delong.py", "rules.py"]
    scripts = ["evaluate.py", "inference.py", "package.py", "preprocess.py"]
    assert sorted(Path(key).name for key in keys) == sorted(beside + scripts)
    assert all(re.fullmatch(r"code/[0-9a-f]{20}/\w+\.py", key) for key in keys)
    package, inference = (next(key for key in keys if key.endswith(name)) for name in ("package.py", "inference.py"))
    assert Path(package).parent == Path(inference).parent


def test_a_new_upload_under_the_same_key_changes_what_the_cache_compares(compiled: Compiled) -> None:
    preprocess = steps(compiled.document)["Preprocess"]["Arguments"]
    assert "Parameters.DataVersion" in list(gets(preprocess["AppSpecification"]))
    assert "Parameters.InputDataUri" in list(gets(preprocess["ProcessingInputs"]))


def test_what_the_cache_compares_does_not_hold_the_execution(compiled: Compiled) -> None:
    compared = ("AppSpecification", "Environment", "ProcessingInputs", "HyperParameters", "InputDataConfig")
    for name, step in steps(compiled.document).items():
        if "CacheConfig" in step:
            arguments = {key: value for key, value in step["Arguments"].items() if key in compared}
            assert not [get for get in gets(arguments) if get.startswith("Execution.")], name


def test_who_serves_and_what_is_rolled_out_is_never_taken_from_the_cache(compiled: Compiled) -> None:
    assert not [name for name in ("Champion", "Register", "Deploy") if "CacheConfig" in steps(compiled.document)[name]]


def test_the_best_tuned_model_is_found_although_the_search_was_cached(tuned: Compiled) -> None:
    package = steps(tuned.document)["Package"]["Arguments"]["ProcessingInputs"][0]
    path = list(gets(package["S3Input"]["S3Uri"]))
    assert path == ["Parameters.Dimension", "Steps.Tune.BestTrainingJob.TrainingJobName"]


def test_a_tuned_hyperparameter_is_not_also_a_fixed_one(tuned: Compiled) -> None:
    arguments = steps(tuned.document)["Tune"]["Arguments"]
    fixed = arguments["TrainingJobDefinition"]["StaticHyperParameters"]
    ranges = arguments["HyperParameterTuningJobConfig"]["ParameterRanges"]
    names = {item["Name"] for kind in ranges.values() for item in kind}
    assert names == {"eta", "max_depth", "subsample"}
    assert not names & set(fixed)
    assert [item["Name"] for item in ranges["IntegerParameterRanges"]] == ["max_depth"]


def test_the_gate_compares_numbers_of_the_report_and_the_refusal_says_its_sentence(compiled: Compiled) -> None:
    found = steps(compiled.document)
    conditions = found["Gate"]["Arguments"]["Conditions"]
    paths = [(each["Type"], each["LeftValue"]["Std:JsonGet"]["Path"], each["RightValue"]) for each in conditions]
    assert paths == [
        ("GreaterThanOrEqualTo", "gate.rules.auc.figure", 0.75),
        ("LessThan", "gate.rules.possible_loss.figure", 0.02),
    ]
    message = found["Refuse"]["Arguments"]["ErrorMessage"]["Std:Join"]["Values"]
    assert message[-1]["Std:JsonGet"]["Path"] == "gate.reason"


def test_a_limit_that_is_set_is_measured_and_compared(settings: Settings) -> None:
    limits = {"gates.max_latency_ms": 2.5, "gates.max_size_mb": 50, "gates.bias.limit": 0.1}
    settings = load(ROOT / "contender.yaml", environ={}, overrides=limits)
    found = steps(compile_project(settings, placeholder_outputs(settings), ROOT).document)
    words = found["Evaluate"]["Arguments"]["AppSpecification"]["ContainerArguments"]
    assert {"--max-latency-ms=2.5", "--max-size-mb=50.0", "--bias-metric=DPPL", "--bias-limit=0.1"} <= {
        word for word in words if isinstance(word, str)
    }
    assert {"--facet=Int'l Plan", "--facet-value=yes"} <= {word for word in words if isinstance(word, str)}
    conditions = found["Gate"]["Arguments"]["Conditions"][2:]
    compared = [(each["LeftValue"]["Std:JsonGet"]["Path"], each["RightValue"]) for each in conditions]
    assert compared == [
        ("gate.rules.latency_ms.figure", 2.5),
        ("gate.rules.size_mb.figure", 50.0),
        ("gate.rules.bias.figure", 0.1),
    ]
    assert {each["Type"] for each in conditions} == {"LessThanOrEqualTo"}


def test_a_version_carries_its_origin_its_metrics_and_its_role(compiled: Compiled) -> None:
    arguments = steps(compiled.document)["Register"]["Arguments"]
    assert set(arguments["CustomerMetadataProperties"]) == {"dimension", "dataUri", "dataVersion", "executionArn"}
    assert arguments["ModelLifeCycle"]["Stage"] == "Challenger"
    assert arguments["ModelLifeCycle"]["StageStatus"] == "Pending"
    assert arguments["ModelApprovalStatus"] == "Approved"
    assert resolved(arguments["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]).endswith("/evaluation.json")
    (container,) = arguments["InferenceSpecification"]["Containers"]
    assert container["Environment"] == {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    }


def test_manual_approval_registers_a_version_that_waits() -> None:
    settings = load(ROOT / "contender.yaml", environ={}, overrides={"approval": "manual"})
    document = compile_project(settings, placeholder_outputs(settings), ROOT).document
    assert steps(document)["Register"]["Arguments"]["ModelApprovalStatus"] == "PendingManualApproval"


def test_every_step_says_what_it_does(compiled: Compiled) -> None:
    assert all(step["DisplayName"] and step["Description"] for step in steps(compiled.document).values())
