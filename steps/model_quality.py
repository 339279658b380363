"""ModelQuality: figures of the challenger's answers to the test rows, against the last approved version's."""

from __future__ import annotations

from sagemaker.mlops.workflow.steps import TransformStep

from contender.baselines import MODEL_QUALITY
from steps.build import Build
from steps.check import CheckStep, monitor_job

THRESHOLD = 0.5


def model_quality_step(build: Build, transform: TransformStep) -> CheckStep:
    """Reads the transform's lines, `<label>,<probability>`."""
    return CheckStep(
        build,
        MODEL_QUALITY,
        name="ModelQuality",
        check_type="MODEL_QUALITY",
        title="Check the model",
        description="Accuracy, AUC, precision and recall on the test rows, against the last approved version's.",
        job=monitor_job(
            build,
            transform.properties.TransformOutput.S3OutputPath,
            header=False,
            analysis_type="MODEL_QUALITY",
            problem_type="BinaryClassification",
            ground_truth_attribute="_c0",
            probability_attribute="_c1",
            probability_threshold_attribute=str(THRESHOLD),
        ),
        fail_on_violation=build.settings.checks.model_quality.fail_on_violation,
    )
