"""A definition with the graph of the whole training pipeline, written by hand: every kind of step and dependency."""

from __future__ import annotations

from typing import Any

BUCKET = "contender-artifacts"


def get(path: str) -> dict[str, str]:
    return {"Get": path}


def join(*parts: Any, on: str = "/") -> dict[str, Any]:
    return {"Std:Join": {"On": on, "Values": list(parts)}}


def output(step: str, name: str) -> dict[str, str]:
    return get(f"Steps.{step}.ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri")


def source(name: str, uri: Any) -> dict[str, Any]:
    return {"InputName": name, "S3Input": {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/input/{name}"}}


def processing(name: str, code: str, inputs: dict[str, Any], arguments: list[Any], **more: Any) -> dict[str, Any]:
    folder = f"s3://{BUCKET}/code/{code * 20}"
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
            },
            "AppSpecification": {
                "ImageUri": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5",
                "ContainerEntrypoint": ["python3", f"/opt/ml/processing/input/code/{name.lower()}.py"],
                "ContainerArguments": arguments,
            },
            "ProcessingInputs": [*(source(each, uri) for each, uri in inputs.items()), source("code", folder)],
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        },
        "CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"},
        **more,
    }


def check(name: str, kind: str, dataset: Any, check_type: str, **more: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": kind,
        "Arguments": {
            "AppSpecification": {"ImageUri": f"156813124566.dkr.ecr.us-east-1.amazonaws.com/{kind.lower()}:1.0"},
            "ProcessingInputs": [source("dataset", dataset)],
        },
        "CheckType": check_type,
        "ModelPackageGroupName": join("contender", get("Parameters.Dimension"), on="-"),
        "SkipCheck": get(f"Parameters.Skip{name}Check"),
        "FailOnViolation": get(f"Parameters.FailOn{name}Violation"),
        "RegisterNewBaseline": get(f"Parameters.RegisterNew{name}Baseline"),
        "CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"},
        **more,
    }


def function(name: str, arguments: dict[str, Any], outputs: list[str], **more: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "Lambda",
        "Arguments": arguments,
        "FunctionArn": f"arn:aws:lambda:us-east-1:000000000000:function:contender-{name.lower()}",
        "OutputParameters": [{"OutputName": each, "OutputType": "String"} for each in outputs],
        **more,
    }


CHECKS = ("DataQuality", "DataBias", "ModelQuality", "ModelBias", "Explainability")


def report(path: str) -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": get("Steps.Evaluate.PropertyFiles.Evaluation"), "Path": path}}


def full_definition() -> dict[str, Any]:
    artifact = output("Package", "artifact")
    model = get("Steps.CreateModel.OutputParameters['ModelName']")
    passed = [
        function("CreateModel", {"ModelDataUrl": artifact}, ["ModelName"]),
        {
            "Name": "Transform",
            "Type": "Transform",
            "Arguments": {"ModelName": model, "TransformInput": {"S3Uri": output("Preprocess", "score")}},
            "CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"},
        },
        check("ModelQuality", "QualityCheck", get("Steps.Transform.TransformOutput.S3OutputPath"), "MODEL_QUALITY"),
        check("ModelBias", "ClarifyCheck", output("Preprocess", "test"), "MODEL_BIAS", ModelName=model),
        check(
            "Explainability", "ClarifyCheck", output("Preprocess", "explain"), "MODEL_EXPLAINABILITY", ModelName=model
        ),
        {
            "Name": "Register",
            "Type": "RegisterModel",
            "Arguments": {
                "ModelDataUrl": artifact,
                "ModelMetrics": {name: get(f"Steps.{name}.CalculatedBaselineConstraints") for name in CHECKS},
            },
        },
        function("Deploy", {"ModelPackageArn": get("Steps.Register.ModelPackageArn")}, ["Action"]),
    ]
    refused = {
        "Name": "Refuse",
        "Type": "Fail",
        "Arguments": {"ErrorMessage": join(get("Parameters.Dimension"), report("gate.reason"), on=": ")},
    }
    steps = [
        processing("Preprocess", "a", {"data": get("Parameters.InputDataUri")}, ["--label=Churn?"]),
        check("DataQuality", "QualityCheck", output("Preprocess", "baseline"), "DATA_QUALITY"),
        check("DataBias", "ClarifyCheck", output("Preprocess", "labelled"), "DATA_BIAS"),
        {
            "Name": "Train",
            "Type": "Training",
            "DependsOn": ["DataQuality", "DataBias"],
            "Arguments": {
                "AlgorithmSpecification": {"TrainingImage": "xgboost:3.0-5", "TrainingInputMode": "File"},
                "HyperParameters": {"eta": "0.2", "max_depth": "5"},
                "InputDataConfig": [
                    {
                        "ChannelName": name,
                        "DataSource": {"S3DataSource": {"S3Uri": output("Preprocess", name)}},
                    }
                    for name in ("train", "validation")
                ],
                "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
            },
            "DisplayName": "Train the challenger",
            "Description": "XGBoost with the settings' hyperparameters.",
            "RetryPolicies": [
                {
                    "BackoffRate": 2.0,
                    "IntervalSeconds": 2,
                    "MaxAttempts": 6,
                    "ExceptionType": ["Step.SERVICE_FAULT", "Step.THROTTLING"],
                }
            ],
            "CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"},
        },
        processing(
            "Package",
            "b",
            {"model": get("Steps.Train.ModelArtifacts.S3ModelArtifacts"), "encoder": output("Preprocess", "encoder")},
            [],
        ),
        function("Champion", {"Dimension": get("Parameters.Dimension"), "Own": artifact}, ["ChampionModelUri"]),
        processing(
            "Evaluate",
            "c",
            {
                "test": output("Preprocess", "test"),
                "challenger": artifact,
                "champion": get("Steps.Champion.OutputParameters['ChampionModelUri']"),
            },
            ["--min-auc=0.75", join("--champion", get("Steps.Champion.OutputParameters['ChampionVersion']"), on="=")],
        ),
        {
            "Name": "Gate",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [
                    {"Type": "GreaterThanOrEqualTo", "LeftValue": report("gate.auc"), "RightValue": 0.75},
                    {"Type": "LessThanOrEqualTo", "LeftValue": report("gate.auc_drop"), "RightValue": 0.01},
                ],
                "IfSteps": passed,
                "ElseSteps": [refused],
            },
        },
    ]
    parameters: list[dict[str, Any]] = [
        {"Name": "Dimension", "Type": "String"},
        {"Name": "InputDataUri", "Type": "String"},
        {"Name": "DataVersion", "Type": "String", "DefaultValue": "none"},
    ]
    for name in CHECKS:
        parameters += [
            {"Name": f"Skip{name}Check", "Type": "Boolean", "DefaultValue": False},
            {"Name": f"FailOn{name}Violation", "Type": "Boolean", "DefaultValue": name.startswith("Data")},
            {"Name": f"RegisterNew{name}Baseline", "Type": "Boolean", "DefaultValue": False},
        ]
    return {"Version": "2020-12-01", "Metadata": {}, "Parameters": parameters, "Steps": steps}
