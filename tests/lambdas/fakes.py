"""In-memory stand-ins for the AWS clients the Lambda code uses.

Each request and each answer is checked against botocore's own model of the service, so a misspelt field fails here.
Endpoints change state only when a test says `settle()`, as AWS does when it gets round to it. Lists come in pages
of two. Weights come back as 32-bit floats. Any call may be the last one before the process is killed.
"""

from __future__ import annotations

import functools
import re
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

REGION, ACCOUNT = "eu-west-1", "123456789012"
PAGE = 2


class Killed(BaseException):
    """The process ended here; no handler of ours may catch it."""


@functools.cache
def service_model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def client_error(operation: str, code: str, message: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation
    )


def operation(method: Callable[..., Any]) -> Callable[..., Any]:
    """A client's method: its request and its answer are validated, and it may be where the process is killed."""
    name = "".join(part.capitalize() for part in method.__name__.split("_"))

    @functools.wraps(method)
    def call(self: Fake, **request: Any) -> Any:
        model = service_model(self.service).operation_model(name)
        self.check(model.input_shape, request, f"{name} request")
        self.calls.append((name, request))
        self.kill_if(len(self.calls), before=True)
        answer = method(self, **request) or {}
        if model.output_shape is not None:
            self.check(model.output_shape, answer, f"{name} answer")
        self.kill_if(len(self.calls), before=False)
        return answer

    return call


class Fake:
    service = ""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.kill_at: tuple[int, bool] | None = None

    def kill_if(self, count: int, *, before: bool) -> None:
        if self.kill_at == (count, before):
            self.kill_at = None
            raise Killed

    def check(self, shape: Any, value: Any, what: str) -> None:
        report = ParamValidator().validate(value, shape)
        assert not report.has_errors(), f"{what}: {report.generate_report()}"

    def made(self, *names: str) -> list[dict[str, Any]]:
        """Requests of these operations, in order."""
        return [request for name, request in self.calls if name in names]


class FakeSageMaker(Fake):
    service = "sagemaker"

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.packages: dict[str, dict[str, Any]] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.executions: dict[str, dict[str, Any]] = {}
        self.tunings: dict[str, dict[str, Any]] = {}
        self.definition: str | None = '{"Parameters": [], "Steps": []}'
        self.broken_models: set[str] = set()
        self.denied_models: set[str] = set()
        self.capacity = 20
        self.refusals: dict[str, ClientError] = {}
        self.before: dict[str, Callable[[], Any]] = {}

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def arn(self, path: str) -> str:
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{path}"

    def _fail(self, name: str, code: str, message: str) -> None:
        raise client_error(name, code, message)

    def _interfere(self, name: str) -> None:
        """Do what a test wants to happen just before this operation, once; then what it wants it to answer."""
        if act := self.before.pop(name, None):
            act()
        if error := self.refusals.get(name):
            raise error

    # What a test does and sees

    def register(self, group: str, approval: str = "Approved", cycle: dict[str, str] | None = None) -> str:
        number = 1 + sum(package["ModelPackageGroupName"] == group for package in self.packages.values())
        arn = self.arn(f"model-package/{group}/{number}")
        self.packages[arn] = {
            "ModelPackageName": group,
            "ModelPackageGroupName": group,
            "ModelPackageVersion": number,
            "ModelPackageArn": arn,
            "CreationTime": self.tick(),
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": []},
            "ModelApprovalStatus": approval,
            "ModelLifeCycle": cycle or {"Stage": "Challenger", "StageStatus": "Pending"},
            "InferenceSpecification": {
                "Containers": [{"Image": "xgboost", "ModelDataUrl": f"s3://artifacts/{group}/{number}/model.tar.gz"}]
            },
        }
        return arn

    def states(self, group: str) -> dict[int, str]:
        """Role and status of each version."""
        return {
            package["ModelPackageVersion"]: "/".join(
                (package["ModelLifeCycle"]["Stage"], package["ModelLifeCycle"]["StageStatus"])
            )
            for package in self.packages.values()
            if package["ModelPackageGroupName"] == group
        }

    def reason(self, arn: str) -> str:
        return str(self.packages[arn]["ModelLifeCycle"].get("StageDescription", ""))

    def weights(self, endpoint: str) -> dict[str, float]:
        return {name: round(weight, 6) for name, weight in self.endpoints[endpoint]["weights"].items()}

    def set_weights(self, endpoint: str, **weights: float) -> None:
        self.endpoints[endpoint]["weights"].update(weights)
        self.endpoints[endpoint]["modified"] = self.tick()

    def settle(self, failure: str = "") -> bool:
        """Bring every endpoint's change to its end, as AWS does; whether there was one."""
        changed = False
        for name, endpoint in list(self.endpoints.items()):
            changed |= endpoint["status"] in ("Creating", "Updating", "Deleting")
            if endpoint["status"] == "Deleting":
                del self.endpoints[name]
            elif endpoint["status"] in ("Creating", "Updating"):
                self._finish(endpoint, failure)
        return changed

    def _finish(self, endpoint: dict[str, Any], failure: str) -> None:
        wanted = endpoint.pop("wanted")
        broken = {variant["ModelName"] for variant in wanted["variants"]} & self.broken_models
        creating = endpoint["status"] == "Creating"
        endpoint["modified"] = self.tick()
        endpoint["status"] = "Failed" if broken and creating else "InService"
        if broken:
            endpoint["failure"] = failure
        if not broken or creating:
            endpoint |= {"config": wanted["config"], "weights": wanted["weights"]}

    # Registry

    def get_paginator(self, name: str) -> Any:
        method = getattr(self, name)

        class Paginator:
            def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
                token: dict[str, str] = {}
                while True:
                    page = method(**request, **token)
                    yield page
                    if "NextToken" not in page:
                        return
                    token = {"NextToken": page["NextToken"]}

        return Paginator()

    def _page(self, key: str, items: list[dict[str, Any]], request: dict[str, Any]) -> dict[str, Any]:
        start = int(request.get("NextToken", "0"))
        more = {"NextToken": str(start + PAGE)} if len(items) > start + PAGE else {}
        return {key: items[start : start + PAGE], **more}

    @operation
    def list_model_packages(self, **request: Any) -> dict[str, Any]:
        group = request["ModelPackageGroupName"]
        summarised = service_model("sagemaker").shape_for("ModelPackageSummary").members
        found = [
            {key: value for key, value in package.items() if key in summarised}
            for package in reversed(self.packages.values())
            if package["ModelPackageGroupName"] == group
        ]
        if not found:
            self._fail("ListModelPackages", "ValidationException", f"ModelPackageGroup {group} does not exist.")
        return self._page("ModelPackageSummaryList", found, request)

    @operation
    def list_model_package_groups(self, **request: Any) -> dict[str, Any]:
        groups = sorted({package["ModelPackageGroupName"] for package in self.packages.values()})
        found = [
            {
                "ModelPackageGroupName": group,
                "ModelPackageGroupArn": self.arn(f"model-package-group/{group}"),
                "CreationTime": self.now,
                "ModelPackageGroupStatus": "Completed",
            }
            for group in groups
            if request["NameContains"].lower() in group.lower()
        ]
        return self._page("ModelPackageGroupSummaryList", found, request)

    @operation
    def describe_model_package(self, *, ModelPackageName: str) -> dict[str, Any]:
        if ModelPackageName not in self.packages:
            self._fail(
                "DescribeModelPackage", "ValidationException", f"ModelPackage {ModelPackageName} does not exist."
            )
        return self.packages[ModelPackageName]

    @operation
    def update_model_package(self, *, ModelPackageArn: str, **changes: Any) -> dict[str, Any]:
        self._interfere("UpdateModelPackage")
        assert changes.keys() <= {"ModelLifeCycle", "ModelApprovalStatus"}
        assert re.fullmatch(".{0,1024}", changes.get("ModelLifeCycle", {}).get("StageDescription", ""))
        self.packages[ModelPackageArn] |= {**changes, "LastModifiedTime": self.tick()}
        return {"ModelPackageArn": ModelPackageArn}

    # Models and endpoint configs

    @operation
    def create_model(self, *, ModelName: str, ExecutionRoleArn: str, Containers: list[Any]) -> dict[str, Any]:
        self._interfere("CreateModel")
        if ModelName in self.denied_models:
            self._fail("CreateModel", "AccessDeniedException", "not allowed")
        if ModelName in self.models:
            self._fail("CreateModel", "ValidationException", "Cannot create already existing model")
        packages = [container["ModelPackageName"] for container in Containers if "ModelPackageName" in container]
        assert all(package in self.packages for package in packages)
        self.models[ModelName] = {
            "ModelName": ModelName,
            "Containers": Containers,
            "ModelArn": self.arn(f"model/{ModelName}"),
            "CreationTime": self.tick(),
        }
        return {"ModelArn": self.models[ModelName]["ModelArn"]}

    @operation
    def describe_model(self, *, ModelName: str) -> dict[str, Any]:
        return self._known("DescribeModel", self.models, ModelName)

    @operation
    def delete_model(self, *, ModelName: str) -> None:
        self._known("DeleteModel", self.models, ModelName)
        del self.models[ModelName]

    @operation
    def list_models(self, **request: Any) -> dict[str, Any]:
        return self._page("Models", self._named(self.models, "ModelName", "ModelArn", request), request)

    @operation
    def create_endpoint_config(self, *, EndpointConfigName: str, ProductionVariants: list[Any]) -> dict[str, Any]:
        self._interfere("CreateEndpointConfig")
        if EndpointConfigName in self.configs:
            self._fail("CreateEndpointConfig", "ValidationException", "Cannot create already existing config")
        for variant in ProductionVariants:
            self._known("CreateEndpointConfig", self.models, variant["ModelName"])
        self.configs[EndpointConfigName] = {
            "EndpointConfigName": EndpointConfigName,
            "ProductionVariants": ProductionVariants,
            "EndpointConfigArn": self.arn(f"endpoint-config/{EndpointConfigName}"),
            "CreationTime": self.tick(),
        }
        return {"EndpointConfigArn": self.configs[EndpointConfigName]["EndpointConfigArn"]}

    @operation
    def describe_endpoint_config(self, *, EndpointConfigName: str) -> dict[str, Any]:
        return self._known("DescribeEndpointConfig", self.configs, EndpointConfigName)

    @operation
    def delete_endpoint_config(self, *, EndpointConfigName: str) -> None:
        self._known("DeleteEndpointConfig", self.configs, EndpointConfigName)
        del self.configs[EndpointConfigName]

    @operation
    def list_endpoint_configs(self, **request: Any) -> dict[str, Any]:
        found = self._named(self.configs, "EndpointConfigName", "EndpointConfigArn", request)
        return self._page("EndpointConfigs", found, request)

    # Endpoints

    @operation
    def create_endpoint(self, *, EndpointName: str, EndpointConfigName: str) -> dict[str, Any]:
        self._interfere("CreateEndpoint")
        if EndpointName in self.endpoints:
            self._fail("CreateEndpoint", "ValidationException", "Cannot create already existing endpoint")
        wanted = self._wanted("CreateEndpoint", EndpointConfigName, {})
        endpoint = {"status": "Creating", "config": EndpointConfigName, "weights": {}, "failure": "", "wanted": wanted}
        self.endpoints[EndpointName] = endpoint | {"modified": self.tick()}
        return {"EndpointArn": self.arn(f"endpoint/{EndpointName}")}

    @operation
    def update_endpoint(
        self,
        *,
        EndpointName: str,
        EndpointConfigName: str,
        RetainAllVariantProperties: bool = False,
        ExcludeRetainedVariantProperties: list[dict[str, str]] | None = None,
    ) -> dict[str, Any]:
        self._interfere("UpdateEndpoint")
        endpoint = self._known("UpdateEndpoint", self.endpoints, EndpointName)
        if endpoint["status"] != "InService":
            self._fail("UpdateEndpoint", "ValidationException", "Cannot update in-progress endpoint")
        excluded = [item["VariantPropertyType"] for item in ExcludeRetainedVariantProperties or ()]
        keep = RetainAllVariantProperties and "DesiredWeight" not in excluded
        wanted = self._wanted("UpdateEndpoint", EndpointConfigName, endpoint["weights"] if keep else {})
        endpoint |= {"status": "Updating", "wanted": wanted, "failure": "", "modified": self.tick()}
        return {"EndpointArn": self.arn(f"endpoint/{EndpointName}")}

    @operation
    def describe_endpoint(self, *, EndpointName: str) -> dict[str, Any]:
        endpoint = self._known("DescribeEndpoint", self.endpoints, EndpointName)
        answer = {
            "EndpointName": EndpointName,
            "EndpointArn": self.arn(f"endpoint/{EndpointName}"),
            "EndpointConfigName": endpoint["config"],
            "EndpointStatus": endpoint["status"],
            "CreationTime": self.now,
            "LastModifiedTime": endpoint["modified"],
        }
        if endpoint["weights"]:
            answer["ProductionVariants"] = [
                {"VariantName": name, "CurrentWeight": struct.unpack("f", struct.pack("f", weight))[0]}
                for name, weight in endpoint["weights"].items()
            ]
        if endpoint["failure"]:
            answer["FailureReason"] = endpoint["failure"]
        if "wanted" in endpoint:
            answer["PendingDeploymentSummary"] = {"EndpointConfigName": endpoint["wanted"]["config"]}
        return answer

    @operation
    def delete_endpoint(self, *, EndpointName: str) -> None:
        self._known("DeleteEndpoint", self.endpoints, EndpointName)["status"] = "Deleting"

    def _wanted(self, name: str, config: str, kept: dict[str, float]) -> dict[str, Any]:
        variants = self._known(name, self.configs, config)["ProductionVariants"]
        weights = {
            variant["VariantName"]: kept.get(variant["VariantName"], variant["InitialVariantWeight"])
            for variant in variants
        }
        return {"config": config, "variants": variants, "weights": weights}

    def _known(self, operation_name: str, things: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
        if name not in things:
            self._fail(operation_name, "ValidationException", f'Could not find "{name}".')
        return things[name]

    def _named(
        self, things: dict[str, dict[str, Any]], name: str, arn: str, request: dict[str, Any]
    ) -> list[dict[str, Any]]:
        return [
            {key: thing[key] for key in (name, arn, "CreationTime")}
            for thing in things.values()
            if request["NameContains"].lower() in thing[name].lower()
            and thing["CreationTime"] < request.get("CreationTimeBefore", datetime.max.replace(tzinfo=UTC))
        ]

    # Pipeline executions

    @operation
    def describe_pipeline(self, *, PipelineName: str) -> dict[str, Any]:
        if self.definition is None:
            self._fail("DescribePipeline", "ResourceNotFound", "Pipeline does not exist.")
        return {"PipelineName": PipelineName, "PipelineDefinition": self.definition}

    @operation
    def describe_hyper_parameter_tuning_job(self, *, HyperParameterTuningJobName: str) -> dict[str, Any]:
        self._interfere("DescribeHyperParameterTuningJob")
        if HyperParameterTuningJobName not in self.tunings:
            self._fail("DescribeHyperParameterTuningJob", "ResourceNotFound", "Requested resource not found.")
        return self.tunings[HyperParameterTuningJobName]

    @operation
    def list_pipeline_executions(self, **request: Any) -> dict[str, Any]:
        if self.definition is None:
            self._fail("ListPipelineExecutions", "ResourceNotFound", "Pipeline does not exist.")
        found = [
            {
                "PipelineExecutionArn": arn,
                "PipelineExecutionStatus": execution["status"],
                "PipelineExecutionDisplayName": execution["request"]["PipelineExecutionDisplayName"],
                "StartTime": execution["started"],
            }
            for arn, execution in self.executions.items()
            if f":pipeline/{request['PipelineName']}/" in arn
        ]
        return self._page("PipelineExecutionSummaries", found, request)

    @operation
    def start_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        self._interfere("StartPipelineExecution")
        token = request["ClientRequestToken"]
        for arn, execution in self.executions.items():
            if execution["token"] == token:
                return {"PipelineExecutionArn": arn}
        if sum(execution["status"] == "Executing" for execution in self.executions.values()) >= self.capacity:
            self._fail("StartPipelineExecution", "ResourceLimitExceeded", "The account-level limit is reached.")
        arn = self.arn(f"pipeline/{request['PipelineName']}/execution/{len(self.executions):012d}")
        self.executions[arn] = {"token": token, "status": "Executing", "request": request, "started": self.now}
        return {"PipelineExecutionArn": arn}

    @operation
    def describe_pipeline_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        if PipelineExecutionArn not in self.executions:
            self._fail("DescribePipelineExecution", "ResourceNotFound", "Pipeline execution does not exist.")
        status = self.executions[PipelineExecutionArn]["status"]
        return {"PipelineExecutionArn": PipelineExecutionArn, "PipelineExecutionStatus": status}

    def running(self, dimension: str) -> list[str]:
        """Executions of a dimension that run now."""
        return [
            arn
            for arn, execution in self.executions.items()
            if execution["status"] == "Executing"
            and {"Name": "Dimension", "Value": dimension} in execution["request"]["PipelineParameters"]
        ]


class FakeSqs(Fake):
    service = "sqs"

    @operation
    def send_message(self, **request: Any) -> dict[str, Any]:
        return {"MessageId": str(len(self.calls))}

    def sent_to(self, queue: str) -> list[dict[str, Any]]:
        return [request for request in self.made("SendMessage") if request["QueueUrl"] == queue]


class FakeDynamoDB(Fake):
    """One table, keyed by Dimension, with as much of the condition language as the lock speaks."""

    service = "dynamodb"

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, dict[str, Any]] = {}

    @operation
    def put_item(self, *, TableName: str, Item: dict[str, Any], **condition: Any) -> dict[str, Any]:
        key = Item["Dimension"]["S"]
        self._demand("PutItem", key, condition)
        self.items[key] = Item
        return {}

    @operation
    def get_item(self, *, TableName: str, Key: dict[str, Any], ConsistentRead: bool) -> dict[str, Any]:
        assert ConsistentRead
        item = self.items.get(Key["Dimension"]["S"])
        return {"Item": item} if item else {}

    @operation
    def update_item(
        self, *, TableName: str, Key: dict[str, Any], UpdateExpression: str, **condition: Any
    ) -> dict[str, Any]:
        key = Key["Dimension"]["S"]
        self._demand("UpdateItem", key, condition)
        name, value = re.fullmatch(r"SET (\w+) = (:\w+)", UpdateExpression).groups()  # type: ignore[union-attr]
        self.items[key] = {**self.items[key], name: condition["ExpressionAttributeValues"][value]}
        return {}

    @operation
    def delete_item(self, *, TableName: str, Key: dict[str, Any], **condition: Any) -> dict[str, Any]:
        key = Key["Dimension"]["S"]
        self._demand("DeleteItem", key, condition)
        self.items.pop(key, None)
        return {}

    def _demand(self, name: str, key: str, condition: dict[str, Any]) -> None:
        item, values = self.items.get(key, {}), condition.get("ExpressionAttributeValues", {})
        for term in condition["ConditionExpression"].split(" AND "):
            if absent := re.fullmatch(r"attribute_not_exists\((\w+)\)", term):
                holds = absent[1] not in item
            else:
                attribute, value = term.split(" = ")
                holds = attribute in item and item[attribute] == values[value]
            if not holds:
                raise client_error(name, "ConditionalCheckFailedException", "The conditional request failed")
