"""All five checks and the registration of their baselines in the SageMaker SDK's own words; run as a program.

Arguments: a bucket, a prefix of keys, a model, its archive's address, a model package group. Prints the definition.
Where the SDK looks for S3 there must be one: Clarify's steps upload their analysis configuration when they are made.
"""

from __future__ import annotations

import sys

import boto3
from sagemaker.core.clarify import BiasConfig, DataConfig, ModelConfig, ModelPredictedLabelConfig, SHAPConfig
from sagemaker.core.drift_check_baselines import DriftCheckBaselines
from sagemaker.core.model_metrics import FileSource, MetricsSource, ModelMetrics
from sagemaker.core.model_monitor import DatasetFormat
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterBoolean, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.check_job_config import CheckJobConfig
from sagemaker.mlops.workflow.clarify_check_step import (
    ClarifyCheckStep,
    DataBiasCheckConfig,
    ModelBiasCheckConfig,
    ModelExplainabilityCheckConfig,
)
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.quality_check_step import (
    DataQualityCheckConfig,
    ModelQualityCheckConfig,
    QualityCheckStep,
)
from sagemaker.mlops.workflow.steps import CacheConfig
from sagemaker.serve.model_builder import ModelBuilder

ROLE = "arn:aws:iam::000000000000:role/pipeline"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"

bucket, prefix, model, artifact, group = sys.argv[1:]
place = f"s3://{bucket}/{prefix}"
session = PipelineSession(boto_session=boto3.Session(region_name="us-east-1"), default_bucket=bucket)
skip = ParameterBoolean("SkipCheck", default_value=False)
register_new = ParameterBoolean("RegisterNewBaseline", default_value=False)
fail = ParameterBoolean("FailOnViolation", default_value=True)
data = ParameterString("Data")
predictions = ParameterString("Predictions")
supplied = ParameterString("SuppliedBias", "")
job = CheckJobConfig(role=ROLE, instance_type="ml.m5.large", max_runtime_in_seconds=600, sagemaker_session=session)
flags = {
    "check_job_config": job,
    "skip_check": skip,
    "register_new_baseline": register_new,
    "fail_on_violation": fail,
    "model_package_group_name": group,
    "cache_config": CacheConfig(enable_caching=True, expire_after="P30D"),
}


def output(name):
    return Join(on="/", values=[place, ExecutionVariables.PIPELINE_EXECUTION_ID, name])


def data_config(name):
    return DataConfig(
        s3_data_input_path=data,
        s3_output_path=output(name),
        s3_analysis_config_output_path=f"{place}/config/{name}",
        label="label",
        headers=["label", "facet", "x", "y"],
        dataset_type="text/csv",
    )


bias = BiasConfig(label_values_or_threshold=[1], facet_name="facet", facet_values_or_threshold=[1])
served = ModelConfig(model_name=model, instance_type="ml.m5.large", instance_count=1, accept_type="text/csv")
data_quality = QualityCheckStep(
    "DataQuality",
    quality_check_config=DataQualityCheckConfig(
        baseline_dataset=data, dataset_format=DatasetFormat.csv(header=True), output_s3_uri=output("data-quality")
    ),
    **flags,
)
model_quality = QualityCheckStep(
    "ModelQuality",
    quality_check_config=ModelQualityCheckConfig(
        baseline_dataset=predictions,
        dataset_format=DatasetFormat.csv(header=True),
        output_s3_uri=output("model-quality"),
        problem_type="BinaryClassification",
        inference_attribute="prediction",
        probability_attribute="probability",
        ground_truth_attribute="label",
    ),
    **flags,
)
data_bias_config = DataBiasCheckConfig(data_config=data_config("data-bias"), data_bias_config=bias)
data_bias = ClarifyCheckStep(
    "DataBias", clarify_check_config=data_bias_config, supplied_baseline_constraints=supplied, **flags
)
model_bias_config = ModelBiasCheckConfig(
    data_config=data_config("model-bias"),
    data_bias_config=bias,
    model_config=served,
    model_predicted_label_config=ModelPredictedLabelConfig(probability_threshold=0.5),
)
model_bias = ClarifyCheckStep("ModelBias", clarify_check_config=model_bias_config, **flags)
explainability_config = ModelExplainabilityCheckConfig(
    data_config=data_config("explainability"),
    model_config=served,
    explainability_config=SHAPConfig(baseline=[[0, 0.5, 0.5]], num_samples=50, agg_method="mean_abs"),
)
explainability = ClarifyCheckStep("Explainability", clarify_check_config=explainability_config, **flags)


def source(uri):
    return MetricsSource(content_type="application/json", s3_uri=uri)


def file(uri):
    return FileSource(content_type="application/json", s3_uri=uri)


register = ModelStep(
    "Register",
    step_args=ModelBuilder(
        image_uri=IMAGE, s3_model_data_url=artifact, role_arn=ROLE, sagemaker_session=session, dependencies={}
    ).register(
        model_package_group_name=group,
        content_types=["text/csv"],
        response_types=["text/csv"],
        approval_status="Approved",
        model_metrics=ModelMetrics(
            model_statistics=source(model_quality.properties.CalculatedBaselineStatistics),
            model_constraints=source(model_quality.properties.CalculatedBaselineConstraints),
            model_data_statistics=source(data_quality.properties.CalculatedBaselineStatistics),
            model_data_constraints=source(data_quality.properties.CalculatedBaselineConstraints),
            bias_pre_training=source(data_bias.properties.CalculatedBaselineConstraints),
            bias_post_training=source(model_bias.properties.CalculatedBaselineConstraints),
            explainability=source(explainability.properties.CalculatedBaselineConstraints),
        ),
        drift_check_baselines=DriftCheckBaselines(
            model_statistics=source(model_quality.properties.BaselineUsedForDriftCheckStatistics),
            model_constraints=source(model_quality.properties.BaselineUsedForDriftCheckConstraints),
            model_data_statistics=source(data_quality.properties.BaselineUsedForDriftCheckStatistics),
            model_data_constraints=source(data_quality.properties.BaselineUsedForDriftCheckConstraints),
            bias_config_file=file(model_bias_config.monitoring_analysis_config_uri),
            bias_pre_training_constraints=source(data_bias.properties.BaselineUsedForDriftCheckConstraints),
            bias_post_training_constraints=source(model_bias.properties.BaselineUsedForDriftCheckConstraints),
            explainability_constraints=source(explainability.properties.BaselineUsedForDriftCheckConstraints),
            explainability_config_file=file(explainability_config.monitoring_analysis_config_uri),
        ),
    ),
)
pipeline = Pipeline(
    name="checks",
    parameters=[skip, register_new, fail, data, predictions, supplied],
    steps=[data_quality, model_quality, data_bias, model_bias, explainability, register],
    sagemaker_session=session,
)
sys.stdout.write(pipeline.definition())
