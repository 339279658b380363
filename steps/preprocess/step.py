"""Preprocess: check the upload, split it without leakage, fit the encoder on the training rows."""

from __future__ import annotations

from sagemaker.mlops.workflow.steps import ProcessingStep

from steps.build import Build
from steps.processing import argument, processing_step


def preprocess_step(build: Build) -> ProcessingStep:
    data = build.settings.data
    dropped = [*data.drop, *([data.dimension_column] if data.dimension_column else [])]
    return processing_step(
        build,
        "Preprocess",
        title="Prepare the data",
        description="Checks the upload, splits it by customer and fits the encoder on the training rows.",
        image=build.sklearn_image,
        code=["preprocess/preprocess.py"],
        inputs={"data": build.data_uri},
        outputs=["train", "validation", "test", "encoder"],
        arguments=[
            f"--label={data.label}",
            f"--positive={data.positive}",
            *[f"--drop={column}" for column in dropped],
            *[f"--categorical={column}" for column in data.categorical],
            *[f"--split-by={column}" for column in data.split_by],
            f"--validation-share={data.validation_share}",
            f"--test-share={data.test_share}",
            argument("data-uri", build.data_uri),
            # A new upload under the same key must not be answered from the cache.
            argument("data-version", build.data_version),
        ],
    )
