"""ModelBias: how the challenger's answers to the test rows differ between the facet's group and everyone else."""

from __future__ import annotations

from typing import Any

from sagemaker.mlops.workflow.steps import ProcessingStep

from contender.baselines import MODEL_BIAS
from steps.build import Build
from steps.check import CheckStep, analysis_config, bias_question, clarify_job, predictor
from steps.model_quality import THRESHOLD
from steps.processing import output_uri


def model_bias_step(build: Build, preprocess: ProcessingStep, model_name: Any) -> CheckStep:
    bias = build.settings.checks.bias
    return CheckStep(
        build,
        MODEL_BIAS,
        name="ModelBias",
        check_type="MODEL_BIAS",
        title="Check the model for bias",
        description=f"Post-training bias metrics for {bias.facet}, against the last approved version's.",
        job=clarify_job(build, output_uri(preprocess, "judged"), model_bias_config(build)),
        model_name=model_name,
        fail_on_violation=bias.fail_on_violation.model,
    )


def model_bias_config(build: Build) -> str:
    """The S3 address of the analysis config, which later monitors the endpoint for bias too."""
    # The model is not asked with columns that are no features.
    unseen = sorted({build.settings.checks.bias.facet, build.settings.checks.bias.group} & set(build.dropped))
    return analysis_config(
        build,
        {"post_training_bias": {"methods": "all"}},
        **bias_question(build),
        probability_threshold=THRESHOLD,
        predictor=predictor(build),
        **({"excluded_columns": unseen} if unseen else {}),
    )
