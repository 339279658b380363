"""DataQuality: profile the training rows, and compare them with those of the last approved version."""

from __future__ import annotations

from sagemaker.mlops.workflow.steps import ProcessingStep

from contender.baselines import DATA_QUALITY
from steps.build import Build
from steps.check import CheckStep, monitor_job
from steps.processing import output_uri


def data_quality_step(build: Build, preprocess: ProcessingStep) -> CheckStep:
    return CheckStep(
        build,
        DATA_QUALITY,
        name="DataQuality",
        check_type="DATA_QUALITY",
        title="Check the data",
        description="Types, missing values, categories and distributions, against the last approved version's.",
        job=monitor_job(build, output_uri(preprocess, "baseline"), header=True),
        fail_on_violation=build.settings.checks.data_quality.fail_on_violation,
    )
