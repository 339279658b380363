"""QualityCheck and ClarifyCheck steps as the SDK writes them, and what their jobs leave, for the tests."""

from __future__ import annotations

from typing import Any

from tests.local.small_sagemaker import ROLE, Sagemaker

ACCOUNT = "000000000000.dkr.ecr.us-east-1.amazonaws.com"
MONITOR = f"{ACCOUNT}/sagemaker-model-monitor-analyzer"
CLARIFY = f"{ACCOUNT}/sagemaker-clarify-processing:1.0"
GROUP = "churn-west"
STATISTICS = {"version": 0, "features": []}
CONSTRAINTS = {"version": 0, "features": []}
ANALYSIS = {"version": "1.0", "pre_training_bias_metrics": {}}
DRIFT = {
    "feature_name": "Day Mins",
    "constraint_check_type": "baseline_drift_check",
    "description": "Baseline drift distance: 0.42 exceeds threshold: 0.1",
}
BIAS = {
    "facet": "Int'l Plan",
    "facet_value": "yes",
    "metric_name": "DPL",
    "constraint_check_type": "bias_drift_check",
    "description": "Metric value 0.3 doesn't meet the baseline constraint requirement 0.1",
}


def quality_check(name: str = "DataQuality", *, output: Any = "s3://out/quality", **fields: Any) -> dict[str, Any]:
    environment = {"dataset_format": '{"csv": {"header": true}}', "output_path": "/opt/ml/processing/output"}
    return _check(name, "QualityCheck", MONITOR, environment, output, {"CheckType": "DATA_QUALITY", **fields})


def clarify_check(name: str = "DataBias", *, output: Any = "s3://out/bias", **fields: Any) -> dict[str, Any]:
    return _check(name, "ClarifyCheck", CLARIFY, {}, output, {"CheckType": "DATA_BIAS", **fields})


def _check(
    name: str, kind: str, image: str, environment: dict[str, str], output: Any, fields: dict[str, Any]
) -> dict[str, Any]:
    source = {
        "S3Uri": "s3://data/train.csv",
        "LocalPath": "/opt/ml/processing/input/data",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    target = {"S3Uri": output, "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
    return {
        "Name": name,
        "Type": kind,
        "Arguments": {
            "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": image},
            "Environment": environment,
            "ProcessingInputs": [{"InputName": "dataset", "S3Input": source}],
            "ProcessingOutputConfig": {"Outputs": [{"OutputName": "result", "S3Output": target}]},
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        },
        "ModelPackageGroupName": GROUP,
        "SkipCheck": False,
        "FailOnViolation": True,
        "RegisterNewBaseline": False,
        **fields,
    }


def leave(sagemaker: Sagemaker, step: str, *violations: dict[str, Any]) -> None:
    """What the job of that step will leave: its baseline, and these violations."""
    own = {"analysis.json": ANALYSIS} if "Bias" in step else _quality_files()
    sagemaker.jobs.files[step] = {**own, "constraint_violations.json": {"violations": list(violations)}}


def register(sagemaker: Sagemaker, approval: str = "Approved", folder: str = "s3://base/1", **sections: Any) -> str:
    """One more version of the group, with a baseline of every check in `folder`; `sections` replace parts of it."""
    if GROUP not in _groups(sagemaker):
        sagemaker("CreateModelPackageGroup", ModelPackageGroupName=GROUP)
    for file, content in {**_quality_files(), "analysis.json": ANALYSIS}.items():
        sagemaker.aws.s3.put(f"{folder}/{file}", content)
    arn: str = sagemaker(
        "CreateModelPackage",
        ModelPackageGroupName=GROUP,
        ModelApprovalStatus=approval,
        DriftCheckBaselines={**baselines(folder), **sections},
    )["ModelPackageArn"]
    return arn


def baselines(folder: str) -> dict[str, Any]:
    quality = {"Statistics": _source(f"{folder}/statistics.json"), "Constraints": _source(f"{folder}/constraints.json")}
    analysis = _source(f"{folder}/analysis.json")
    return {
        "ModelDataQuality": quality,
        "ModelQuality": quality,
        "Bias": {"PreTrainingConstraints": analysis, "PostTrainingConstraints": analysis},
        "Explainability": {"Constraints": analysis},
    }


def _source(uri: str) -> dict[str, str]:
    return {"ContentType": "application/json", "S3Uri": uri}


def _quality_files() -> dict[str, Any]:
    return {"statistics.json": STATISTICS, "constraints.json": CONSTRAINTS}


def _groups(sagemaker: Sagemaker) -> list[str]:
    found = sagemaker("ListModelPackageGroups")["ModelPackageGroupSummaryList"]
    return [group["ModelPackageGroupName"] for group in found]
