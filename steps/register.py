"""Register: the challenger becomes a version of its dimension, with its metrics, baselines and origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagemaker.core.drift_check_baselines import DriftCheckBaselines
from sagemaker.core.model_life_cycle import ModelLifeCycle
from sagemaker.core.model_metrics import FileSource, MetricsSource, ModelMetrics
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.steps import ProcessingStep
from sagemaker.serve.model_builder import ModelBuilder

from steps.build import CONTENT_TYPES, SERVING, Build, service_retries, untracked
from steps.check import CONSTRAINTS, STATISTICS, CheckStep
from steps.explainability import explainability_config
from steps.model_bias import model_bias_config
from steps.processing import output_uri


@dataclass(frozen=True, slots=True)
class Checks:
    """The pipeline's checks; those for bias only where there is a facet."""

    data_quality: CheckStep
    data_bias: CheckStep | None
    model_quality: CheckStep
    model_bias: CheckStep | None
    explainability: CheckStep


def register_step(
    build: Build, artifact_uri: Any, evaluate: ProcessingStep, checks: Checks, search: Mapping[str, Any]
) -> ModelStep:
    """`search` is metadata: which tuning job the version came from."""
    settings = build.settings
    builder = ModelBuilder(
        image_uri=build.xgboost_image,
        s3_model_data_url=artifact_uri,
        role_arn=build.role,
        sagemaker_session=build.session,
        # Left out, the SDK writes empty SAGEMAKER_ variables and the package would not serve.
        dependencies={},
        env_vars=dict(SERVING),
    )
    return ModelStep(
        name="Register",
        display_name="Register the challenger",
        description="Adds a version to the dimension's model package group.",
        step_args=untracked(builder.register)(
            model_package_group_name=build.group,
            content_types=CONTENT_TYPES,
            response_types=CONTENT_TYPES,
            inference_instances=[settings.endpoint.instance_type],
            transform_instances=[settings.endpoint.instance_type],
            approval_status="Approved" if settings.approval == "automatic" else "PendingManualApproval",
            model_metrics=_metrics(evaluate, checks),
            drift_check_baselines=_baselines(build, checks),
            customer_metadata_properties={**_origin(build, checks), **search},
            model_life_cycle=ModelLifeCycle(
                stage="Challenger", stage_status="Pending", stage_description="Registered, not deployed yet"
            ),
        ),
        retry_policies=service_retries(),
    )


def _metrics(evaluate: ProcessingStep, checks: Checks) -> ModelMetrics:
    """What was measured of this version. The model's statistics are the evaluation report, which has AWS's own form and
    holds the comparison with the champion and the gate's rules as well."""
    return ModelMetrics(
        model_statistics=_json(Join(on="/", values=[output_uri(evaluate, "evaluation"), "evaluation.json"])),
        model_constraints=_json(checks.model_quality.calculated(CONSTRAINTS)),
        model_data_statistics=_json(checks.data_quality.calculated(STATISTICS)),
        model_data_constraints=_json(checks.data_quality.calculated(CONSTRAINTS)),
        bias_pre_training=checks.data_bias and _json(checks.data_bias.calculated(CONSTRAINTS)),
        bias_post_training=checks.model_bias and _json(checks.model_bias.calculated(CONSTRAINTS)),
        explainability=_json(checks.explainability.calculated(CONSTRAINTS)),
    )


def _baselines(build: Build, checks: Checks) -> DriftCheckBaselines:
    """What later versions, and one day the endpoint's traffic, are compared with."""
    return DriftCheckBaselines(
        model_statistics=_json(checks.model_quality.baseline(STATISTICS)),
        model_constraints=_json(checks.model_quality.baseline(CONSTRAINTS)),
        model_data_statistics=_json(checks.data_quality.baseline(STATISTICS)),
        model_data_constraints=_json(checks.data_quality.baseline(CONSTRAINTS)),
        bias_config_file=checks.model_bias and _file(model_bias_config(build)),
        bias_pre_training_constraints=checks.data_bias and _json(checks.data_bias.baseline(CONSTRAINTS)),
        bias_post_training_constraints=checks.model_bias and _json(checks.model_bias.baseline(CONSTRAINTS)),
        explainability_config_file=_file(explainability_config(build)),
        explainability_constraints=_json(checks.explainability.baseline(CONSTRAINTS)),
    )


def _origin(build: Build, checks: Checks) -> dict[str, Any]:
    """Where the version came from, and the one file about it that ModelMetrics has no place for."""
    return {
        "dimension": build.dimension,
        "dataUri": build.data_uri,
        "dataVersion": build.data_version,
        "codeVersion": build.code_version,
        "executionArn": ExecutionVariables.PIPELINE_EXECUTION_ARN,
        "modelQualityStatistics": checks.model_quality.calculated(STATISTICS),
    }


def _json(uri: Any) -> MetricsSource:
    return MetricsSource(content_type="application/json", s3_uri=uri)


def _file(uri: str) -> FileSource:
    return FileSource(content_type="application/json", s3_uri=uri)
