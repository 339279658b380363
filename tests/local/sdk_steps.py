"""ForEach, Callback, EndpointConfig and Endpoint steps in the SDK's own words, printed as it compiles them."""

from __future__ import annotations

import sys

import boto3
from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.callback_step import CallbackOutput, CallbackOutputTypeEnum, CallbackStep
from sagemaker.mlops.workflow.endpoint_step import EndpointConfigStep, EndpointStep
from sagemaker.mlops.workflow.for_each_step import CurrentItem, ForEachSelector, ForEachStep, IterationOutput
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.mlops.workflow.pipeline import Pipeline

session = PipelineSession(boto_session=boto3.Session(region_name="us-east-1"), default_bucket="bucket")
function_arn, queue_url = sys.argv[1:]
candidates = ParameterString("Candidates", '[{"model": "none", "score": 0}]')
endpoint_name = ParameterString("Endpoint")

score = LambdaStep(
    "Score",
    lambda_func=Lambda(function_arn=function_arn, session=session),
    inputs={"model": CurrentItem().model, "score": CurrentItem()["score"]},
    outputs=[
        LambdaOutput("model", LambdaOutputTypeEnum.String),
        LambdaOutput("score", LambdaOutputTypeEnum.Float),
    ],
)
best = ForEachStep(
    "Best",
    iterable_items=candidates,
    max_concurrency=2,
    for_each_body=[score],
    selector=ForEachSelector(pick="MaxBy", field=IterationOutput(score).OutputParameters["score"]),
)
approve = CallbackStep(
    "Approve",
    sqs_queue_url=queue_url,
    inputs={"model": best.properties.Selected.OutputParameters["model"], "of": best.properties.InputItemCount},
    outputs=[
        CallbackOutput("model", CallbackOutputTypeEnum.String),
        CallbackOutput("weight", CallbackOutputTypeEnum.Float),
    ],
)
configure = EndpointConfigStep(
    "Configure",
    step_args=session.create_endpoint_config(
        name=Join(on="-", values=[endpoint_name, ExecutionVariables.PIPELINE_EXECUTION_ID]),
        production_variants=[
            {
                "VariantName": "main",
                "ModelName": approve.properties.Outputs["model"],
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
                "InitialVariantWeight": approve.properties.Outputs["weight"],
            }
        ],
    ),
)
deploy = EndpointStep(
    "Deploy",
    step_args=session.create_endpoint(endpoint_name=endpoint_name, config_name=configure.properties.EndpointConfigName),
)
pipeline = Pipeline(
    "steps",
    parameters=[candidates, endpoint_name],
    steps=[best, approve, configure, deploy],
    sagemaker_session=session,
)
sys.stdout.write(pipeline.definition())
