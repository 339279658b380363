"""Package: pack booster, encoder and serving code into the one artifact that is evaluated and then served."""

from __future__ import annotations

from typing import Any

from sagemaker.core.workflow.functions import Join
from sagemaker.mlops.workflow.steps import ProcessingStep

from steps.build import Build
from steps.processing import output_uri, processing_step


def package_step(build: Build, model_uri: Any, preprocess: ProcessingStep) -> ProcessingStep:
    return processing_step(
        build,
        "Package",
        title="Pack the model",
        description="Packs booster, encoder and serving code, so that raw rows can be answered, and tries one.",
        image=build.xgboost_image,
        code=["package/package.py", "package/inference.py"],
        inputs={"model": model_uri, "encoder": output_uri(preprocess, "encoder")},
        outputs=["artifact"],
    )


def artifact_uri(package: ProcessingStep) -> Join:
    """The packed model.tar.gz."""
    return Join(on="/", values=[output_uri(package, "artifact"), "model.tar.gz"])
