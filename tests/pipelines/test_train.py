"""The training pipeline: what is compiled is what SageMaker takes, and always the same."""

from __future__ import annotations

import json
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

from contender.baselines import DATA_BIAS, DATA_QUALITY, EXPLAINABILITY, MODEL_BIAS, MODEL_QUALITY
from contender.cli.pipeline import placeholder_outputs
from contender.config import Settings, load
from contender.pipeline.compiling import Compiled, compile_project
from contender.pipeline.targets import targets

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = {
    "Processing": ("CreateProcessingJob", "ProcessingJobName"),
    "Training": ("CreateTrainingJob", "TrainingJobName"),
    "Tuning": ("CreateHyperParameterTuningJob", "HyperParameterTuningJobName"),
    "Transform": ("CreateTransformJob", "TransformJobName"),
    "QualityCheck": ("CreateProcessingJob", "ProcessingJobName"),
    "ClarifyCheck": ("CreateProcessingJob", "ProcessingJobName"),
    "RegisterModel": ("CreateModelPackage", None),
}
CHECK_STEPS = {
    "DataQuality": DATA_QUALITY,
    "DataBias": DATA_BIAS,
    "ModelQuality": MODEL_QUALITY,
    "ModelBias": MODEL_BIAS,
    "Explainability": EXPLAINABILITY,
}
COMPILE = """
import sys
from pathlib import Path
from contender.cli.pipeline import placeholder_outputs
from contender.config import load
from contender.pipeline.compiling import compile_project
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


@pytest.mark.parametrize("which", ["compiled", "tuned", "warm"])
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
    assert checked == set(OPERATIONS) - {"Tuning" if which == "compiled" else "Training"}


def test_the_steps_come_in_the_order_they_depend_on_each_other(compiled: Compiled, tuned: Compiled) -> None:
    order = ["Preprocess", "DataQuality", "DataBias", "Train", "Package", "Champion", "Evaluate", "Gate"]
    assert [step["Name"] for step in compiled.document["Steps"]] == order
    assert [step["Name"] for step in tuned.document["Steps"]] == [*order[:3], "Tune", *order[4:]]
    gate = compiled.document["Steps"][-1]["Arguments"]
    model_checks = ["ModelQuality", "ModelBias", "Explainability"]
    passed = ["CreateModel", "Transform", *model_checks, "Register", "Deploy"]
    assert [step["Name"] for step in gate["IfSteps"]] == passed
    assert [step["Name"] for step in gate["ElseSteps"]] == ["Refuse"]


@pytest.mark.parametrize("which", ["compiled", "tuned", "warm"])
def test_nothing_is_trained_before_the_data_is_checked(which: str, request: pytest.FixtureRequest) -> None:
    found = steps(request.getfixturevalue(which).document)
    assert found["Train" if which == "compiled" else "Tune"]["DependsOn"] == ["DataQuality", "DataBias"]


def test_nothing_is_registered_before_every_check_is_done(compiled: Compiled) -> None:
    checks = {"DataQuality", "DataBias", "ModelQuality", "ModelBias", "Explainability"}
    asked = {get.split(".")[1] for get in gets(steps(compiled.document)["Register"]) if get.startswith("Steps.")}
    assert asked == checks | {"Evaluate", "Package"}


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
    beside = [
        "artifact.py",
        "bias.py",
        "delong.py",
        "facets.py",
        "roc.py",
        "rules.py",
        "facets.py",
        *["last_words.py"] * 3,
    ]
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


def test_a_facet_of_the_gates_own_is_checked_before_anything_is_trained(settings: Settings) -> None:
    limits = {"gates.bias.limit": 0.1, "gates.bias.facet": "Area Code", "gates.bias.facet_values": [415]}
    settings = load(ROOT / "contender.yaml", environ={}, overrides=limits)
    found = steps(compile_project(settings, placeholder_outputs(settings), ROOT).document)
    for step, words in (
        ("Preprocess", ["--gate-facet=Area Code", "--gate-facet-value=415", "--facet=Int'l Plan"]),
        ("Evaluate", ["--facet=Area Code", "--facet-value=415"]),
    ):
        given = found[step]["Arguments"]["AppSpecification"]["ContainerArguments"]
        assert all(word in given for word in words), step


def test_the_two_pipelines_of_a_project_that_tunes_differ_in_where_the_search_begins_only(
    tuned: Compiled, warm: Compiled
) -> None:
    previous = {"Get": "Parameters.PreviousTuningJob"}
    assert warm.uploads == tuned.uploads
    found = {which: {each["Name"]: each for each in which.document["Parameters"]} for which in (tuned, warm)}
    assert found[tuned].pop("PreviousTuningJob") == {
        "Name": "PreviousTuningJob",
        "Type": "String",
        "DefaultValue": "none",
    }
    assert found[warm].pop("PreviousTuningJob") == {"Name": "PreviousTuningJob", "Type": "String"}
    assert found[tuned] == found[warm]
    one, other = (steps(which.document) for which in (tuned, warm))
    assert {name for name in one if one[name] != other[name]} == {"Tune"}
    assert other["Tune"]["Arguments"].pop("WarmStartConfig") == {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": previous}],
        "WarmStartType": "TransferLearning",
    }
    assert other["Tune"] == one["Tune"]
    assert one["Register"]["Arguments"]["CustomerMetadataProperties"]["previousTuningJob"] == previous


def test_a_search_that_shall_not_be_continued_does_not_say_it_can_be() -> None:
    overrides = {"training.tuning_trials": 10, "training.warm_start": False}
    settings = load(ROOT / "contender.yaml", environ={}, overrides=overrides)
    document = compile_project(settings, placeholder_outputs(settings), ROOT).document
    assert "PreviousTuningJob" not in {each["Name"] for each in document["Parameters"]}
    assert [target.name for target in targets(settings)] == ["contender", "contender-batch"]


def test_a_version_carries_its_origin_and_its_role(compiled: Compiled, tuned: Compiled) -> None:
    arguments = steps(compiled.document)["Register"]["Arguments"]
    origin = {"dimension", "dataUri", "dataVersion", "codeVersion", "executionArn", "modelQualityStatistics"}
    assert set(arguments["CustomerMetadataProperties"]) == origin
    assert set(steps(tuned.document)["Register"]["Arguments"]["CustomerMetadataProperties"]) == origin | {
        "tuningJob",
        "previousTuningJob",
    }
    assert arguments["ModelLifeCycle"]["Stage"] == "Challenger"
    assert arguments["ModelLifeCycle"]["StageStatus"] == "Pending"
    assert arguments["ModelApprovalStatus"] == "Approved"
    (container,) = arguments["InferenceSpecification"]["Containers"]
    assert container["Environment"] == {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    }


def addresses(value: dict[str, Any], above: str = "") -> dict[str, str]:
    """Where each part of ModelMetrics or DriftCheckBaselines comes from."""
    if "S3Uri" in value:
        uri = value["S3Uri"]
        return {above: next(iter(gets(uri)), str(uri)).removeprefix("Steps.")}
    found = {}
    for name, part in value.items():
        found |= addresses(part, f"{above}.{name}".lstrip("."))
    return found


def test_a_version_carries_what_was_found_out_about_it_and_what_its_successors_are_compared_with(
    compiled: Compiled,
) -> None:
    arguments = steps(compiled.document)["Register"]["Arguments"]
    metrics = addresses(arguments["ModelMetrics"])
    assert metrics.pop("ModelQuality.Statistics").startswith("Evaluate.")
    assert metrics == {
        "ModelQuality.Constraints": "ModelQuality.CalculatedBaselineConstraints",
        "ModelDataQuality.Statistics": "DataQuality.CalculatedBaselineStatistics",
        "ModelDataQuality.Constraints": "DataQuality.CalculatedBaselineConstraints",
        "Bias.PreTrainingReport": "DataBias.CalculatedBaselineConstraints",
        "Bias.PostTrainingReport": "ModelBias.CalculatedBaselineConstraints",
        "Explainability.Report": "Explainability.CalculatedBaselineConstraints",
    }
    baselines = addresses(arguments["DriftCheckBaselines"])
    documents = {upload.uri for upload in compiled.uploads if upload.key.endswith("analysis_config.json")}
    assert {baselines.pop("Bias.ConfigFile"), baselines.pop("Explainability.ConfigFile")} < documents
    assert baselines == {
        path: f"{name}.BaselineUsedForDriftCheck{'Statistics' if 'Statistics' in path else 'Constraints'}"
        for name, check in CHECK_STEPS.items()
        for path in check.paths
    }, "where a first run looks for baselines is where they are kept"


def test_every_check_is_steered_by_parameters_of_the_names_in_awss_samples(compiled: Compiled) -> None:
    defaults = {each["Name"]: each.get("DefaultValue") for each in compiled.document["Parameters"]}
    assert list(defaults)[:3] == ["Dimension", "InputDataUri", "DataVersion"]
    assert {name: value for name, value in defaults.items() if "DataQuality" in name} == {
        "SkipDataQualityCheck": False,
        "RegisterNewDataQualityBaseline": False,
        "FailOnDataQualityViolation": True,
        "DataQualitySuppliedStatistics": "",
        "DataQualitySuppliedConstraints": "",
    }
    assert {name: value for name, value in defaults.items() if "ModelExplainability" in name} == {
        "SkipModelExplainabilityCheck": False,
        "RegisterNewModelExplainabilityBaseline": False,
        "FailOnModelExplainabilityViolation": False,
        "ModelExplainabilitySuppliedBaselineConstraints": "",
    }
    for name, check in CHECK_STEPS.items():
        step = steps(compiled.document)[name]
        assert step["SkipCheck"] == {"Get": f"Parameters.{check.skip}"}
        assert step["RegisterNewBaseline"] == {"Get": f"Parameters.{check.register}"}
        assert step["FailOnViolation"] == {"Get": f"Parameters.{check.fail}"}
        assert step["SuppliedBaselineConstraints"] == {"Get": f"Parameters.{check.supplied_constraints}"}
        assert resolved(step["ModelPackageGroupName"]).startswith("contender-")


def test_the_models_checks_ask_the_candidate(compiled: Compiled) -> None:
    found = steps(compiled.document)
    candidate = {"Get": "Steps.CreateModel.OutputParameters['ModelName']"}
    assert found["Transform"]["Arguments"]["ModelName"] == candidate
    assert found["ModelBias"]["ModelName"] == found["Explainability"]["ModelName"] == candidate
    assert "CacheConfig" not in found["CreateModel"], "it may have been deleted since"


def test_clarify_is_asked_in_its_own_words(compiled: Compiled) -> None:
    from sagemaker.core.clarify import ANALYSIS_CONFIG_SCHEMA_V1_0

    documents = [json.loads(upload.body) for upload in compiled.uploads if upload.key.startswith("config/")]
    for document in documents:
        ANALYSIS_CONFIG_SCHEMA_V1_0.validate(document)
    methods = [set(document["methods"]) - {"report"} for document in documents]
    assert methods == [{"pre_training_bias"}, {"post_training_bias"}, {"shap"}]
    for document in documents[:2]:
        assert document["facet"] == [{"name_or_index": "Int'l Plan", "value_or_threshold": ["yes"]}]
        assert (document["label"], document["label_values_or_threshold"]) == ("Churn?", [1])


def test_a_facet_that_is_no_feature_is_compared_by_and_never_sent_to_the_model() -> None:
    bias = {"checks.bias.facet": "Phone", "checks.bias.facet_values": [], "checks.bias.group": "State"}
    compiled = recompiled(**bias)
    before, after, _ = [json.loads(upload.body) for upload in compiled.uploads if upload.key.startswith("config/")]
    assert "excluded_columns" not in before
    assert after["excluded_columns"] == ["Phone"]
    assert after["facet"] == [{"name_or_index": "Phone"}]
    assert before["group_variable"] == after["group_variable"] == "State"


def test_without_a_facet_there_are_no_bias_steps_and_no_parameters_for_them() -> None:
    document = recompiled(**{"checks.bias": {}}).document
    found = steps(document)
    assert not {"DataBias", "ModelBias"} & set(found)
    assert not [each["Name"] for each in document["Parameters"] if "Bias" in each["Name"]]
    assert found["Train"]["DependsOn"] == ["DataQuality"]
    assert found["Register"]["Arguments"]["ModelMetrics"]["Bias"] == {}
    assert "Bias" not in found["Register"]["Arguments"]["DriftCheckBaselines"]
    outputs = found["Preprocess"]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    assert not {"labelled", "judged"} & {output["OutputName"] for output in outputs}


@pytest.mark.parametrize("which", ["compiled", "tuned", "warm"])
def test_every_job_is_tagged_with_project_and_dimension(which: str, request: pytest.FixtureRequest) -> None:
    tagged = {
        name: {tag["Key"]: tag["Value"] for tag in step["Arguments"]["Tags"]}
        for name, step in steps(request.getfixturevalue(which).document).items()
        if step["Type"] in OPERATIONS and step["Type"] != "RegisterModel"
    }
    expected = {"project": "contender", "dimension": {"Get": "Parameters.Dimension"}}
    assert len(tagged) == 10
    assert all(tags == expected for tags in tagged.values()), tagged
    own = recompiled(tags={"team": "churn"}).document
    assert {"Key": "team", "Value": "churn"} in steps(own)["DataQuality"]["Arguments"]["Tags"]


def recompiled(**overrides: Any) -> Compiled:
    settings = load(ROOT / "contender.yaml", environ={}, overrides=overrides)
    return compile_project(settings, placeholder_outputs(settings), ROOT)


def test_manual_approval_registers_a_version_that_waits() -> None:
    assert (
        steps(recompiled(approval="manual").document)["Register"]["Arguments"]["ModelApprovalStatus"]
        == "PendingManualApproval"
    )


def test_every_step_says_what_it_does(compiled: Compiled) -> None:
    assert all(step["DisplayName"] and step["Description"] for step in steps(compiled.document).values())
