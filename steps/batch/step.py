"""The steps of batch scoring: who serves, the rows as lines, their scores, and the result."""

from __future__ import annotations

from typing import Any

from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.transformer import Transformer
from sagemaker.core.workflow.conditions import ConditionEquals
from sagemaker.core.workflow.parameters import ParameterBoolean
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.mlops.workflow.steps import ProcessingStep, Step, TransformStep

from steps.build import Build, job_retries, reuse
from steps.processing import argument, output_uri, processing_step

NOBODY = "0"
SERVERS = tuple(f"{role}{part}" for role in ("Champion", "Challenger") for part in ("Version", "ModelName", "ModelUri"))


def lookup_step(build: Build, side_by_side: ParameterBoolean) -> LambdaStep:
    """`ChallengerVersion` is "0" where nobody is to be compared with; its model is then the champion's."""
    return LambdaStep(
        name="Lookup",
        display_name="Find who serves",
        description="Looks up the champion, and for a comparison the newest challenger in service.",
        lambda_func=Lambda(function_arn=build.outputs["ChampionFunctionArn"], session=build.session),
        inputs={"Dimension": build.dimension, "SideBySide": side_by_side},
        outputs=[LambdaOutput(output_name=name, output_type=LambdaOutputTypeEnum.String) for name in SERVERS],
    )


def prepare_step(build: Build, lookup: LambdaStep) -> ProcessingStep:
    return processing_step(
        build,
        "Prepare",
        title="Prepare the rows",
        description="Writes the rows as each model reads them, and leaves out those that one refuses.",
        # the artifacts' own code reads the rows, which needs XGBoost
        image=build.xgboost_image,
        code=["batch/prepare.py", "batch/table.py", "evaluate/artifact.py"],
        inputs={
            "data": build.data_uri,
            "champion-model": lookup.properties.Outputs["ChampionModelUri"],
            "challenger-model": lookup.properties.Outputs["ChallengerModelUri"],
        },
        outputs=["champion", "challenger", "notes"],
        arguments=[
            argument("champion-version", lookup.properties.Outputs["ChampionVersion"]),
            argument("challenger-version", lookup.properties.Outputs["ChallengerVersion"]),
            argument("data-uri", build.data_uri),
            # A new file under the same key must not be answered from the cache.
            argument("data-version", build.data_version),
        ],
    )


def score_step(build: Build, prepare: ProcessingStep, lookup: LambdaStep, role: str) -> TransformStep:
    """A batch transform by the model of `role`, Champion or Challenger: a line in, its probability out."""
    transformer = Transformer(
        model_name=lookup.properties.Outputs[f"{role}ModelName"],
        instance_count=1,
        instance_type=build.settings.checks.model_instance_type,
        strategy="MultiRecord",
        assemble_with="Line",
        accept="text/csv",
        output_path=build.output(f"Score{role}", "answers"),
        tags=build.tags,
        sagemaker_session=build.session,
    )
    return TransformStep(
        name=f"Score{role}",
        display_name=f"Score by the {role.lower()}",
        description="Answers the rows as a batch.",
        step_args=transformer.transform(
            data=output_uri(prepare, role.lower()),
            content_type="text/csv",
            split_type="Line",
            job_name=f"Score{role}",
        ),
        cache_config=reuse(),
        retry_policies=job_retries(),
    )


def collect_step(build: Build, lookup: LambdaStep, prepare: ProcessingStep, champion: TransformStep) -> ProcessingStep:
    return processing_step(
        build,
        "Collect",
        title="Put the scores beside the rows",
        description="Writes predictions.csv: the rows as they came, each with its score.",
        image=build.sklearn_image,
        code=["batch/collect.py", "batch/table.py"],
        inputs={
            "data": build.data_uri,
            "answers": answers_uri(champion),
            "notes": output_uri(prepare, "notes"),
        },
        outputs=["result"],
        arguments=[
            argument("champion-version", lookup.properties.Outputs["ChampionVersion"]),
            argument("data-uri", build.data_uri),
        ],
        # the result of every execution stands in its own folder
        cached=False,
    )


def compare_step(
    build: Build, lookup: LambdaStep, prepare: ProcessingStep, champion: TransformStep, challenger: TransformStep
) -> ProcessingStep:
    data = build.settings.data
    return processing_step(
        build,
        "Compare",
        title="Put both scores beside the rows",
        description="Writes predictions.csv with both scores, and how far champion and challenger agree.",
        image=build.sklearn_image,
        code=["batch/compare.py", "batch/table.py", "evaluate/delong.py"],
        inputs={
            "data": build.data_uri,
            "champion": answers_uri(champion),
            "challenger": answers_uri(challenger),
            "notes": output_uri(prepare, "notes"),
        },
        outputs=["result"],
        arguments=[
            f"--label={data.label}",
            f"--positive={data.positive}",
            f"--alpha={build.settings.gates.alpha}",
            argument("champion-version", lookup.properties.Outputs["ChampionVersion"]),
            argument("challenger-version", lookup.properties.Outputs["ChallengerVersion"]),
            argument("data-uri", build.data_uri),
        ],
        cached=False,
    )


def alone_step(lookup: LambdaStep, alone: list[Step], compared: list[Step]) -> ConditionStep:
    return ConditionStep(
        name="Alone",
        display_name="Nobody to compare with?",
        description="If no comparison was asked for, or no challenger serves.",
        conditions=[ConditionEquals(left=lookup.properties.Outputs["ChallengerVersion"], right=NOBODY)],
        if_steps=alone,
        else_steps=compared,
    )


def answers_uri(score: TransformStep) -> Any:
    return score.properties.TransformOutput.S3OutputPath
