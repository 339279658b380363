"""The engine runs the graph: order, branches, triggers, outputs, failures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.small_sagemaker import (
    FUNCTION,
    Sagemaker,
    compare,
    condition,
    fail,
    get,
    join,
    json_get,
    lambda_step,
    parameter,
    processing,
    training,
    tuning,
)

REPORT = [{"PropertyFileName": "R", "OutputName": "result", "FilePath": "report.json"}]
OUTPUT = "ProcessingOutputConfig.Outputs['result'].S3Output.S3Uri"


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Sagemaker]:
    sagemaker = Sagemaker(tmp_path)
    yield sagemaker
    sagemaker.close()


def test_passes_what_a_step_put_out_to_the_steps_that_read_it(sagemaker: Sagemaker) -> None:
    execution = sagemaker.run(
        processing(
            "Prepare", output=join("s3://out", get("Parameters.D"), get("Execution.PipelineExecutionId"), on="/")
        ),
        training("Train", data=get(f"Steps.Prepare.{OUTPUT}")),
        lambda_step("Show", {"Model": get("Steps.Train.ModelArtifacts.S3ModelArtifacts"), "N": get("Parameters.N")}),
        parameters=[parameter("D"), parameter("N", "Integer", DefaultValue=3)],
        D="west",
    )
    execution_id = execution["PipelineExecutionArn"].rpartition("/")[2]
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    source = sagemaker.jobs.requests("Train")[0]["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    assert source["S3Uri"] == f"s3://out/west/{execution_id}"
    (name,) = sagemaker.jobs.names("Train")
    assert sagemaker.aws.function.payloads == [{"Model": f"s3://models/{name}/model.tar.gz", "N": 3}]


def test_an_integer_parameter_reaches_an_integer_field(sagemaker: Sagemaker) -> None:
    sagemaker.run(
        processing("A", count=get("Parameters.N")), parameters=[parameter("N", "Integer", DefaultValue=1)], N="4"
    )
    (request,) = sagemaker.jobs.requests("A")
    assert request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 4


def test_names_jobs_as_aws_does(sagemaker: Sagemaker) -> None:
    execution = sagemaker.run(processing("Prepare_data-" + "x" * 40), tuning("Tune_" + "y" * 30))
    execution_id = execution["PipelineExecutionArn"].rpartition("/")[2]
    names = [request[f"{noun}Name"] for noun, request in sagemaker.jobs.created]
    prepared = next(name for name in names if name.startswith("pipelines-"))
    tuned = next(name for name in names if name.startswith(execution_id))
    assert prepared.startswith(f"pipelines-{execution_id}-Prepare-data-x")
    assert len(prepared) == 63
    assert len(tuned) == 32


def test_a_custom_job_name_becomes_the_first_part(sagemaker: Sagemaker) -> None:
    step = processing("A")
    step["Arguments"]["ProcessingJobName"] = "mine"
    sagemaker.run(step)
    ((_, request),) = sagemaker.jobs.created
    assert request["ProcessingJobName"].startswith("mine-")


def test_runs_independent_steps_at_once_and_dependent_ones_in_turn(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"A": ["Hold"], "B": ["Hold"]}
    sagemaker.create(processing("A"), processing("B"), processing("C", DependsOn=["A", "B"]))
    arn = sagemaker.begin()
    for step in ("A", "B"):
        sagemaker.jobs.until_created(step)
    assert sagemaker.jobs.names("C") == []
    for step in ("A", "B"):
        sagemaker.jobs.release(step)
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert list(sagemaker.statuses(arn))[-1] == "C"


@pytest.mark.parametrize(
    ("given", "outcome", "ran"), [(0.95, "True", "Deploy"), (0.9, "True", "Deploy"), (0.7, "False", "Wait")]
)
def test_a_condition_on_a_property_file_picks_a_branch(
    sagemaker: Sagemaker, given: float, outcome: str, ran: str
) -> None:
    sagemaker.aws.s3.put("s3://out/report.json", {"metrics": {"auc": given}})
    gate = condition(
        "Gate",
        compare(json_get("Evaluate", "R", "metrics.auc"), "GreaterThanOrEqualTo", get("Parameters.Least")),
        then=[lambda_step("Deploy")],
        otherwise=[lambda_step("Wait")],
    )
    execution = sagemaker.run(
        processing("Evaluate", PropertyFiles=REPORT),
        gate,
        lambda_step("After", DependsOn=["Deploy"]),
        parameters=[parameter("Least", "Float", DefaultValue=0.9)],
    )
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    steps = sagemaker.steps(execution)
    assert steps["Gate"]["Metadata"] == {"Condition": {"Outcome": outcome}}
    assert list(steps) == ["Evaluate", "Gate", ran, *(["After"] if ran == "Deploy" else [])]


@pytest.mark.parametrize(
    ("condition_body", "holds"),
    [
        (compare(1, "Equals", 1.0), True),
        (compare("a", "Equals", "b"), False),
        (compare(True, "Equals", get("Parameters.On")), True),
        (compare(2, "GreaterThan", 2), False),
        (compare(1.5, "LessThan", 2), True),
        (compare(2, "LessThanOrEqualTo", 2), True),
        (compare("b", "GreaterThan", "a"), True),
        ({"Type": "In", "QueryValue": get("Parameters.Name"), "Values": ["east", "west"]}, True),
        ({"Type": "In", "QueryValue": 3, "Values": [1, 2]}, False),
        ({"Type": "Not", "Condition": compare(1, "Equals", 1)}, False),
        ({"Type": "Or", "Conditions": [compare(1, "Equals", 2), compare(1, "Equals", 1)]}, True),
        ({"Type": "Not", "Condition": {"Type": "Or", "Conditions": [compare(1, "Equals", 2)]}}, True),
    ],
)
def test_conditions(sagemaker: Sagemaker, condition_body: dict[str, Any], holds: bool) -> None:
    execution = sagemaker.run(
        condition("Gate", condition_body, then=[lambda_step("Yes")], otherwise=[lambda_step("No")]),
        parameters=[parameter("Name", DefaultValue="west"), parameter("On", "Boolean", DefaultValue=True)],
    )
    assert list(sagemaker.steps(execution)) == ["Gate", "Yes" if holds else "No"]


def test_several_conditions_must_all_hold(sagemaker: Sagemaker) -> None:
    gate = condition("Gate", compare(1, "Equals", 1), compare(1, "Equals", 2), then=[lambda_step("Yes")])
    assert list(sagemaker.steps(sagemaker.run(gate))) == ["Gate"]


def test_conditions_nest(sagemaker: Sagemaker) -> None:
    inner = condition("Inner", compare(1, "Equals", 2), then=[lambda_step("A")], otherwise=[lambda_step("B")])
    other = condition("Other", compare(1, "Equals", 1), then=[lambda_step("C")])
    outer = condition("Outer", compare(1, "Equals", 1), then=[inner], otherwise=[other])
    execution = sagemaker.run(outer, lambda_step("Tell", {"Was": get("Steps.Inner.Outcome")}))
    assert list(sagemaker.steps(execution)) == ["Outer", "Inner", "B", "Tell"] or list(sagemaker.steps(execution)) == [
        "Outer",
        "Inner",
        "Tell",
        "B",
    ]
    assert {"Was": False} in sagemaker.aws.function.payloads


def test_what_cannot_be_compared_fails_the_condition(sagemaker: Sagemaker) -> None:
    sagemaker.aws.s3.put("s3://out/report.json", {"auc": "high"})
    gate = condition("Gate", compare(json_get("E", "R", "auc"), "GreaterThan", 0.5), then=[lambda_step("Yes")])
    execution = sagemaker.run(processing("E", PropertyFiles=REPORT), gate)
    assert execution["PipelineExecutionStatus"] == "Failed"
    reason = sagemaker.steps(execution)["Gate"]["FailureReason"]
    assert reason == "Conditions[0]: GreaterThan cannot compare 'high', a text, with 0.5, a number"


def test_an_expression_that_cannot_be_resolved_names_step_field_and_expression(sagemaker: Sagemaker) -> None:
    execution = sagemaker.run(
        processing("E", PropertyFiles=REPORT), lambda_step("L", {"Auc": json_get("E", "R", "auc")})
    )
    reason = sagemaker.steps(execution)["L"]["FailureReason"]
    assert reason.startswith('Step L: Arguments.Auc: {"Std:JsonGet": ')
    assert reason.endswith("s3://out/report.json cannot be read: there is no such object, or no value in it")
    assert execution["FailureReason"].startswith("Step failure: One or multiple steps failed. L: Step L: ")


def test_a_fail_step_ends_the_execution_with_its_message(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"Slow": ["Hold"]}
    gate = condition(
        "Gate",
        compare(get("Parameters.Auc"), "GreaterThan", 0.9),
        otherwise=[fail("Refuse", join("AUC", get("Parameters.Auc"), "is too low", on=" "))],
        DependsOn=["Quick"],
    )
    sagemaker.create(
        processing("Slow"),
        processing("Later", DependsOn=["Slow"]),
        lambda_step("Quick"),
        gate,
        parameters=[parameter("Auc", "Float", DefaultValue=0.5)],
    )
    execution = sagemaker.finish(sagemaker.begin())
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert execution["FailureReason"] == "Step failure: One or multiple steps failed. Refuse: AUC 0.5 is too low"
    steps = sagemaker.steps(execution)
    assert steps["Refuse"]["Metadata"] == {"Fail": {"ErrorMessage": "AUC 0.5 is too low"}}
    assert steps["Refuse"]["FailureReason"] == "AUC 0.5 is too low"
    assert steps["Slow"]["StepStatus"] == "Stopped"
    assert "Later" not in steps


def test_a_fail_step_without_words_has_no_reason(sagemaker: Sagemaker) -> None:
    execution = sagemaker.run({"Name": "F", "Type": "Fail", "Arguments": {"ErrorMessage": ""}})
    step = sagemaker.steps(execution)["F"]
    assert "FailureReason" not in step
    assert step["Metadata"] == {"Fail": {"ErrorMessage": ""}}


def test_a_failed_job_fails_the_execution_but_not_other_branches(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"A": ["AlgorithmError: no label column, exit code: 1"]}
    execution = sagemaker.run(
        processing("A"), processing("B", DependsOn=["A"]), processing("C"), processing("D", DependsOn=["C"])
    )
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "A: AlgorithmError: no label column" in execution["FailureReason"]
    assert sagemaker.statuses(execution) == {"A": "Failed", "C": "Succeeded", "D": "Succeeded"}
    assert sagemaker.steps(execution)["A"]["FailureReason"] == "AlgorithmError: no label column, exit code: 1"


@pytest.mark.parametrize(
    ("ending", "trigger", "runs", "status"),
    [
        ("Completed", "Completed", True, "Succeeded"),
        ("Completed", "Failed", False, "Succeeded"),
        ("Completed", "Any", True, "Succeeded"),
        ("broken", "Completed", False, "Failed"),
        ("broken", "Failed", True, "CompletedWithFailures"),
        ("broken", "Any", True, "CompletedWithFailures"),
        ("broken", "Stopped", False, "Failed"),
        ("Stopped", "Stopped", True, "CompletedWithFailures"),
        ("Stopped", "Failed", False, "Stopped"),
    ],
)
def test_run_triggers(sagemaker: Sagemaker, ending: str, trigger: str, runs: bool, status: str) -> None:
    sagemaker.jobs.outcomes = {"A": [ending]}
    execution = sagemaker.run(processing("A"), lambda_step("Then", DependsOn=[{"Step": "A", "Trigger": trigger}]))
    assert ("Then" in sagemaker.steps(execution)) is runs
    assert execution["PipelineExecutionStatus"] == status


def test_a_step_that_runs_on_a_failure_can_read_its_reason(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"A": ["broken"]}
    why = {"Why": get("Steps.A.FailureReason")}
    sagemaker.run(processing("A"), lambda_step("Tell", why, DependsOn=[{"Step": "A", "Trigger": "Failed"}]))
    assert sagemaker.aws.function.payloads == [{"Why": "broken"}]


def test_lambda_outputs_keep_their_declared_types(sagemaker: Sagemaker) -> None:
    sagemaker.aws.function.answer = lambda payload: {"s": "x", "i": 3, "f": 0.5, "b": True, "more": [1]}
    kinds = {"s": "String", "i": "Integer", "f": "Float", "b": "Boolean"}
    read = {name: get(f"Steps.Ask.OutputParameters['{name}']") for name in kinds}
    execution = sagemaker.run(lambda_step("Ask", outputs=kinds), lambda_step("Tell", read))
    assert sagemaker.aws.function.payloads == [{}, {"s": "x", "i": 3, "f": 0.5, "b": True}]
    assert sagemaker.steps(execution)["Ask"]["Metadata"] == {
        "Lambda": {
            "Arn": FUNCTION,
            "OutputParameters": [
                {"Name": "s", "Value": "x"},
                {"Name": "i", "Value": "3"},
                {"Name": "f", "Value": "0.5"},
                {"Name": "b", "Value": "true"},
            ],
        }
    }


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"other": 1}, "OutputParameters: the function's answer has no 'n' at its top level; it has other"),
        (None, "OutputParameters: the function's answer has no 'n' at its top level; it has NoneType"),
        ({"n": "3"}, "OutputParameters: 'n' is \"3\" in the answer, which is not of type Integer"),
        ({"n": True}, "OutputParameters: 'n' is true in the answer, which is not of type Integer"),
        (b"not json", f"Lambda function {FUNCTION} answered something that is not JSON"),
        (ValueError("no such endpoint"), f"Lambda function {FUNCTION} failed: ValueError: no such endpoint"),
    ],
)
def test_a_lambda_that_does_not_answer_as_declared_fails_its_step(
    sagemaker: Sagemaker, answer: Any, reason: str
) -> None:
    sagemaker.aws.function.answer = lambda payload: answer
    execution = sagemaker.run(lambda_step("Ask", outputs={"n": "Integer"}))
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert sagemaker.steps(execution)["Ask"]["FailureReason"] == reason
    assert len(sagemaker.aws.function.payloads) == 1


def test_a_lambda_output_has_a_limit(sagemaker: Sagemaker) -> None:
    sagemaker.aws.function.answer = lambda payload: {"s": "x" * 1025}
    execution = sagemaker.run(lambda_step("Ask", outputs={"s": "String"}))
    assert "'s' has 1025 characters; at most 1024" in sagemaker.steps(execution)["Ask"]["FailureReason"]


def test_a_tuning_step_puts_out_its_training_jobs_best_first(sagemaker: Sagemaker) -> None:
    best = {
        "TrainingJobName": "best",
        "TrainingJobArn": "arn:aws:sagemaker:us-east-1:000000000000:training-job/best",
        "CreationTime": sagemaker.clock(),
        "TrainingJobStatus": "Completed",
        "TunedHyperParameters": {},
    }
    sagemaker.jobs.tuned = [best]
    name = get("Steps.Tune.TrainingJobSummaries[0].TrainingJobName")
    execution = sagemaker.run(tuning("Tune", objective="Minimize"), lambda_step("Tell", {"Name": name}))
    assert sagemaker.aws.function.payloads == [{"Name": "best"}]
    assert sagemaker.jobs.lists[0]["SortOrder"] == "Ascending"
    assert list(sagemaker.steps(execution)["Tune"]["Metadata"]) == ["TuningJob"]


def test_a_transform_step_reads_the_model_that_a_step_made(sagemaker: Sagemaker) -> None:
    model = {"Name": "Model", "Type": "Model", "Arguments": {"PrimaryContainer": {"Image": "i:1"}}}
    transform = {
        "Name": "Score",
        "Type": "Transform",
        "Arguments": {
            "ModelName": get("Steps.Model.ModelName"),
            "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://rows"}}},
            "TransformOutput": {"S3OutputPath": "s3://scores"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        },
    }
    execution = sagemaker.run(model, transform)
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    (request,) = sagemaker.jobs.requests("Score")
    steps = sagemaker.steps(execution)
    assert steps["Model"]["Metadata"]["Model"]["Arn"].endswith(f"/{request['ModelName']}")
    assert steps["Score"]["Metadata"]["TransformJob"]["Arn"].endswith(f"/{request['TransformJobName']}")


def test_registers_a_model_into_a_group_it_creates(sagemaker: Sagemaker) -> None:
    register = {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": join("churn-", get("Parameters.D")),
            "ModelApprovalStatus": "Approved",
            "InferenceSpecification": {
                "Containers": [
                    {
                        "Image": "image:1",
                        "ModelDataUrl": get("Steps.Train.ModelArtifacts.S3ModelArtifacts"),
                    }
                ],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        },
    }
    tell = lambda_step("Tell", {"Arn": get("Steps.Register.ModelPackageArn")})
    sagemaker.create(training("Train"), register, tell, parameters=[parameter("D")])
    for version in (1, 2):
        execution = sagemaker.finish(sagemaker.begin("p", D="west"))
        arn = sagemaker.steps(execution)["Register"]["Metadata"]["RegisterModel"]["Arn"]
        assert arn.endswith(f":model-package/churn-west/{version}")
        assert sagemaker.aws.function.payloads[-1] == {"Arn": arn}


def test_creates_a_model(sagemaker: Sagemaker) -> None:
    model = {
        "Name": "Model",
        "Type": "Model",
        "Arguments": {"ExecutionRoleArn": "arn:aws:iam::000000000000:role/r", "PrimaryContainer": {"Image": "i:1"}},
    }
    execution = sagemaker.run(model, lambda_step("Tell", {"Name": get("Steps.Model.ModelName")}))
    arn = sagemaker.steps(execution)["Model"]["Metadata"]["Model"]["Arn"]
    assert sagemaker.aws.function.payloads == [{"Name": arn.rpartition("/")[2]}]


def test_a_refused_request_fails_the_step_in_words(sagemaker: Sagemaker) -> None:
    model = {
        "Name": "Model",
        "Type": "Model",
        "Arguments": {"PrimaryContainer": {"Image": get("Parameters.Image")}},
    }
    execution = sagemaker.run(model, parameters=[parameter("Image")], Image="no good image")
    reason = sagemaker.steps(execution)["Model"]["FailureReason"]
    assert reason.startswith("ClientError: Failed to invoke sagemaker:CreateModel. Error Details: CreateModel: Value")


def test_tells_eventbridge_of_every_transition(sagemaker: Sagemaker) -> None:
    execution = sagemaker.run(processing("A"))
    arn, pipeline = execution["PipelineExecutionArn"], execution["PipelineArn"]
    assert all(resources == [pipeline, arn] for _, resources, _ in sagemaker.events)
    kinds = {
        "SageMaker Model Building Pipeline Execution Status Change": "PipelineExecutionStatus",
        "SageMaker Model Building Pipeline Execution Step Status Change": "StepStatus",
    }
    seen = [
        (kinds[kind], detail.get(f"previous{kinds[kind]}"), detail[f"current{kinds[kind]}"])
        for kind, _, detail in sagemaker.events
    ]
    assert seen == [
        ("PipelineExecutionStatus", None, "Executing"),
        ("StepStatus", None, "Starting"),
        ("StepStatus", "Starting", "Executing"),
        ("StepStatus", "Executing", "Succeeded"),
        ("PipelineExecutionStatus", "Executing", "Succeeded"),
    ]
    detail = sagemaker.events[3][2]
    (name,) = sagemaker.jobs.names("A")
    assert detail["metadata"] == {
        "processingJob": {"arn": f"arn:aws:sagemaker:us-east-1:000000000000:processing-job/{name}"}
    }
    assert (detail["stepName"], detail["stepType"]) == ("A", "Processing")
    assert detail["stepEndTime"] == "2026-01-01T00:00:00Z"
    assert sagemaker.events[-1][2]["executionEndTime"] == "2026-01-01T00:00:00Z"


def test_execution_variables(sagemaker: Sagemaker) -> None:
    names = ("StartDateTime", "CurrentDateTime", "PipelineName", "PipelineArn", "PipelineExecutionId")
    execution = sagemaker.run(lambda_step("Tell", {name: get(f"Execution.{name}") for name in names}))
    (seen,) = sagemaker.aws.function.payloads
    assert seen["PipelineName"] == "p"
    assert seen["PipelineArn"] == execution["PipelineArn"]
    assert seen["PipelineExecutionId"] == execution["PipelineExecutionArn"].rpartition("/")[2]
    assert "2026-01-01T00:00:00" < seen["StartDateTime"] < seen["CurrentDateTime"]


def test_a_defect_in_a_step_does_not_leave_the_execution_hanging(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.wait = None  # type: ignore[assignment]
    execution = sagemaker.run(processing("A"))
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "InternalServerError: TypeError" in sagemaker.steps(execution)["A"]["FailureReason"]
