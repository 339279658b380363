"""Register: the challenger becomes a version of its dimension, with its metrics and where it came from."""

from __future__ import annotations

from typing import Any

from sagemaker.core.model_life_cycle import ModelLifeCycle
from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.steps import ProcessingStep
from sagemaker.serve.model_builder import ModelBuilder

from steps.build import Build, service_retries, untracked
from steps.processing import output_uri

CONTENT_TYPES = ["text/csv", "application/json", "application/jsonlines"]


def register_step(build: Build, artifact_uri: Any, evaluate: ProcessingStep) -> ModelStep:
    settings = build.settings
    builder = ModelBuilder(
        image_uri=build.xgboost_image,
        s3_model_data_url=artifact_uri,
        role_arn=build.role,
        sagemaker_session=build.session,
        # Left out, the SDK writes empty SAGEMAKER_ variables and the package would not serve.
        dependencies={},
        env_vars={"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
    )
    report = Join(on="/", values=[output_uri(evaluate, "evaluation"), "evaluation.json"])
    return ModelStep(
        name="Register",
        display_name="Register the challenger",
        description="Adds a version to the dimension's model package group.",
        step_args=untracked(builder.register)(
            model_package_group_name=Join(on="-", values=[settings.project, build.dimension]),
            content_types=CONTENT_TYPES,
            response_types=CONTENT_TYPES,
            inference_instances=[settings.endpoint.instance_type],
            transform_instances=[settings.endpoint.instance_type],
            approval_status="Approved" if settings.approval == "automatic" else "PendingManualApproval",
            model_metrics=ModelMetrics(model_statistics=MetricsSource(content_type="application/json", s3_uri=report)),
            customer_metadata_properties={
                "dimension": build.dimension,
                "dataUri": build.data_uri,
                "dataVersion": build.data_version,
                "executionArn": ExecutionVariables.PIPELINE_EXECUTION_ARN,
            },
            model_life_cycle=ModelLifeCycle(
                stage="Challenger", stage_status="Pending", stage_description="Registered, not deployed yet"
            ),
        ),
        retry_policies=service_retries(),
    )
