"""Runs one step of a pipeline again with the SDK, on what its latest execution left; prints the new execution's ARN."""

from __future__ import annotations

import sys

import boto3
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.parallelism_config import ParallelismConfiguration
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.selective_execution_config import SelectiveExecutionConfig

name, step, endpoint = sys.argv[1:]
session = PipelineSession(boto_session=boto3.Session(region_name="us-east-1"), default_bucket="bucket")
execution = Pipeline(name, steps=[], sagemaker_session=session).start(
    parameters={"Endpoint": endpoint},
    selective_execution_config=SelectiveExecutionConfig(selected_steps=[step]),
    parallelism_config=ParallelismConfiguration(1),
)
sys.stdout.write(execution.arn)
