"""Clarify jobs as the SageMaker SDK's own documentation runs them: `sdk_processor.py BUCKET PREFIX MODEL`.

A program, because importing the SDK takes seconds.
"""

from __future__ import annotations

import sys

import boto3
from sagemaker.core import clarify
from sagemaker.core.helper.session_helper import Session

ROLE = "arn:aws:iam::000000000000:role/test"
bucket, prefix, model = sys.argv[1:]
root = f"s3://{bucket}/{prefix}"
session = Session(boto_session=boto3.Session(region_name="us-east-1"), default_bucket=bucket)
processor = clarify.SageMakerClarifyProcessor(
    role=ROLE, instance_count=1, instance_type="ml.c4.xlarge", sagemaker_session=session
)
headers = ["label", "x0", "x1", "x2", "x3", "x4", "x5"]


def data(output: str) -> clarify.DataConfig:
    return clarify.DataConfig(
        s3_data_input_path=f"{root}/data.csv",
        s3_output_path=f"{root}/{output}",
        label="label",
        headers=headers,
        dataset_type="text/csv",
    )


bias = clarify.BiasConfig(label_values_or_threshold=[1], facet_name="x5", facet_values_or_threshold=[0.5])
served = clarify.ModelConfig(
    model_name=model, instance_type="ml.m5.xlarge", instance_count=1, accept_type="text/csv", content_type="text/csv"
)
predicted = clarify.ModelPredictedLabelConfig(probability_threshold=0.6)
processor.run_pre_training_bias(data_config=data("pre"), data_bias_config=bias, methods=["CI", "DPL"], logs=False)
processor.run_bias_and_explainability(
    data_config=data("both"),
    model_config=served,
    explainability_config=[
        clarify.SHAPConfig(baseline=[[0.5] * 6], num_samples=40, agg_method="mean_abs", use_logit=True),
        clarify.PDPConfig(grid_resolution=5, top_k_features=2),
    ],
    bias_config=bias,
    model_predicted_label_config=predicted,
    logs=False,
)
wrong = clarify.ModelConfig(model_name="nobody", instance_type="ml.m5.xlarge", instance_count=1)
processor.run_post_training_bias(
    data_config=data("none"),
    data_bias_config=bias,
    model_config=wrong,
    model_predicted_label_config=predicted,
    job_name=f"{prefix}-nobody",
    wait=False,
    logs=False,
)
