"""The AWS CLI, a client nobody here wrote, calls every operation that the server runs."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

from contender.local.launcher.laptop import Laptop
from tests.local.aws_cli import AwsCli, ask, find_cli
from tests.local.aws_cli_requests import (
    CLUSTER,
    DOUBLE,
    FEATURES,
    MACHINE,
    SKLEARN,
    SLEEP,
    SLOW_MODEL,
    TABLE,
    options,
    pipeline_definition,
    processing_input,
    training,
    tuning,
    variant,
)
from tests.local.serving_models import IMAGE, ROLE, ROW, Endpoints, booster_files, script_files, wait_until

ARN = "arn:aws:sagemaker:us-east-1:000000000000"


@pytest.fixture(scope="module")
def aws(laptop: Laptop, tmp_path_factory: pytest.TempPathFactory) -> AwsCli:
    return AwsCli(find_cli(os.environ), laptop.env(), tmp_path_factory.mktemp("aws-cli"))


@pytest.fixture(scope="module")
def upload(clients: Callable[[str], Any], bucket: str) -> Callable[[str, str], str]:
    """Puts a text into S3; the answer is its URI."""

    def put(key: str, text: str) -> str:
        clients("s3").put_object(Bucket=bucket, Key=f"cli/{key}", Body=text.encode())
        return f"s3://{bucket}/cli/{key}"

    return put


@pytest.fixture(scope="module")
def archives(clients: Callable[[str], Any], bucket: str) -> Endpoints:
    return Endpoints(clients, bucket, "cli")


@pytest.fixture(scope="module")
def settled(clients: Callable[[str], Any]) -> Callable[..., dict[str, Any]]:
    """Waits until a thing is as wanted; boto3 asks: the CLI takes a second to start, its waiters sleep for 30."""

    def settle(describe: str, status: str, wanted: str = "Completed", **name: str) -> dict[str, Any]:
        seen: dict[str, Any] = {}

        def done() -> bool:
            seen.update(getattr(clients("sagemaker"), describe)(**name))
            ended = seen[status] == "Failed" or seen[status] == wanted
            return bool(ended)

        wait_until(done, f"{name} is {wanted}", 60)
        assert seen[status] == wanted, seen
        return seen

    return settle


@pytest.fixture(scope="module")
def model(aws: AwsCli, archives: Endpoints) -> str:
    """A model of the built-in algorithm."""
    container = {"Image": IMAGE, "ModelDataUrl": archives.upload("booster", booster_files())}
    answer = aws("create-model", model_name="cli-booster", execution_role_arn=ROLE, primary_container=container)
    assert answer == {"ModelArn": f"{ARN}:model/cli-booster"}
    return "cli-booster"


@pytest.fixture(scope="module")
def group(aws: AwsCli) -> str:
    answer = aws("create-model-package-group", model_package_group_name="cli-churn")
    assert answer == {"ModelPackageGroupArn": f"{ARN}:model-package-group/cli-churn"}
    return "cli-churn"


def test_a_model(aws: AwsCli, model: str) -> None:
    described, listed = aws.together(
        ask("describe-model", model_name=model), ask("list-models", name_contains="booster", sort_by="Name")
    )
    assert described["PrimaryContainer"]["Image"] == IMAGE
    assert [each["ModelName"] for each in listed["Models"]] == [model]
    container = {"Image": IMAGE}
    taken, useless = aws.refused(
        ask("create-model", model_name=model, execution_role_arn=ROLE, primary_container=container),
        ask("create-model", model_name="cli-useless", execution_role_arn=ROLE),
    )
    assert taken == (
        "An error occurred (ValidationException) when calling the CreateModel operation:"
        f' Cannot create already existing model "{ARN}:model/{model}".'
    )
    assert "needs a PrimaryContainer or Containers" in useless


def test_tags(aws: AwsCli, model: str) -> None:
    arn = f"{ARN}:model/{model}"
    wanted = [{"Key": "team", "Value": "churn"}, {"Key": "stage", "Value": "test"}]
    assert aws("add-tags", resource_arn=arn, tags=wanted)["Tags"] == wanted
    aws("delete-tags", resource_arn=arn, tag_keys=["stage"])
    assert aws("list-tags", resource_arn=arn)["Tags"] == wanted[:1]


def test_versions_of_a_model_and_their_approval(aws: AwsCli, group: str, archives: Endpoints) -> None:
    url = archives.upload("version", booster_files())
    inference = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": url}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    create = ask(
        "create-model-package",
        model_package_group_name=group,
        inference_specification=inference,
        model_approval_status="PendingManualApproval",
        customer_metadata_properties={"dimension": "east"},
    )
    created = aws.together(create, create)
    first, second = sorted(each["ModelPackageArn"] for each in created)
    assert (first, second) == (f"{ARN}:model-package/{group}/1", f"{ARN}:model-package/{group}/2")

    champion = {"Stage": "Champion", "StageStatus": "InService"}
    aws(
        "update-model-package",
        model_package_arn=second,
        model_approval_status="Approved",
        approval_description="AUC 0.98",
        model_life_cycle=champion,
    )
    described, batch, approved, groups, of_group = aws.together(
        ask("describe-model-package", model_package_name=second),
        ask("batch-describe-model-package", model_package_arn_list=[first, second, f"{second}2"]),
        ask("list-model-packages", model_package_group_name=group, model_approval_status="Approved"),
        ask("list-model-package-groups", name_contains="churn"),
        ask("describe-model-package-group", model_package_group_name=group),
    )
    assert (described["ModelPackageVersion"], described["ModelApprovalStatus"]) == (2, "Approved")
    assert described["ApprovalDescription"] == "AUC 0.98"
    assert described["ModelLifeCycle"] == champion
    assert described["CustomerMetadataProperties"] == {"dimension": "east"}
    assert batch["ModelPackageSummaries"][first]["ModelApprovalStatus"] == "PendingManualApproval"
    assert batch["ModelPackageSummaries"].keys() == {first, second}
    assert batch["BatchDescribeModelPackageErrorMap"].keys() == {f"{second}2"}
    assert [each["ModelPackageArn"] for each in approved["ModelPackageSummaryList"]] == [second]
    assert of_group["ModelPackageGroupStatus"] == "Completed"
    assert group in [each["ModelPackageGroupName"] for each in groups["ModelPackageGroupSummaryList"]]

    taken, needed = aws.refused(
        ask("create-model-package-group", model_package_group_name=group),
        ask("delete-model-package-group", model_package_group_name=group),
    )
    assert "already exists" in taken
    assert "(ConflictException)" in needed
    aws.together(*(ask("delete-model-package", model_package_name=arn) for arn in (first, second)))
    aws("delete-model-package-group", model_package_group_name=group)


def test_pages(aws: AwsCli, clients: Callable[[str], Any]) -> None:
    names = [f"cli-page-{number}" for number in range(5)]
    for name in names:
        clients("sagemaker").create_model_package_group(ModelPackageGroupName=name)

    def listing(**options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = aws(
            "list-model-package-groups", name_contains="cli-page", sort_by="Name", sort_order="Ascending", **options
        )
        answer["Names"] = [each["ModelPackageGroupName"] for each in answer["ModelPackageGroupSummaryList"]]
        return answer

    assert listing(page_size=2)["Names"] == names
    first = listing(page_size=2, max_items=3)
    assert first["Names"] == names[:3]
    rest = listing(page_size=2, starting_token=first["NextToken"])
    assert rest["Names"] == names[3:]
    assert "NextToken" not in rest
    for name in names:
        clients("sagemaker").delete_model_package_group(ModelPackageGroupName=name)


@pytest.fixture(scope="module")
def pipeline(aws: AwsCli) -> str:
    answer = aws(
        "create-pipeline",
        pipeline_name="cli-pipeline",
        pipeline_definition=pipeline_definition(),
        role_arn=ROLE,
        client_request_token="create-cli-pipeline-" + "0" * 32,
    )
    assert answer == {"PipelineArn": f"{ARN}:pipeline/cli-pipeline"}
    return "cli-pipeline"


def test_a_pipeline(aws: AwsCli, pipeline: str) -> None:
    cycle = json.loads(pipeline_definition())
    cycle["Steps"][0]["DependsOn"] = ["Count"]
    bad, taken, unknown = aws.refused(
        ask("update-pipeline", pipeline_name=pipeline, pipeline_definition=json.dumps(cycle)),
        ask("create-pipeline", pipeline_name=pipeline, pipeline_definition=pipeline_definition(), role_arn=ROLE),
        ask("start-pipeline-execution", pipeline_name=pipeline, pipeline_parameters=[{"Name": "X", "Value": "1"}]),
    )
    assert "Count" in bad
    assert "already exists" in taken
    assert "X" in unknown
    aws("update-pipeline", pipeline_name=pipeline, pipeline_description="counts rows")
    described, listed = aws.together(
        ask("describe-pipeline", pipeline_name=pipeline), ask("list-pipelines", pipeline_name_prefix="cli")
    )
    assert described["PipelineDescription"] == "counts rows"
    assert described["PipelineDefinition"] == pipeline_definition()
    assert [each["PipelineName"] for each in listed["PipelineSummaries"]] == [pipeline]


def test_an_execution_that_failed_is_retried(
    aws: AwsCli, pipeline: str, bucket: str, upload: Callable[[str, str], str], settled: Callable[..., dict[str, Any]]
) -> None:
    given = [{"Name": "Data", "Value": f"s3://{bucket}/cli/late/rows.csv"}]
    start = ask(
        "start-pipeline-execution",
        pipeline_name=pipeline,
        pipeline_parameters=given,
        pipeline_execution_display_name="east-1",
        client_request_token="start-cli-pipeline-" + "1" * 32,
    )
    once, twice = aws.together(start, start)
    assert once == twice
    arn = once["PipelineExecutionArn"]
    wait = {"describe": "describe_pipeline_execution", "status": "PipelineExecutionStatus", "PipelineExecutionArn": arn}
    settled(**wait, wanted="Failed")

    described, steps, parameters, definition, listed = aws.together(
        ask("describe-pipeline-execution", pipeline_execution_arn=arn),
        ask("list-pipeline-execution-steps", pipeline_execution_arn=arn),
        ask("list-pipeline-parameters-for-execution", pipeline_execution_arn=arn),
        ask("describe-pipeline-definition-for-execution", pipeline_execution_arn=arn),
        ask("list-pipeline-executions", pipeline_name=pipeline),
    )
    assert described["PipelineExecutionDisplayName"] == "east-1"
    (step,) = steps["PipelineExecutionSteps"]
    assert (step["StepName"], step["StepStatus"]) == ("Count", "Failed")
    assert "late/rows.csv" in step["FailureReason"]
    assert parameters["PipelineParameters"] == given
    assert definition["PipelineDefinition"] == pipeline_definition()
    assert [each["PipelineExecutionArn"] for each in listed["PipelineExecutionSummaries"]] == [arn]

    upload("late/rows.csv", TABLE)
    aws("update-pipeline-execution", pipeline_execution_arn=arn, pipeline_execution_description="late data")
    aws("retry-pipeline-execution", pipeline_execution_arn=arn)
    settled(**wait, wanted="Succeeded")
    again = aws("describe-pipeline-execution", pipeline_execution_arn=arn)
    assert (again["PipelineExecutionStatus"], again["PipelineExecutionDescription"]) == ("Succeeded", "late data")


def test_an_execution_is_stopped_and_its_pipeline_deleted(
    aws: AwsCli, pipeline: str, upload: Callable[[str, str], str], settled: Callable[..., dict[str, Any]]
) -> None:
    parameters = [{"Name": "Data", "Value": upload("rows.csv", TABLE)}, {"Name": "Seconds", "Value": "60"}]
    started = aws("start-pipeline-execution", pipeline_name=pipeline, pipeline_parameters=parameters)
    arn = started["PipelineExecutionArn"]
    (busy,) = aws.refused(ask("delete-pipeline", pipeline_name=pipeline))
    assert "(ConflictException)" in busy
    aws("stop-pipeline-execution", pipeline_execution_arn=arn)
    settled("describe_pipeline_execution", "PipelineExecutionStatus", "Stopped", PipelineExecutionArn=arn)
    aws("delete-pipeline", pipeline_name=pipeline)
    (gone,) = aws.refused(ask("describe-pipeline", pipeline_name=pipeline))
    assert "(ResourceNotFound)" in gone


def test_jobs_run_to_their_end(
    aws: AwsCli, bucket: str, upload: Callable[[str, str], str], settled: Callable[..., dict[str, Any]]
) -> None:
    data = upload("jobs/rows.csv", TABLE)
    output = {"LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob", "S3Uri": f"s3://{bucket}/cli/out"}
    aws.together(
        ask(
            "create-processing-job",
            processing_job_name="cli-processing",
            app_specification={
                "ImageUri": SKLEARN,
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/double.py"],
            },
            processing_inputs=[
                processing_input("code", upload("code/double.py", DOUBLE)),
                processing_input("data", data),
            ],
            processing_output_config={"Outputs": [{"OutputName": "rows", "S3Output": output}]},
            processing_resources={"ClusterConfig": CLUSTER},
            role_arn=ROLE,
        ),
        ask(
            "create-training-job",
            training_job_name="cli-training",
            algorithm_specification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            hyper_parameters={"objective": "binary:logistic", "num_round": "5"},
            **options(training(bucket, data)),
        ),
        tuning("cli-tuning", bucket, data, rounds=3),
    )
    settled("describe_training_job", "TrainingJobStatus", TrainingJobName="cli-training")
    trained = aws("describe-training-job", training_job_name="cli-training")
    assert trained["SecondaryStatus"] == "Completed"
    assert "validation:logloss" in [each["MetricName"] for each in trained["FinalMetricDataList"]]

    container = {"Image": IMAGE, "ModelDataUrl": trained["ModelArtifacts"]["S3ModelArtifacts"]}
    aws("create-model", model_name="cli-trained", execution_role_arn=ROLE, primary_container=container)
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": upload("features.csv", FEATURES)}}
    aws(
        "create-transform-job",
        transform_job_name="cli-transform",
        model_name="cli-trained",
        transform_input={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        transform_output={"S3OutputPath": f"s3://{bucket}/cli/scores", "AssembleWith": "Line"},
        transform_resources=MACHINE,
    )
    settled("describe_processing_job", "ProcessingJobStatus", ProcessingJobName="cli-processing")
    settled(
        "describe_hyper_parameter_tuning_job",
        "HyperParameterTuningJobStatus",
        HyperParameterTuningJobName="cli-tuning",
    )
    settled("describe_transform_job", "TransformJobStatus", TransformJobName="cli-transform")

    aws.together(
        ask("wait processing-job-completed-or-stopped", processing_job_name="cli-processing"),
        ask("wait training-job-completed-or-stopped", training_job_name="cli-training"),
    )
    processed, tuned, transformed, trials, *lists = aws.together(
        ask("describe-processing-job", processing_job_name="cli-processing"),
        ask("describe-hyper-parameter-tuning-job", hyper_parameter_tuning_job_name="cli-tuning"),
        ask("describe-transform-job", transform_job_name="cli-transform"),
        ask("list-training-jobs-for-hyper-parameter-tuning-job", hyper_parameter_tuning_job_name="cli-tuning"),
        ask("list-processing-jobs", name_contains="cli-processing", status_equals="Completed"),
        ask("list-training-jobs", name_contains="cli-training"),
        ask("list-hyper-parameter-tuning-jobs", name_contains="cli-tuning"),
        ask("list-transform-jobs", name_contains="cli-transform"),
    )
    assert processed["ProcessingOutputConfig"]["Outputs"][0]["S3Output"] == output
    assert tuned["TrainingJobStatusCounters"]["Completed"] == 2
    names = {each["TrainingJobName"] for each in trials["TrainingJobSummaries"]}
    assert tuned["BestTrainingJob"]["TrainingJobName"] in names
    assert transformed["ModelName"] == "cli-trained"
    assert [len(summaries) for answer in lists for summaries in answer.values()] == [1, 1, 1, 1]


def test_what_the_jobs_wrote(clients: Callable[[str], Any], bucket: str) -> None:
    def read(key: str) -> list[str]:
        body: bytes = clients("s3").get_object(Bucket=bucket, Key=f"cli/{key}")["Body"].read()
        return body.decode().split()

    assert "".join(read("out/rows.csv")) == "".join(TABLE.split() * 2)
    scores = [float(score) for score in read("scores/features.csv.out")]
    assert len(scores) == 40
    assert scores[0] < 0.5 < scores[-1]


def test_jobs_are_stopped(
    aws: AwsCli,
    bucket: str,
    archives: Endpoints,
    upload: Callable[[str, str], str],
    settled: Callable[..., dict[str, Any]],
) -> None:
    data = upload("jobs/rows.csv", TABLE)
    container = {"Image": IMAGE, "ModelDataUrl": archives.upload("slow", script_files(SLOW_MODEL))}
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": upload("slow.csv", FEATURES)}}
    sleep = {"ContainerEntrypoint": SLEEP, "ContainerArguments": ["60"]}
    aws.together(
        ask(
            "create-processing-job",
            processing_job_name="cli-processing-long",
            app_specification={"ImageUri": SKLEARN, **sleep},
            processing_resources={"ClusterConfig": CLUSTER},
            role_arn=ROLE,
        ),
        ask("create-model", model_name="cli-slow", execution_role_arn=ROLE, primary_container=container),
    )
    aws.together(
        ask(
            "create-training-job",
            training_job_name="cli-training-long",
            algorithm_specification={"TrainingImage": IMAGE, "TrainingInputMode": "File", **sleep},
            **options(training(bucket, data)),
        ),
        tuning("cli-tuning-long", bucket, data, rounds=1_000_000),
        ask(
            "create-transform-job",
            transform_job_name="cli-transform-long",
            model_name="cli-slow",
            transform_input={"DataSource": source, "ContentType": "text/csv"},
            transform_output={"S3OutputPath": f"s3://{bucket}/cli/slow"},
            transform_resources=MACHINE,
        ),
    )
    kinds = {
        "Processing": "cli-processing-long",
        "Training": "cli-training-long",
        "HyperParameterTuning": "cli-tuning-long",
        "Transform": "cli-transform-long",
    }
    aws.together(
        *(
            ask(f"stop-{xform_name(kind, '-')}-job", **{f"{xform_name(kind)}_job_name": name})
            for kind, name in kinds.items()
        )
    )
    for kind, name in kinds.items():
        settled(f"describe_{xform_name(kind)}_job", f"{kind}JobStatus", "Stopped", **{f"{kind}JobName": name})
    again, taken = aws.refused(
        ask("stop-training-job", training_job_name="cli-training-long"),
        ask(
            "create-training-job",
            training_job_name="cli-training-long",
            algorithm_specification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            **options(training(bucket, data)),
        ),
    )
    assert "(ValidationException)" in again
    assert "Stopped" in again
    assert "(ResourceInUse)" in taken


def test_an_endpoint_from_champion_to_challenger(
    aws: AwsCli, archives: Endpoints, settled: Callable[..., dict[str, Any]]
) -> None:
    url = archives.upload("duo", script_files())
    names = ("champion", "challenger")
    containers = [{"Image": IMAGE, "ModelDataUrl": url, "Environment": {"NAME": name}} for name in names]
    aws.together(
        *(
            ask("create-model", model_name=f"cli-{name}", execution_role_arn=ROLE, primary_container=container)
            for name, container in zip(names, containers, strict=True)
        )
    )
    solo = [variant("champion", 1)]
    duo = [variant("champion", 9), variant("challenger", 1)]
    aws.together(
        ask("create-endpoint-config", endpoint_config_name="cli-solo", production_variants=solo),
        ask("create-endpoint-config", endpoint_config_name="cli-duo", production_variants=duo),
    )
    created = aws("create-endpoint", endpoint_name="cli-shop", endpoint_config_name="cli-solo")
    assert created == {"EndpointArn": f"{ARN}:endpoint/cli-shop"}
    in_service = {
        "describe": "describe_endpoint",
        "status": "EndpointStatus",
        "wanted": "InService",
        "EndpointName": "cli-shop",
    }
    settled(**in_service)
    aws("wait endpoint-in-service", endpoint_name="cli-shop")

    aws("update-endpoint", endpoint_name="cli-shop", endpoint_config_name="cli-duo", retain_all_variant_properties=True)
    settled(**in_service)
    equal = [{"VariantName": name, "DesiredWeight": 0.5} for name in names]
    aws("update-endpoint-weights-and-capacities", endpoint_name="cli-shop", desired_weights_and_capacities=equal)
    settled(**in_service)

    described, endpoints, config, configs = aws.together(
        ask("describe-endpoint", endpoint_name="cli-shop"),
        ask("list-endpoints", name_contains="cli-", status_equals="InService"),
        ask("describe-endpoint-config", endpoint_config_name="cli-duo"),
        ask("list-endpoint-configs", name_contains="cli-", sort_by="Name", sort_order="Ascending"),
    )
    assert described["EndpointConfigName"] == "cli-duo"
    shares = {each["VariantName"]: each["CurrentWeight"] for each in described["ProductionVariants"]}
    assert shares == {"champion": 0.5, "challenger": 0.5}
    assert [each["EndpointName"] for each in endpoints["Endpoints"]] == ["cli-shop"]
    assert [each["VariantName"] for each in config["ProductionVariants"]] == list(names)
    assert [each["EndpointConfigName"] for each in configs["EndpointConfigs"]] == ["cli-duo", "cli-solo"]


def test_an_invocation(aws: AwsCli) -> None:
    row = {"content_type": "text/csv", "inference_id": "request-1"}
    for name in ("champion", "challenger"):
        answer = aws.invoke("cli-shop", ROW, target_variant=name, **row)
        assert answer["InvokedProductionVariant"] == name
        assert answer["Body"].startswith(f"{name} ")
    assert "(ModelError)" in aws.invoke_refused("cli-shop", "raise", **row)
    assert "(ValidationError)" in aws.invoke_refused("cli-shop", ROW, target_variant="nobody", **row)


def test_what_is_deleted_is_gone(aws: AwsCli, clients: Callable[[str], Any], model: str) -> None:
    taken = aws.refused(
        ask("create-endpoint", endpoint_name="cli-shop", endpoint_config_name="cli-duo"),
        ask("create-endpoint-config", endpoint_config_name="cli-duo", production_variants=[variant("champion", 1)]),
    )
    assert all("(ValidationException)" in message and "already existing" in message for message in taken)
    aws("delete-endpoint", endpoint_name="cli-shop")
    wait_until(lambda: not clients("sagemaker").list_endpoints(NameContains="cli-shop")["Endpoints"], "it is deleted")
    aws("wait endpoint-deleted", endpoint_name="cli-shop")
    aws.together(
        *(ask("delete-endpoint-config", endpoint_config_name=name) for name in ("cli-solo", "cli-duo")),
        *(
            ask("delete-model", model_name=name)
            for name in (model, "cli-trained", "cli-slow", "cli-champion", "cli-challenger")
        ),
    )
    endpoint, config, deleted = aws.refused(
        ask("delete-endpoint", endpoint_name="cli-shop"),
        ask("delete-endpoint-config", endpoint_config_name="cli-duo"),
        ask("delete-model", model_name=model),
    )
    said = "An error occurred (ValidationException) when calling the {} operation: Could not find {}."
    assert endpoint == said.format("DeleteEndpoint", f'endpoint "{ARN}:endpoint/cli-shop"')
    assert config == said.format("DeleteEndpointConfig", f'endpoint configuration "{ARN}:endpoint-config/cli-duo"')
    assert deleted == said.format("DeleteModel", f'model "{ARN}:model/{model}"')


def test_what_was_never_there(aws: AwsCli) -> None:
    execution = f"{ARN}:pipeline/nobody/execution/abcdefghijkl"
    refusals = {
        ask("describe-endpoint", endpoint_name="nobody"): "ValidationException",
        ask("add-tags", resource_arn=f"{ARN}:model/nobody", tags=[]): "ValidationException",
        ask("describe-model-package", model_package_name=f"{ARN}:model-package/nobody/1"): "ValidationException",
        ask("delete-pipeline", pipeline_name="nobody"): "ResourceNotFound",
        ask("retry-pipeline-execution", pipeline_execution_arn=execution): "ResourceNotFound",
        ask("stop-transform-job", transform_job_name="nobody"): "ValidationException",
        ask("describe-training-job", training_job_name="nobody"): "ValidationException",
        ask("describe-hyper-parameter-tuning-job", hyper_parameter_tuning_job_name="nobody"): "ResourceNotFound",
    }
    for command, message in zip(refusals, aws.refused(*refusals), strict=True):
        assert f"An error occurred ({refusals[command]})" in message
        assert "nobody" in message


def test_an_operation_that_is_not_run_here_is_named(aws: AwsCli) -> None:
    (message,) = aws.refused(
        ask("create-notebook-instance", notebook_instance_name="n", instance_type="ml.t3.medium", role_arn=ROLE)
    )
    assert message == (
        "An error occurred (UnknownOperationException) when calling the CreateNotebookInstance operation:"
        " local SageMaker does not run the operation CreateNotebookInstance"
    )


def test_every_operation_was_called(aws: AwsCli, laptop: Laptop) -> None:
    """Last in this file: what the tests before it called is what the server runs."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{laptop.addresses().sagemaker}/_contender/health", timeout=5) as answer:
        runs = {xform_name(name, "-") for name in json.load(answer)["operations"]}
    assert aws.succeeded - {"wait"} == runs


def test_a_missing_cli_says_what_installs_it(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="`make test` installs one"):
        find_cli({"CONTENDER_AWS_CLI": str(tmp_path / "aws")})
