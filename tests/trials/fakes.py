"""An execution that has ended, as SageMaker and S3 tell of it, and the trial components that are written of it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from contender.naming import Names
from tests.lambdas.fakes import Fake, client_error, operation

NAMES = Names("contender")
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:000000000000"
EXECUTION = f"{ARN}:pipeline/contender/execution/abcdefghijkl"
PACKAGE = f"{ARN}:model-package/contender-A/3"
REPORT_URI = "s3://artifacts/runs/A/abcdefghijkl/Evaluate/evaluation/evaluation.json"
REPORT: dict[str, Any] = {
    "dataset": {"item_count": 500, "positive_count": 250},
    "binary_classification_metrics": {
        "auc": {"value": 0.91, "standard_deviation": 0.01},
        "log_loss": {"value": 0.4, "standard_deviation": 0.02},
    },
    "champion": {"version": "2", "auc": {"value": 0.9, "standard_deviation": 0.01}},
    "difference": {"auc": 0.01, "lower": -0.004, "confidence": 0.95},
    "gate": {
        "passed": True,
        "reason": "Passed: AUC 0.9100 reaches the floor of 0.75",
        "rules": {
            "auc": {"figure": 0.91, "limit": 0.75, "verdict": "passed", "sentence": "AUC is high"},
            "possible_loss": {"figure": 0.004, "limit": 0.01, "verdict": "passed", "sentence": "not below"},
        },
    },
}
REFUSED = {"passed": False, "reason": "Refused: AUC 0.9100 is below the floor of 0.95", "rules": {}}
TRAIN = {"TrainingJob": {"Arn": f"{ARN}:training-job/train-1"}}
TUNE = {"TuningJob": {"Arn": f"{ARN}:hyper-parameter-tuning-job/tune-1"}}
EVALUATE = {"ProcessingJob": {"Arn": f"{ARN}:processing-job/evaluate-1"}}
REGISTER = {"RegisterModel": {"Arn": PACKAGE}}

CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}


def gate(passed: bool) -> dict[str, Any]:
    return {"Condition": {"Outcome": "True" if passed else "False"}}


class FakeS3:
    def __init__(self) -> None:
        self.objects: dict[str, Any] = {REPORT_URI: REPORT}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        uri = f"s3://{Bucket}/{Key}"
        if uri not in self.objects:
            raise client_error("GetObject", "NoSuchKey", "no such key", 404)
        return {"Body": io.BytesIO(json.dumps(self.objects[uri]).encode())}


class FakeSageMaker(Fake):
    """One execution, by default of a challenger that was registered; `metadata` are its steps'."""

    service = "sagemaker"

    def __init__(self) -> None:
        super().__init__()
        self.status, self.reason = "Succeeded", ""
        self.trial: str | None = "abcdefghijkl"
        self.metadata: dict[str, dict[str, Any]] = {
            "Train": TRAIN,
            "Evaluate": EVALUATE,
            "Gate": gate(True),
            "Register": REGISTER,
        }
        self.gone: set[str] = set()
        self.pipeline_changed = START - timedelta(days=1)
        self.components: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, Any] = {}
        self.trials: dict[str, set[str]] = {}
        self.comes_first: dict[str, Any] | None = None

    def get_paginator(self, name: str) -> Any:
        fake = self

        class Paginator:
            @staticmethod
            def paginate(**request: Any) -> Iterator[dict[str, Any]]:
                yield getattr(fake, name)(**request)

        return Paginator()

    @operation
    def describe_pipeline(self, *, PipelineName: str) -> dict[str, Any]:
        arn = f"{ARN}:pipeline/{PipelineName}"
        return {"PipelineArn": arn, "PipelineName": PipelineName, "LastModifiedTime": self.pipeline_changed}

    @operation
    def list_tags(self, *, ResourceArn: str) -> dict[str, Any]:
        return {"Tags": [{"Key": "commit", "Value": "0123456789abcdef"}]}

    @operation
    def describe_pipeline_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        config = {"PipelineExperimentConfig": {"ExperimentName": "contender", "TrialName": self.trial}}
        return {
            "PipelineExecutionArn": PipelineExecutionArn,
            "PipelineExecutionDisplayName": "A-0123abcd",
            "PipelineExecutionStatus": self.status,
            "CreationTime": START,
            "LastModifiedTime": START + timedelta(seconds=90),
            **({"FailureReason": self.reason} if self.reason else {}),
            **(config if self.trial else {}),
        }

    @operation
    def describe_pipeline_definition_for_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        register = {"Name": "Register", "Arguments": {"CustomerMetadataProperties": {"codeVersion": "c0de"}}}
        steps = [{"Name": "Train"}, {"Name": "Gate", "Arguments": {"IfSteps": [register], "ElseSteps": []}}]
        return {"PipelineDefinition": json.dumps({"Steps": steps})}

    @operation
    def list_pipeline_parameters_for_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        given = {
            "Dimension": "A",
            "InputDataUri": "s3://data/data/A/march.csv",
            "DataVersion": "v1",
            "SkipDataQualityCheck": "true",
        }
        return {"PipelineParameters": [{"Name": name, "Value": value} for name, value in given.items()]}

    @operation
    def list_pipeline_execution_steps(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        return {
            "PipelineExecutionSteps": [
                {"StepName": name, "StepStatus": "Succeeded", "Metadata": metadata}
                for name, metadata in self.metadata.items()
            ]
        }

    @operation
    def describe_processing_job(self, *, ProcessingJobName: str) -> dict[str, Any]:
        self._there("DescribeProcessingJob", ProcessingJobName, "ValidationException")
        place = {"S3Uri": REPORT_URI.rpartition("/")[0], "LocalPath": "/opt/ml/x", "S3UploadMode": "EndOfJob"}
        return {
            "ProcessingJobName": ProcessingJobName,
            "ProcessingJobArn": f"{ARN}:processing-job/{ProcessingJobName}",
            "ProcessingJobStatus": "Completed",
            "ProcessingResources": {"ClusterConfig": CLUSTER},
            "AppSpecification": {"ImageUri": "xgboost"},
            "ProcessingOutputConfig": {"Outputs": [{"OutputName": "evaluation", "S3Output": place}]},
            "CreationTime": START,
        }

    @operation
    def describe_training_job(self, *, TrainingJobName: str) -> dict[str, Any]:
        self._there("DescribeTrainingJob", TrainingJobName, "ValidationException")
        return {
            "TrainingJobName": TrainingJobName,
            "TrainingJobArn": f"{ARN}:training-job/{TrainingJobName}",
            "TrainingJobStatus": "Completed",
            "SecondaryStatus": "Completed",
            "ModelArtifacts": {"S3ModelArtifacts": "s3://artifacts/model.tar.gz"},
            "AlgorithmSpecification": {"TrainingInputMode": "File"},
            "ResourceConfig": CLUSTER,
            "StoppingCondition": {},
            "CreationTime": START,
            "HyperParameters": {"eta": "0.2", "objective": "binary:logistic", "_tuning_objective_metric": "x"},
            "FinalMetricDataList": [{"MetricName": "validation:auc", "Value": 0.93, "Timestamp": START}],
        }

    @operation
    def describe_hyper_parameter_tuning_job(self, *, HyperParameterTuningJobName: str) -> dict[str, Any]:
        self._there("DescribeHyperParameterTuningJob", HyperParameterTuningJobName, "ResourceNotFound")
        return {
            "HyperParameterTuningJobName": HyperParameterTuningJobName,
            "HyperParameterTuningJobArn": f"{ARN}:hyper-parameter-tuning-job/{HyperParameterTuningJobName}",
            "HyperParameterTuningJobConfig": {"Strategy": "Bayesian", "ResourceLimits": {"MaxParallelTrainingJobs": 1}},
            "HyperParameterTuningJobStatus": "Completed",
            "CreationTime": START,
            "TrainingJobStatusCounters": {},
            "ObjectiveStatusCounters": {},
            "BestTrainingJob": {
                "TrainingJobName": "tune-1-007",
                "TrainingJobArn": f"{ARN}:training-job/tune-1-007",
                "TrainingJobStatus": "Completed",
                "CreationTime": START,
                "TunedHyperParameters": {"eta": "0.31"},
            },
        }

    @operation
    def describe_trial_component(self, *, TrialComponentName: str) -> dict[str, Any]:
        if TrialComponentName not in self.components:
            raise client_error("DescribeTrialComponent", "ResourceNotFound", "does not exist")
        return self.components[TrialComponentName]

    @operation
    def create_trial_component(self, *, TrialComponentName: str, Tags: Any, **body: Any) -> dict[str, Any]:
        if self.comes_first is not None:
            self.components[TrialComponentName] = self.comes_first
        if TrialComponentName in self.components:
            raise client_error("CreateTrialComponent", "ValidationException", "already exists")
        self.components[TrialComponentName] = {"TrialComponentName": TrialComponentName, **body}
        self.tags[TrialComponentName] = Tags
        return {}

    @operation
    def update_trial_component(self, *, TrialComponentName: str, **body: Any) -> dict[str, Any]:
        """Its maps are merged, as AWS does."""
        kept = self.components[TrialComponentName]
        for field in ("Parameters", "InputArtifacts", "OutputArtifacts"):
            merged = {**kept.get(field, {}), **body.pop(field, {})}
            gone = body.pop(f"{field}ToRemove", ())
            kept[field] = {name: value for name, value in merged.items() if name not in gone}
        kept.update(body)
        return {}

    @operation
    def associate_trial_component(self, *, TrialComponentName: str, TrialName: str) -> dict[str, Any]:
        self.trials.setdefault(TrialName, set()).add(TrialComponentName)
        return {}

    def _there(self, name: str, job: str, code: str) -> None:
        if job in self.gone:
            raise client_error(name, code, "Could not find requested job")
