"""Evaluate: challenger and champion answer the same held-out rows; the report says who is better and who may pass."""

from __future__ import annotations

from typing import Any

from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.lambda_step import LambdaStep
from sagemaker.mlops.workflow.steps import ProcessingStep

from steps.build import Build
from steps.processing import argument, output_uri, processing_step

REPORT = PropertyFile(name="Evaluation", output_name="evaluation", path="evaluation.json")


def evaluate_step(
    build: Build, preprocess: ProcessingStep, challenger_uri: Any, champion: LambdaStep
) -> ProcessingStep:
    data, gates = build.settings.data, build.settings.gates
    return processing_step(
        build,
        "Evaluate",
        title="Compare with the champion",
        description="Scores both on the same held-out raw rows: AUC, accuracy, log loss, DeLong's test.",
        image=build.xgboost_image,
        code=["evaluate/evaluate.py"],
        inputs={
            "test": output_uri(preprocess, "test"),
            "challenger": challenger_uri,
            "champion": champion.properties.Outputs["ChampionModelUri"],
        },
        outputs=["evaluation"],
        property_files=[REPORT],
        arguments=[
            f"--label={data.label}",
            f"--positive={data.positive}",
            f"--min-auc={gates.min_auc}",
            f"--max-auc-drop={gates.max_auc_drop}",
            f"--alpha={gates.alpha}",
            argument("champion-version", champion.properties.Outputs["ChampionVersion"]),
        ],
    )
