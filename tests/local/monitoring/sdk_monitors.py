"""Model monitors as the SageMaker SDK's own documentation runs them: `sdk_monitors.py BUCKET PREFIX ENDPOINT`.

A program, because importing the SDK takes seconds. It prints a line of JSON for each thing that the test looks at.
"""

from __future__ import annotations

import json
import sys
import time

import boto3
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.model_monitor import (
    CronExpressionGenerator,
    DefaultModelMonitor,
    EndpointInput,
    ModelQualityMonitor,
)
from sagemaker.core.model_monitor.dataset_format import DatasetFormat

ROLE = "arn:aws:iam::000000000000:role/test"
bucket, prefix, endpoint = sys.argv[1:]
root = f"s3://{bucket}/{prefix}"
session = Session(boto_session=boto3.Session(region_name="us-east-1"), default_bucket=bucket)


def say(what: str, value: object) -> None:
    print(json.dumps({what: value}, default=str), flush=True)


def last_execution(monitor: DefaultModelMonitor | ModelQualityMonitor) -> dict[str, object]:
    """The way AWS's notebooks wait for it."""
    while True:
        summary = monitor.describe_schedule().get("LastMonitoringExecutionSummary", {})
        if summary.get("MonitoringExecutionStatus", "Pending") not in ("Pending", "InProgress"):
            return summary
        time.sleep(1)


machine = {
    "role": ROLE,
    "instance_count": 1,
    "instance_type": "ml.m5.xlarge",
    "volume_size_in_gb": 20,
    "max_runtime_in_seconds": 1800,
    "sagemaker_session": session,
}
now = {
    "schedule_cron_expression": CronExpressionGenerator.now(),
    "data_analysis_start_time": "-PT1H",
    "data_analysis_end_time": "-PT0H",
    "enable_cloudwatch_metrics": True,
}

data = DefaultModelMonitor(**machine)
data.suggest_baseline(
    baseline_dataset=f"{root}/rows.csv",
    dataset_format=DatasetFormat.csv(header=False),
    output_s3_uri=f"{root}/data-baseline",
    wait=True,
    logs=False,
)
data.create_monitoring_schedule(
    monitor_schedule_name=f"{endpoint}-data",
    endpoint_input=endpoint,
    output_s3_uri=f"{root}/reports",
    statistics=data.baseline_statistics(),
    constraints=data.suggested_constraints(),
    **now,
)

quality = ModelQualityMonitor(**machine)
quality.suggest_baseline(
    baseline_dataset=f"{root}/predictions.csv",
    dataset_format=DatasetFormat.csv(header=True),
    output_s3_uri=f"{root}/quality-baseline",
    problem_type="BinaryClassification",
    probability_attribute="probability",
    ground_truth_attribute="label",
    wait=True,
    logs=False,
)
quality.create_monitoring_schedule(
    monitor_schedule_name=f"{endpoint}-quality",
    endpoint_input=EndpointInput(
        endpoint_name=endpoint,
        destination="/opt/ml/processing/input_data",
        probability_attribute="0",
        probability_threshold_attribute=0.5,
    ),
    ground_truth_input=f"{root}/labels",
    problem_type="BinaryClassification",
    output_s3_uri=f"{root}/reports",
    constraints=quality.suggested_constraints(),
    **now,
)

for name, monitor in (("data", data), ("quality", quality)):
    say(name, last_execution(monitor))
    say(f"{name} jobs", [each.processing_job_name for each in monitor.list_executions()])
    say(f"{name} violations", monitor.latest_monitoring_constraint_violations().body_dict["violations"])
    say(f"{name} rows", monitor.latest_monitoring_statistics().body_dict["dataset"]["item_count"])
data.stop_monitoring_schedule()
say("stopped", data.describe_schedule()["MonitoringScheduleStatus"])
for monitor in (data, quality):
    monitor.delete_monitoring_schedule()
