"""Deploy: start rolling the new version into the dimension's endpoint; the endpoint's own event finishes it."""

from __future__ import annotations

from sagemaker.core.lambda_helper import Lambda
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.mlops.workflow.model_step import ModelStep

from steps.build import Build


def deploy_step(build: Build, register: ModelStep) -> LambdaStep:
    return LambdaStep(
        name="Deploy",
        display_name="Start the roll-out",
        description="First version: a new endpoint. Later ones: one more variant with a small share of the traffic.",
        lambda_func=Lambda(function_arn=build.outputs["DeployFunctionArn"], session=build.session),
        inputs={"Dimension": build.dimension, "ModelPackageArn": register.properties.ModelPackageArn},
        outputs=[
            LambdaOutput(output_name=name, output_type=LambdaOutputTypeEnum.String)
            for name in ("Action", "EndpointName", "EndpointConfigName", "Variant")
        ],
    )
