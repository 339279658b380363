"""Explainability: which columns the challenger's answers come from (SHAP), and whether their order has changed."""

from __future__ import annotations

from typing import Any

from sagemaker.mlops.workflow.steps import ProcessingStep

from contender.baselines import EXPLAINABILITY
from steps.build import Build
from steps.check import CheckStep, analysis_config, clarify_job, predictor
from steps.processing import output_uri


def explainability_step(build: Build, preprocess: ProcessingStep, model_name: Any) -> CheckStep:
    return CheckStep(
        build,
        EXPLAINABILITY,
        name="Explainability",
        check_type="MODEL_EXPLAINABILITY",
        title="Explain the model",
        description="SHAP values of a sample of the test rows, and their order against the last approved version's.",
        job=clarify_job(build, output_uri(preprocess, "explain"), explainability_config(build)),
        model_name=model_name,
        fail_on_violation=build.settings.checks.explainability.fail_on_violation,
    )


def explainability_config(build: Build) -> str:
    """The S3 address of the analysis config, which later monitors the endpoint's attributions too."""
    shap = {
        # One typical row to compare with: each more would multiply the questions to the model.
        "num_clusters": 1,
        "num_samples": build.settings.checks.explainability.samples,
        "agg_method": "mean_abs",
        "save_local_shap_values": True,
        "seed": 0,
    }
    return analysis_config(build, {"shap": shap}, predictor=predictor(build))
