"""The SDK's abalone pipeline, put together as its documentation does, and run as a program by what the SDK offers.

    Process ─► Train ─► Evaluate ─► MSE ─┬─► CreateModel, RegisterModel
                                         └─► Fail

Prints what it saw as JSON. Arguments: the bucket, which holds abalone/abalone.csv, and the pipeline's name.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import boto3
from sagemaker.core import image_uris
from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import (
    OutputDataConfig,
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
)
from sagemaker.core.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData

HERE = Path(__file__).parent
ROLE = "arn:aws:iam::000000000000:role/SageMakerRole"


def get_pipeline(bucket: str, name: str) -> Pipeline:
    session = PipelineSession(default_bucket=bucket)
    region = session.boto_region_name
    processing_instance_count = ParameterInteger(name="ProcessingInstanceCount", default_value=1)
    instance_type = ParameterString(
        name="TrainingInstanceType", default_value="ml.m5.xlarge", enum_values=["ml.m5.xlarge", "ml.m5.large"]
    )
    approval_status = ParameterString(name="ModelApprovalStatus", default_value="PendingManualApproval")
    input_data = ParameterString(name="InputDataUrl", default_value=f"s3://{bucket}/abalone/abalone.csv")
    mse_threshold = ParameterFloat(name="MseThreshold", default_value=20.0)
    cache_config = CacheConfig(enable_caching=True, expire_after="30d")

    processor = ScriptProcessor(
        image_uri=image_uris.retrieve(
            framework="sklearn", region=region, version="1.2-1", py_version="py3", instance_type="ml.m5.xlarge"
        ),
        command=["python3"],
        instance_type="ml.m5.xlarge",
        instance_count=processing_instance_count,
        base_job_name=f"{name}/sklearn-abalone-process",
        sagemaker_session=session,
        role=ROLE,
    )
    step_process = ProcessingStep(
        name="PreprocessAbaloneData",
        step_args=processor.run(
            inputs=[_input("input-1", input_data, "/opt/ml/processing/input")],
            outputs=[
                _output(part, f"s3://{bucket}/{name}/{part}", f"/opt/ml/processing/{part}")
                for part in ("train", "validation", "test")
            ],
            code=str(HERE / "preprocess.py"),
        ),
        cache_config=cache_config,
    )

    def prepared(part: str):
        return step_process.properties.ProcessingOutputConfig.Outputs[part].S3Output.S3Uri

    xgboost_image = image_uris.retrieve(
        framework="xgboost", region=region, version="1.7-1", py_version="py3", instance_type="ml.m5.xlarge"
    )
    trainer = ModelTrainer(
        training_image=xgboost_image,
        compute=Compute(instance_type=instance_type, instance_count=1),
        base_job_name=f"{name}/abalone-train",
        sagemaker_session=session,
        role=ROLE,
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/{name}/AbaloneTrain"),
        hyperparameters={
            "objective": "reg:linear",
            "num_round": 50,
            "max_depth": 5,
            "eta": 0.2,
            "gamma": 4,
            "min_child_weight": 6,
            "subsample": 0.7,
        },
        input_data_config=[
            InputData(channel_name=part, data_source=prepared(part), content_type="text/csv")
            for part in ("train", "validation")
        ],
    )
    step_train = TrainingStep(name="TrainAbaloneModel", step_args=trainer.train(), cache_config=cache_config)
    artifacts = step_train.properties.ModelArtifacts.S3ModelArtifacts

    evaluation_report = PropertyFile(name="AbaloneEvaluationReport", output_name="evaluation", path="evaluation.json")
    evaluator = ScriptProcessor(
        image_uri=xgboost_image,
        command=["python3"],
        instance_type="ml.m5.xlarge",
        instance_count=1,
        base_job_name=f"{name}/script-abalone-eval",
        sagemaker_session=session,
        role=ROLE,
    )
    step_evaluate = ProcessingStep(
        name="EvaluateAbaloneModel",
        step_args=evaluator.run(
            inputs=[
                _input("model", artifacts, "/opt/ml/processing/model"),
                _input("test", prepared("test"), "/opt/ml/processing/test"),
            ],
            outputs=[_output("evaluation", f"s3://{bucket}/{name}/evaluation", "/opt/ml/processing/evaluation")],
            code=str(HERE / "evaluate.py"),
        ),
        property_files=[evaluation_report],
        cache_config=cache_config,
    )

    model_builder = ModelBuilder(
        s3_model_data_url=artifacts, image_uri=xgboost_image, sagemaker_session=session, role_arn=ROLE
    )
    step_create_model = ModelStep(name="AbaloneCreateModel", step_args=model_builder.build())
    step_register = ModelStep(
        name="AbaloneRegisterModel",
        step_args=model_builder.register(
            model_package_group_name=f"{name}-group",
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=["ml.t2.medium", "ml.m5.large"],
            transform_instances=["ml.m5.large"],
            approval_status=approval_status,
            model_metrics=ModelMetrics(
                model_statistics=MetricsSource(
                    s3_uri=f"s3://{bucket}/{name}/evaluation/evaluation.json", content_type="application/json"
                )
            ),
        ),
    )
    mse = JsonGet(
        step_name=step_evaluate.name,
        property_file=evaluation_report,
        json_path="regression_metrics.mse.value",
    )
    step_condition = ConditionStep(
        name="CheckMSEAbaloneEvaluation",
        conditions=[ConditionLessThanOrEqualTo(left=mse, right=mse_threshold)],
        if_steps=[step_create_model, step_register],
        else_steps=[
            FailStep(
                name="AbaloneMSEFail",
                error_message=Join(on=" ", values=["Execution failed due to MSE >", mse_threshold]),
            )
        ],
    )
    return Pipeline(
        name=name,
        parameters=[processing_instance_count, instance_type, approval_status, input_data, mse_threshold],
        steps=[step_process, step_train, step_evaluate, step_condition],
        sagemaker_session=session,
    )


def _input(name: str, uri: object, place: str) -> ProcessingInput:
    return ProcessingInput(
        input_name=name,
        s3_input=ProcessingS3Input(
            s3_uri=uri,
            local_path=place,
            s3_data_type="S3Prefix",
            s3_input_mode="File",
            s3_data_distribution_type="ShardedByS3Key",
        ),
    )


def _output(name: str, uri: str, place: str) -> ProcessingOutput:
    return ProcessingOutput(
        output_name=name,
        s3_output=ProcessingS3Output(s3_uri=uri, local_path=place, s3_upload_mode="EndOfJob"),
    )


def run(pipeline: Pipeline, **parameters: object) -> dict[str, object]:
    """Start it, wait for it, and say how it went."""
    execution = pipeline.start(parameters=parameters, execution_display_name="by-the-sdk")
    try:
        execution.wait(delay=1, max_attempts=60)
    except Exception as error:
        waited = str(error)
    else:
        waited = ""
    described = execution.describe()
    return {
        "waited": waited,
        "status": described["PipelineExecutionStatus"],
        "reason": described.get("FailureReason"),
        "name": described["PipelineExecutionDisplayName"],
        "steps": {step["StepName"]: step for step in execution.list_steps()},
        "parameters": {each["Name"]: each["Value"] for each in execution.list_parameters()["PipelineParameters"]},
        "again": pipeline.build_parameters_from_execution(execution.arn),
    }


def main(bucket: str, name: str) -> None:
    pipeline = get_pipeline(bucket, name)
    seen: dict[str, object] = {"created": pipeline.create(role_arn=ROLE, description="abalones")}
    seen["upserted"] = pipeline.upsert(role_arn=ROLE, tags=[{"Key": "project", "Value": "abalone"}])
    seen["described"] = pipeline.describe()
    seen["first"] = run(pipeline)
    seen["second"] = run(pipeline)
    seen["refused"] = run(pipeline, MseThreshold=0.001)
    try:
        pipeline.start(parameters={"TrainingInstanceType": "ml.p5.48xlarge"})
    except Exception as error:
        seen["not in the enum"] = str(error)
    seen["executions"] = pipeline.list_executions()["PipelineExecutionSummaries"]
    client = boto3.client("sagemaker")
    listed = client.list_model_packages(ModelPackageGroupName=f"{name}-group", SortOrder="Ascending")
    seen["package"] = client.describe_model_package(
        ModelPackageName=listed["ModelPackageSummaryList"][0]["ModelPackageArn"]
    )
    seen["deleted"] = pipeline.delete()
    print(f"\n{json.dumps(seen, default=str)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
