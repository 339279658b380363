"""Evaluate: challenger and champion answer the same held-out rows; the report says who is better and who may pass."""

from __future__ import annotations

from typing import Any

from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.lambda_step import LambdaStep
from sagemaker.mlops.workflow.steps import ProcessingStep

from contender.config import Settings
from steps.build import Build
from steps.preprocess.step import FACETS
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
        description="Scores both on the same held-out raw rows, compares them (DeLong) and judges by the gate's rules.",
        image=build.xgboost_image,
        code=[*[f"evaluate/{name}.py" for name in ("evaluate", "artifact", "bias", "delong", "roc", "rules")], FACETS],
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
            f"--margin={gates.margin}",
            f"--alpha={gates.alpha}",
            *_limits(build.settings),
            argument("champion-version", champion.properties.Outputs["ChampionVersion"]),
        ],
    )


def _limits(settings: Settings) -> list[str]:
    """The optional rules: what the settings leave out is not measured."""
    gates, (facet, values) = settings.gates, settings.gate_facet
    given = {"max-latency-ms": gates.max_latency_ms, "max-size-mb": gates.max_size_mb}
    words = [f"--{name}={limit}" for name, limit in given.items() if limit is not None]
    if gates.bias.limit is not None:
        words += [f"--bias-metric={gates.bias.metric}", f"--bias-limit={gates.bias.limit}", f"--facet={facet}"]
        words += [f"--facet-value={value}" for value in values]
    return words
