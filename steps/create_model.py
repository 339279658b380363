"""CreateModel: make the packed artifact a SageMaker model that the checks can ask."""

from __future__ import annotations

import json
from typing import Any

from sagemaker.core.lambda_helper import Lambda
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep

from steps.build import SERVING, Build


def create_model_step(build: Build, artifact_uri: Any) -> LambdaStep:
    """A Lambda step, because a Model step's model has a random name, and the name is part of what caching compares."""
    return LambdaStep(
        name="CreateModel",
        display_name="Make it a model",
        description="Makes a SageMaker model of the artifact, named by the artifact's address.",
        lambda_func=Lambda(function_arn=build.outputs["ModelFunctionArn"], session=build.session),
        inputs={
            "Dimension": build.dimension,
            "ModelUri": artifact_uri,
            "Image": build.xgboost_image,
            "Environment": json.dumps(SERVING, sort_keys=True),
        },
        outputs=[LambdaOutput(output_name="ModelName", output_type=LambdaOutputTypeEnum.String)],
    )


def model_name(create_model: LambdaStep) -> Any:
    return create_model.properties.Outputs["ModelName"]
