"""DataBias: how the training rows differ between the facet's group and everyone else, before any model."""

from __future__ import annotations

from sagemaker.mlops.workflow.steps import ProcessingStep

from contender.baselines import DATA_BIAS
from steps.build import Build
from steps.check import CheckStep, analysis_config, bias_question, clarify_job
from steps.processing import output_uri


def data_bias_step(build: Build, preprocess: ProcessingStep) -> CheckStep:
    bias = build.settings.checks.bias
    config = analysis_config(build, {"pre_training_bias": {"methods": "all"}}, **bias_question(build))
    return CheckStep(
        build,
        DATA_BIAS,
        name="DataBias",
        check_type="DATA_BIAS",
        title="Check the data for bias",
        description=f"Pre-training bias metrics for {bias.facet}, against the last approved version's.",
        job=clarify_job(build, output_uri(preprocess, "labelled"), config),
        fail_on_violation=bias.fail_on_violation.data,
    )
