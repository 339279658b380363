"""Preprocess: check the upload, split it without leakage, fit the encoder on the training rows."""

from __future__ import annotations

from sagemaker.mlops.workflow.steps import ProcessingStep

from steps.build import Build
from steps.processing import argument, processing_step

FACETS = "preprocess/facets.py"
OUTPUTS = ["train", "validation", "test", "encoder", "baseline", "score", "explain"]
OUTPUTS_WITH_A_FACET = ["labelled", "judged"]


def preprocess_step(build: Build) -> ProcessingStep:
    data, checks, gate = build.settings.data, build.settings.checks, build.settings.gates.bias
    return processing_step(
        build,
        "Preprocess",
        title="Prepare the data",
        description="Checks the upload, splits it by customer and fits the encoder on the training rows.",
        image=build.sklearn_image,
        code=["preprocess/preprocess.py", FACETS],
        inputs={"data": build.data_uri},
        outputs=[*OUTPUTS, *(OUTPUTS_WITH_A_FACET if checks.bias.facet else [])],
        arguments=[
            f"--label={data.label}",
            f"--positive={data.positive}",
            *[f"--drop={column}" for column in build.dropped],
            *[f"--categorical={column}" for column in data.categorical],
            *[f"--split-by={column}" for column in data.split_by],
            f"--validation-share={data.validation_share}",
            f"--test-share={data.test_share}",
            f"--explain-rows={checks.explainability.rows}",
            *([f"--facet={checks.bias.facet}"] if checks.bias.facet else []),
            *[f"--facet-value={value}" for value in checks.bias.facet_values],
            *([f"--group={checks.bias.group}"] if checks.bias.group else []),
            *([f"--gate-facet={gate.facet}"] if gate.facet and gate.limit is not None else []),
            *[f"--gate-facet-value={value}" for value in gate.facet_values if gate.limit is not None],
            argument("data-uri", build.data_uri),
            # A new upload under the same key must not be answered from the cache.
            argument("data-version", build.data_version),
        ],
    )
