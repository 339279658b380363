"""QualityCheck and ClarifyCheck steps: which baseline they compare with, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contender.local.api.errors import InternalFailure
from tests.local.check_steps import BIAS, DRIFT, GROUP, baselines, clarify_check, leave, quality_check, register
from tests.local.small_sagemaker import Sagemaker, get, lambda_step, parameter, refused

QUALITY_FILES = {"Statistics": "statistics.json", "Constraints": "constraints.json"}
SKIP_AND_REGISTER = {"SkipCheck": True, "RegisterNewBaseline": True}
SUPPLIED = {
    "SuppliedBaselineStatistics": "s3://mine/stats-of-may.json",
    "SuppliedBaselineConstraints": "s3://mine/edited.json",
}
REPORT = "s3://out/quality/constraint_violations.json"


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Sagemaker]:
    sagemaker = Sagemaker(tmp_path)
    leave(sagemaker, "DataQuality")
    leave(sagemaker, "DataBias")
    yield sagemaker
    sagemaker.close()


def run(sagemaker: Sagemaker, step: dict[str, Any], *others: Any, parameters: Any = (), **values: str) -> Any:
    """Run a pipeline of the check; the answer is the check's row of ListPipelineExecutionSteps."""
    return sagemaker.steps(sagemaker.run(step, *others, parameters=parameters, **values))[step["Name"]]


def test_compares_with_the_baseline_of_the_latest_approved_version(sagemaker: Sagemaker) -> None:
    register(sagemaker, folder="s3://base/1")
    register(sagemaker, folder="s3://base/2")
    register(sagemaker, "PendingManualApproval", folder="s3://base/3")
    step = run(sagemaker, quality_check())
    assert step["StepStatus"] == "Succeeded"
    (request,) = sagemaker.jobs.requests("DataQuality")
    inputs = {each["InputName"]: each["S3Input"] for each in request["ProcessingInputs"]}
    assert set(inputs) == {"dataset", "baseline_statistics", "baseline_constraints"}
    assert inputs["baseline_statistics"]["S3Uri"] == "s3://base/2/statistics.json"
    assert inputs["baseline_statistics"]["LocalPath"] == "/opt/ml/processing/baseline/stats"
    assert inputs["baseline_constraints"]["LocalPath"] == "/opt/ml/processing/baseline/constraints"
    environment = request["Environment"]
    assert environment["baseline_statistics"] == "/opt/ml/processing/baseline/stats/statistics.json"
    assert environment["baseline_constraints"] == "/opt/ml/processing/baseline/constraints/constraints.json"
    assert environment["dataset_format"] == '{"csv": {"header": true}}'
    (job,) = sagemaker.jobs.names("DataQuality")
    assert step["Metadata"]["QualityCheck"] == {
        "CheckType": "DATA_QUALITY",
        "ModelPackageGroupName": GROUP,
        "SkipCheck": False,
        "RegisterNewBaseline": False,
        "BaselineUsedForDriftCheckStatistics": "s3://base/2/statistics.json",
        "BaselineUsedForDriftCheckConstraints": "s3://base/2/constraints.json",
        "CalculatedBaselineStatistics": "s3://out/quality/statistics.json",
        "CalculatedBaselineConstraints": "s3://out/quality/constraints.json",
        "CheckJobArn": sagemaker.context.arn(f"processing-job/{job}"),
    }


def test_a_later_approval_makes_a_version_the_one_to_compare_with(sagemaker: Sagemaker) -> None:
    register(sagemaker, folder="s3://base/1")
    second = register(sagemaker, "PendingManualApproval", folder="s3://base/2")
    check = quality_check()
    assert used(run(sagemaker, check)) == {"s3://base/1/statistics.json", "s3://base/1/constraints.json"}
    sagemaker("UpdateModelPackage", ModelPackageArn=second, ModelApprovalStatus="Approved")
    again = sagemaker.finish(sagemaker.begin())
    assert used(sagemaker.steps(again)["DataQuality"]) == {
        "s3://base/2/statistics.json",
        "s3://base/2/constraints.json",
    }


@pytest.mark.parametrize(
    ("skip", "register_new", "compared", "from_job"),
    [(False, False, True, False), (False, True, True, True), (True, False, False, False), (True, True, False, True)],
)
def test_skipping_and_registering_are_two_questions(
    sagemaker: Sagemaker, skip: bool, register_new: bool, compared: bool, from_job: bool
) -> None:
    register(sagemaker)
    leave(sagemaker, "DataQuality", DRIFT)
    leave(sagemaker, "DataBias", BIAS)
    flags = {"SkipCheck": skip, "RegisterNewBaseline": register_new, "FailOnViolation": False}
    show = {
        "Quality": get("Steps.DataQuality.BaselineUsedForDriftCheckStatistics"),
        "Bias": get("Steps.DataBias.BaselineUsedForDriftCheckConstraints"),
        "Calculated": get("Steps.DataBias.CalculatedBaselineConstraints"),
    }
    execution = sagemaker.run(quality_check(**flags), clarify_check(**flags), lambda_step("Show", show))
    assert sagemaker.aws.function.payloads == [
        {
            "Quality": "s3://out/quality/statistics.json" if from_job else "s3://base/1/statistics.json",
            "Bias": "s3://out/bias/analysis.json" if from_job else "s3://base/1/analysis.json",
            "Calculated": "s3://out/bias/analysis.json",
        }
    ]
    for name, kind in (("DataQuality", "QualityCheck"), ("DataBias", "ClarifyCheck")):
        (request,) = sagemaker.jobs.requests(name)
        assert ("baseline_constraints" in request["Environment"]) is compared
        assert ("ViolationReport" in sagemaker.steps(execution)[name]["Metadata"][kind]) is compared


def test_what_is_supplied_goes_before_the_model_package_group(sagemaker: Sagemaker) -> None:
    register(sagemaker)
    for uri in SUPPLIED.values():
        sagemaker.aws.s3.put(uri, {})
    assert used(run(sagemaker, quality_check(**SUPPLIED))) == set(SUPPLIED.values())
    (request,) = sagemaker.jobs.requests("DataQuality")
    assert request["Environment"]["baseline_constraints"] == "/opt/ml/processing/baseline/constraints/edited.json"


def test_an_empty_parameter_supplies_nothing(sagemaker: Sagemaker) -> None:
    register(sagemaker)
    supplied = {name: get(f"Parameters.{name}") for name in SUPPLIED}
    parameters = [parameter(name, DefaultValue="") for name in SUPPLIED]
    step = run(sagemaker, quality_check(**supplied), parameters=parameters)
    assert used(step) == {"s3://base/1/statistics.json", "s3://base/1/constraints.json"}


def test_a_clarify_job_is_told_its_check_its_model_and_its_baseline(sagemaker: Sagemaker) -> None:
    register(sagemaker)
    leave(sagemaker, "ModelBias")
    step = clarify_check("ModelBias", CheckType="MODEL_BIAS", ModelName=get("Parameters.Model"))
    run(sagemaker, step, parameters=[parameter("Model")], Model="churn-west-c1")
    (request,) = sagemaker.jobs.requests("ModelBias")
    assert request["Environment"] == {
        "check_type": "MODEL_BIAS",
        "model_name": "churn-west-c1",
        "baseline_constraints": "/opt/ml/processing/input/baseline/analysis.json",
    }
    baseline = request["ProcessingInputs"][1]["S3Input"]
    assert (baseline["S3Uri"], baseline["LocalPath"]) == (
        "s3://base/1/analysis.json",
        "/opt/ml/processing/input/baseline",
    )


def test_without_a_baseline_the_step_fails_before_its_job_and_says_what_to_set(sagemaker: Sagemaker) -> None:
    flags = {"SkipCheck": get("Parameters.SkipIt"), "RegisterNewBaseline": get("Parameters.RegisterIt")}
    parameters = [parameter(name, "Boolean", DefaultValue=False) for name in ("SkipIt", "RegisterIt")]
    step = run(sagemaker, quality_check(**flags), parameters=parameters)
    assert step["FailureReason"] == (
        f"ClientError: no DATA_QUALITY baseline: model package group '{GROUP}' has no approved version; set SkipIt and "
        "RegisterIt to true to register a first one, or give SuppliedBaselineStatistics and SuppliedBaselineConstraints"
    )
    assert step["Metadata"]["QualityCheck"]["SkipCheck"] is False
    register(sagemaker, "PendingManualApproval")
    again = sagemaker.steps(sagemaker.finish(sagemaker.begin()))["DataQuality"]
    assert again["FailureReason"] == step["FailureReason"]
    assert sagemaker.jobs.created == []
    first = sagemaker.finish(sagemaker.begin("p", SkipIt="true", RegisterIt="true"))
    assert first["PipelineExecutionStatus"] == "Succeeded"


def test_carrying_over_needs_a_baseline_too(sagemaker: Sagemaker) -> None:
    assert "has no approved version" in run(sagemaker, clarify_check(SkipCheck=True))["FailureReason"]
    assert sagemaker.jobs.created == []


def test_the_latest_approved_version_decides_even_if_it_has_no_baseline(sagemaker: Sagemaker) -> None:
    register(sagemaker)
    bias = {"PostTrainingConstraints": baselines("s3://base/1")["Bias"]["PostTrainingConstraints"]}
    register(sagemaker, Bias=bias)
    assert run(sagemaker, clarify_check())["FailureReason"].startswith(
        f"ClientError: no DATA_BIAS baseline: version 2 of model package group '{GROUP}', the latest approved one, has "
        "no DriftCheckBaselines.Bias.PreTrainingConstraints; set SkipCheck and RegisterNewBaseline to true"
    )


def test_a_baseline_that_does_not_exist_fails_the_step_before_its_job(sagemaker: Sagemaker) -> None:
    sagemaker.aws.s3.put(SUPPLIED["SuppliedBaselineStatistics"], {})
    step = run(sagemaker, quality_check(**SUPPLIED))
    assert step["Metadata"]["QualityCheck"]["CheckType"] == "DATA_QUALITY"
    assert step["FailureReason"] == (
        "ClientError: SuppliedBaselineConstraints does not exist: there is no object s3://mine/edited.json"
    )
    register(sagemaker)
    del sagemaker.aws.s3.objects["s3://base/1/analysis.json"]
    sagemaker.create(clarify_check(), name="q")
    step = sagemaker.steps(sagemaker.finish(sagemaker.begin("q")))["DataBias"]
    assert step["FailureReason"] == (
        f"ClientError: the baseline of version 1 of model package group '{GROUP}' does not exist: there is no object "
        "s3://base/1/analysis.json"
    )
    assert sagemaker.jobs.created == []


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"S": "s3://mine/s.json"}, "SuppliedBaselineStatistics is given without SuppliedBaselineConstraints"),
        ({"S": "mine/s.json", "C": "s3://m/c"}, "'mine/s.json' is not an S3 address such as s3://bucket/key"),
        ({"Flag": "perhaps"}, "SkipCheck: 'perhaps' is neither true nor false"),
    ],
)
def test_refuses_parameters_that_make_no_sense(sagemaker: Sagemaker, values: dict[str, str], complaint: str) -> None:
    fields = {"SuppliedBaselineStatistics": "S", "SuppliedBaselineConstraints": "C", "SkipCheck": "Flag"}
    step = quality_check(**{field: get(f"Parameters.{name}") for field, name in fields.items()})
    parameters = [
        parameter("S", DefaultValue=""),
        parameter("C", DefaultValue=""),
        parameter("Flag", DefaultValue="no"),
    ]
    assert complaint in run(sagemaker, step, parameters=parameters, **{"Flag": "false", **values})["FailureReason"]
    assert sagemaker.jobs.created == []


@pytest.mark.parametrize("true", [True, "True", "true"])
def test_flags_are_booleans_or_words(sagemaker: Sagemaker, true: Any) -> None:
    step = run(sagemaker, quality_check(SkipCheck=true, RegisterNewBaseline=true))
    assert step["StepStatus"] == "Succeeded"
    assert step["Metadata"]["QualityCheck"]["SkipCheck"] is True


def test_a_violation_fails_the_step_in_words(sagemaker: Sagemaker) -> None:
    register(sagemaker)
    leave(sagemaker, "DataQuality", DRIFT, {**DRIFT, "feature_name": "State", "description": "'State' has new values"})
    leave(sagemaker, "DataBias", BIAS)
    execution = sagemaker.run(quality_check(), clarify_check())
    steps = sagemaker.steps(execution)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert steps["DataQuality"]["FailureReason"] == (
        f"ClientError: Quality check failed. See violation report {REPORT}. 2 violations: "
        "Day Mins: Baseline drift distance: 0.42 exceeds threshold: 0.1; 'State' has new values"
    )
    assert steps["DataBias"]["FailureReason"] == (
        "ClientError: Clarify check failed. See violation report s3://out/bias/constraint_violations.json. "
        "1 violation: DPL of Int'l Plan = yes: Metric value 0.3 doesn't meet the baseline constraint requirement 0.1"
    )
    assert steps["DataQuality"]["Metadata"]["QualityCheck"]["ViolationReport"] == REPORT


def test_a_feature_is_named_once_even_if_its_name_is_part_of_a_word(sagemaker: Sagemaker) -> None:
    register(sagemaker)
    metric = {"metric_name": "auc", "description": "auc fell from 0.9 to 0.8"}
    leave(sagemaker, "DataQuality", {**DRIFT, "feature_name": "x", "description": "it exceeds 0.1"}, metric)
    reason = run(sagemaker, quality_check())["FailureReason"]
    assert reason.endswith("2 violations: x: it exceeds 0.1; auc fell from 0.9 to 0.8")


def test_an_attribution_that_moved_is_named_by_its_label(sagemaker: Sagemaker) -> None:
    register(sagemaker)
    violation = {"label": "label0", "metric_name": "shap", "description": "Feature attribution drift 0.7"}
    leave(sagemaker, "Bias", violation)
    step = run(sagemaker, clarify_check("Bias", CheckType="MODEL_EXPLAINABILITY", ModelName="m"))
    assert step["FailureReason"].endswith("1 violation: shap of label0: Feature attribution drift 0.7")


@pytest.mark.parametrize("description", ["short", "long " * 300])
def test_many_violations_are_counted_when_they_do_not_fit(sagemaker: Sagemaker, description: str) -> None:
    register(sagemaker)
    leave(sagemaker, "DataQuality", *[{**DRIFT, "description": description} for _ in range(200)])
    reason = run(sagemaker, quality_check())["FailureReason"]
    assert len(reason) <= 1024
    assert "200 violations: Day Mins: " in reason
    assert reason.endswith(" more" if description == "short" else "…")


def test_a_violation_that_is_tolerated_is_still_shown(sagemaker: Sagemaker) -> None:
    register(sagemaker)
    leave(sagemaker, "DataQuality", DRIFT)
    step = run(sagemaker, quality_check(FailOnViolation=False))
    assert step["StepStatus"] == "Succeeded"
    assert step["Metadata"]["QualityCheck"]["ViolationReport"] == REPORT


def test_a_job_that_fails_fails_the_step_with_its_reason(sagemaker: Sagemaker) -> None:
    register(sagemaker)
    sagemaker.jobs.outcomes["DataQuality"] = ["AlgorithmError: no column 'Day Mins', exit code: 255"]
    step = run(sagemaker, quality_check())
    assert step["FailureReason"] == "AlgorithmError: no column 'Day Mins', exit code: 255"
    assert "CheckJobArn" in step["Metadata"]["QualityCheck"]


@pytest.mark.parametrize("missing", ["statistics.json", "constraints.json"])
def test_a_job_that_leaves_no_baseline_fails_the_step(sagemaker: Sagemaker, missing: str) -> None:
    del sagemaker.jobs.files["DataQuality"][missing]
    assert run(sagemaker, quality_check(**SKIP_AND_REGISTER))["FailureReason"] == (
        f"AlgorithmError: the job of the check completed without writing s3://out/quality/{missing}"
    )


@pytest.mark.parametrize("report", [{"violations": 3}, [], b"{"])
def test_a_report_that_cannot_be_read_fails_the_step(sagemaker: Sagemaker, report: Any) -> None:
    register(sagemaker)
    sagemaker.jobs.files["DataQuality"]["constraint_violations.json"] = report
    assert REPORT in run(sagemaker, quality_check())["FailureReason"]


def test_no_report_is_no_violation(sagemaker: Sagemaker) -> None:
    register(sagemaker)
    del sagemaker.jobs.files["DataBias"]["constraint_violations.json"]
    assert run(sagemaker, clarify_check())["StepStatus"] == "Succeeded"


def test_a_fault_of_the_service_is_tried_again(sagemaker: Sagemaker) -> None:
    register(sagemaker)
    sagemaker.jobs.refusals["DataQuality"] = [InternalFailure("try again")]
    step = run(sagemaker, quality_check())
    assert (step["StepStatus"], step["AttemptCount"]) == ("Succeeded", 2)


def test_a_stop_stops_the_job(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes["DataQuality"] = ["Hold"]
    sagemaker.create(quality_check(**SKIP_AND_REGISTER))
    arn = sagemaker.begin()
    sagemaker.jobs.until_created("DataQuality")
    sagemaker("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken=sagemaker.token())
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Stopped"
    assert "CheckJobArn" in sagemaker.steps(arn)["DataQuality"]["Metadata"]["QualityCheck"]


def used(step: dict[str, Any]) -> set[str]:
    shown = step["Metadata"]["QualityCheck"]
    return {value for name, value in shown.items() if name.startswith("BaselineUsedForDriftCheck")}


@pytest.fixture
def cached(sagemaker: Sagemaker) -> Sagemaker:
    """A pipeline of one cached check that has run once, with a tolerated violation."""
    register(sagemaker)
    leave(sagemaker, "DataQuality", DRIFT)
    cache = {"Enabled": True, "ExpireAfter": "P30D"}
    tolerate = [parameter("Fail", "Boolean", DefaultValue=False)]
    step = quality_check(CacheConfig=cache, FailOnViolation=get("Parameters.Fail"), output=get("Parameters.Out"))
    sagemaker.run(step, parameters=[*tolerate, parameter("Out", DefaultValue="s3://out/quality")])
    return sagemaker


def again(sagemaker: Sagemaker, **parameters: str) -> dict[str, Any]:
    return sagemaker.steps(sagemaker.finish(sagemaker.begin("p", **parameters)))["DataQuality"]


def test_an_unchanged_check_is_not_run_again(cached: Sagemaker) -> None:
    step = again(cached, Out="s3://out/elsewhere")
    assert "CacheHitResult" in step
    assert step["Metadata"]["QualityCheck"]["ViolationReport"] == REPORT
    assert len(cached.jobs.created) == 1


def test_a_new_approved_baseline_runs_the_check_again(cached: Sagemaker) -> None:
    register(cached, folder="s3://base/1")
    assert "CacheHitResult" in again(cached), "the same baseline, carried over to version 2"
    register(cached, folder="s3://base/3")
    assert used(again(cached)) == {"s3://base/3/statistics.json", "s3://base/3/constraints.json"}
    assert len(cached.jobs.created) == 2


def test_a_baseline_that_was_overwritten_runs_the_check_again(cached: Sagemaker) -> None:
    cached.aws.s3.put("s3://base/1/constraints.json", {"edited": True})
    assert "CacheHitResult" not in again(cached)


@pytest.mark.parametrize("file", ["statistics.json", "constraints.json", "constraint_violations.json"])
@pytest.mark.parametrize("gone", [True, False])
def test_results_that_are_no_longer_there_are_not_reused(cached: Sagemaker, file: str, gone: bool) -> None:
    uri = f"s3://out/quality/{file}"
    if gone:
        del cached.aws.s3.objects[uri]
    else:
        cached.aws.s3.put(uri, {"of": "another run"})
    assert "CacheHitResult" not in again(cached)


def test_a_violation_that_was_tolerated_is_not_reused_where_it_fails_the_step(cached: Sagemaker) -> None:
    step = again(cached, Fail="true")
    assert step["StepStatus"] == "Failed"
    assert len(cached.jobs.created) == 2
    assert "CacheHitResult" in again(cached)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"CheckType": "DATA_QUALTY"}, "CheckType: 'DATA_QUALTY' is not one of DATA_QUALITY, MODEL_QUALITY"),
        ({"CheckType": None}, "CheckType: None is not one of DATA_QUALITY, MODEL_QUALITY"),
        ({"CheckType": "DATA_BIAS"}, "CheckType: 'DATA_BIAS' is not one of"),
        ({"SkipCheck": "maybe"}, "SkipCheck: 'maybe' is neither true nor false"),
        ({"SkipCheck": 1}, "SkipCheck: 1 is neither true nor false"),
        ({"FailOnViolation": get("Parameters.N")}, "FailOnViolation: the expression is of type Integer"),
        ({"SuppliedBaselineStatistics": get("Parameters.N")}, "the expression is of type Integer, the field takes Str"),
        ({"ModelPackageGroupName": 3}, "ModelPackageGroupName: a text is needed, not 3"),
        ({"ModelPackageGroupName": None}, "there is no earlier baseline: give ModelPackageGroupName or Supplied"),
        ({"SuppliedBaselineConstraints": "s3://m/c"}, "SuppliedBaselineConstraints is given without SuppliedBaseline"),
        ({**SUPPLIED, "SuppliedBaselineConstraints": "c.json"}, "'c.json' is not an S3 address such as"),
        ({"ModelName": "m"}, "ModelName: there is no such field"),
        ({"RetryPolicies": []}, "RetryPolicies: there is no such field"),
        ({"PropertyFiles": []}, "PropertyFiles: there is no such field"),
    ],
)
def test_refuses_a_quality_check_that_cannot_run(sagemaker: Sagemaker, changes: dict[str, Any], complaint: str) -> None:
    step = quality_check(**changes)
    numbers = [parameter("N", "Integer", DefaultValue=1)]
    assert complaint in refused(lambda: sagemaker.create(step, parameters=numbers))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"ModelName": "m"}, "ModelName: a DATA_BIAS check looks at data only"),
        ({"CheckType": "MODEL_BIAS"}, "ModelName: a MODEL_BIAS check needs the name of a model"),
        ({"SuppliedBaselineStatistics": "s3://m/s"}, "SuppliedBaselineStatistics: there is no such field"),
    ],
)
def test_refuses_a_clarify_check_that_cannot_run(sagemaker: Sagemaker, changes: dict[str, Any], complaint: str) -> None:
    assert complaint in refused(lambda: sagemaker.create(clarify_check(**changes)))


def test_refuses_arguments_the_job_would_not_take_and_fields_nobody_has(sagemaker: Sagemaker) -> None:
    step = quality_check()
    step["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = "one"
    assert "InstanceCount" in refused(lambda: sagemaker.create(step))
    step = quality_check()
    step["Arguments"]["ProcessingOutputConfig"]["Outputs"] *= 2
    assert "ProcessingOutputConfig: a check has exactly one output" in refused(lambda: sagemaker.create(step))
    reader = lambda_step("Show", {"S": get("Steps.DataBias.CalculatedBaselineStatistics")})
    assert "a ClarifyCheck step has no such field" in refused(lambda: sagemaker.create(clarify_check(), reader))


def test_a_field_that_is_null_is_not_given(sagemaker: Sagemaker) -> None:
    step = quality_check(FailOnViolation=None, SuppliedBaselineStatistics=None, SuppliedBaselineConstraints=None)
    register(sagemaker)
    leave(sagemaker, "DataQuality", DRIFT)
    assert run(sagemaker, step)["StepStatus"] == "Failed"
