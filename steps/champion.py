"""Champion: ask which version serves the dimension now, and where its artifact is."""

from __future__ import annotations

from typing import Any

from sagemaker.core.lambda_helper import Lambda
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep

from steps.build import Build


def champion_step(build: Build, challenger_uri: Any) -> LambdaStep:
    """`ChampionVersion` is "0" where nothing serves yet; `ChampionModelUri` is then the challenger's own."""
    return LambdaStep(
        name="Champion",
        display_name="Find the champion",
        description="Looks up the version that serves this dimension by default.",
        lambda_func=Lambda(function_arn=build.outputs["ChampionFunctionArn"], session=build.session),
        inputs={"Dimension": build.dimension, "ChallengerModelUri": challenger_uri},
        outputs=[
            LambdaOutput(output_name="ChampionVersion", output_type=LambdaOutputTypeEnum.String),
            LambdaOutput(output_name="ChampionModelUri", output_type=LambdaOutputTypeEnum.String),
        ],
    )
