"""Jobs of every kind through the AWS CLI."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore import xform_name

from tests.local.cli.aws_cli import AwsCli, ask
from tests.local.cli.requests import (
    CLUSTER,
    DOUBLE,
    FEATURES,
    MACHINE,
    SKLEARN,
    SLEEP,
    SLOW_MODEL,
    TABLE,
    options,
    processing_input,
    training,
    tuning,
)
from tests.local.serving_models import IMAGE, ROLE, Endpoints, script_files


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
    aws.together(*(ask("delete-model", model_name=name) for name in ("cli-trained", "cli-slow")))
