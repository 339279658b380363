"""A pipeline in the SageMaker SDK's own words, printed as the definition the SDK compiles; run as a program.

Importing the SDK takes two seconds and 290 MB, so the tests compile in a process of their own.
"""

from __future__ import annotations

import sys

import boto3
from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.parameter import ContinuousParameter
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo, ConditionIn, ConditionNot
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.retry import SageMakerJobExceptionTypeEnum, SageMakerJobStepRetryPolicy
from sagemaker.mlops.workflow.step_dependency import StepDependency, TriggerCondition
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep, TuningStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train.model_trainer import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

ROLE = "arn:aws:iam::000000000000:role/pipeline"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"

session = PipelineSession(boto_session=boto3.Session(region_name="us-east-1"), default_bucket="bucket")
dimension = ParameterString("Dimension")
data = ParameterString("InputDataUri")
least = ParameterFloat("MinAuc", 0.75)
instances = ParameterInteger("Instances", 1)
processor = Processor(
    role=ROLE,
    image_uri=IMAGE,
    instance_count=instances,
    instance_type="ml.m5.large",
    entrypoint=["python3", "/opt/ml/processing/input/code/run.py"],
    sagemaker_session=session,
)


def process(name, inputs, output, **options):
    return ProcessingStep(
        name,
        step_args=processor.run(
            inputs=[
                ProcessingInput(
                    input_name=key,
                    s3_input=ProcessingS3Input(
                        s3_uri=uri,
                        s3_data_type="S3Prefix",
                        local_path=f"/opt/ml/processing/input/{key}",
                        s3_input_mode="File",
                    ),
                )
                for key, uri in inputs.items()
            ],
            outputs=[
                ProcessingOutput(
                    output_name=output,
                    s3_output=ProcessingS3Output(
                        s3_uri=Join(on="/", values=["s3://out", ExecutionVariables.PIPELINE_EXECUTION_ID, output]),
                        local_path=f"/opt/ml/processing/{output}",
                        s3_upload_mode="EndOfJob",
                    ),
                )
            ],
        ),
        **options,
    )


def function(name):
    return Lambda(function_arn=f"arn:aws:lambda:us-east-1:000000000000:function:{name}", session=session)


prepare = process("Preprocess", {"data": data}, "train", cache_config=CacheConfig(True, "P30D"))
rows = InputData(
    channel_name="train",
    data_source=prepare.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri,
    content_type="text/csv",
)
trainer = ModelTrainer(
    training_image=IMAGE,
    role=ROLE,
    sagemaker_session=session,
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    hyperparameters={"num_round": "10", "count": instances.to_string()},
    output_data_config=OutputDataConfig(s3_output_path="s3://models"),
)
train = TrainingStep(
    "Train",
    step_args=trainer.train(input_data_config=[rows]),
    retry_policies=[
        SageMakerJobStepRetryPolicy(
            exception_types=[SageMakerJobExceptionTypeEnum.INTERNAL_ERROR], max_attempts=2, interval_seconds=3
        )
    ],
)
tuner = HyperparameterTuner(
    model_trainer=trainer,
    objective_metric_name="validation:auc",
    hyperparameter_ranges={"eta": ContinuousParameter(0.1, 0.5)},
    max_jobs=2,
    max_parallel_jobs=2,
)
tune = TuningStep("Tune", step_args=tuner.tune(inputs=[rows]))
champion = LambdaStep(
    "Champion",
    lambda_func=function("champion"),
    inputs={"Dimension": dimension, "Uri": train.properties.ModelArtifacts.S3ModelArtifacts},
    outputs=[LambdaOutput("ChampionModelUri", LambdaOutputTypeEnum.String)],
)
report = PropertyFile(name="Report", output_name="evaluation", path="evaluation.json")
evaluate = process(
    "Evaluate",
    {
        "champion": champion.properties.Outputs["ChampionModelUri"],
        "tuned": tune.get_top_model_s3_uri(top_k=0, s3_bucket="models"),
    },
    "evaluation",
    property_files=[report],
)
auc = JsonGet(step_name="Evaluate", property_file=report, json_path="metrics.auc")


def builder():
    return ModelBuilder(
        image_uri=IMAGE,
        s3_model_data_url=train.properties.ModelArtifacts.S3ModelArtifacts,
        role_arn=ROLE,
        sagemaker_session=session,
        dependencies={},
    )


register = ModelStep(
    "Register",
    step_args=builder().register(
        model_package_group_name=Join(on="-", values=["churn", dimension]),
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=["ml.m5.large"],
        transform_instances=["ml.m5.large"],
        approval_status="Approved",
        customer_metadata_properties={"dimension": dimension},
    ),
)
model = ModelStep("Model", step_args=builder().build())
deploy = LambdaStep(
    "Deploy",
    lambda_func=function("deploy"),
    inputs={"ModelPackageArn": register.properties.ModelPackageArn, "Model": model.properties.ModelName},
)
refuse = FailStep("Refuse", error_message=Join(on=" ", values=["AUC", auc, "is below", least]))
gate = ConditionStep(
    "Gate",
    conditions=[
        ConditionGreaterThanOrEqualTo(left=auc, right=least),
        ConditionNot(ConditionIn(value=dimension, in_values=["never", "not-this"])),
    ],
    if_steps=[register, model, deploy],
    else_steps=[refuse],
)
alarm = LambdaStep(
    "Alarm",
    lambda_func=function("alarm"),
    inputs={"Why": train.properties.FailureReason},
    depends_on=[StepDependency(train, TriggerCondition.FAILED)],
)
pipeline = Pipeline(
    "churn",
    parameters=[dimension, data, least, instances],
    steps=[prepare, train, tune, champion, evaluate, gate, alarm],
    sagemaker_session=session,
)
sys.stdout.write(pipeline.definition())
