"""Models, endpoint configs and endpoints in memory."""

from __future__ import annotations

import struct
from typing import Any

from tests.lambdas.fakes.account import Account
from tests.lambdas.fakes.client import operation


class Hosting(Account):
    packages: dict[str, dict[str, Any]]

    def __init__(self) -> None:
        super().__init__()
        self.models: dict[str, dict[str, Any]] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.broken_models: set[str] = set()
        self.denied_models: set[str] = set()

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

    def move_shares(self, endpoint: str, **weights: float) -> None:
        """Set weights as a person does it in the console: the endpoint is under way until it settles."""
        desired = [{"VariantName": name, "DesiredWeight": weight} for name, weight in weights.items()]
        self.update_endpoint_weights_and_capacities(EndpointName=endpoint, DesiredWeightsAndCapacities=desired)

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
    def create_endpoint_config(
        self,
        *,
        EndpointConfigName: str,
        ProductionVariants: list[Any],
        DataCaptureConfig: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        self._interfere("CreateEndpointConfig")
        if EndpointConfigName in self.configs:
            self._fail("CreateEndpointConfig", "ValidationException", "Cannot create already existing config")
        for variant in ProductionVariants:
            self._known("CreateEndpointConfig", self.models, variant["ModelName"])
        self.configs[EndpointConfigName] = {
            "EndpointConfigName": EndpointConfigName,
            "ProductionVariants": ProductionVariants,
            **({"DataCaptureConfig": DataCaptureConfig} if DataCaptureConfig else {}),
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
    def create_endpoint(
        self, *, EndpointName: str, EndpointConfigName: str, Tags: list[dict[str, str]] | None = None
    ) -> dict[str, Any]:
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
    def update_endpoint_weights_and_capacities(
        self, *, EndpointName: str, DesiredWeightsAndCapacities: list[dict[str, Any]]
    ) -> dict[str, Any]:
        self._interfere("UpdateEndpointWeightsAndCapacities")
        endpoint = self._known("UpdateEndpointWeightsAndCapacities", self.endpoints, EndpointName)
        desired = {each["VariantName"]: each["DesiredWeight"] for each in DesiredWeightsAndCapacities}
        if endpoint["status"] != "InService" or not desired.keys() <= endpoint["weights"].keys():
            self._fail("UpdateEndpointWeightsAndCapacities", "ValidationException", "Cannot change these variants")
        variants = self.configs.get(endpoint["config"], {}).get("ProductionVariants", [])
        wanted = {"config": endpoint["config"], "variants": variants, "weights": endpoint["weights"] | desired}
        endpoint |= {"status": "Updating", "wanted": wanted, "failure": "", "modified": self.tick()}
        return {"EndpointArn": self.arn(f"endpoint/{EndpointName}")}

    @operation
    def list_endpoints(self, **request: Any) -> dict[str, Any]:
        found = [
            {
                "EndpointName": name,
                "EndpointArn": self.arn(f"endpoint/{name}"),
                "EndpointStatus": endpoint["status"],
                "CreationTime": self.now,
                "LastModifiedTime": endpoint["modified"],
            }
            for name, endpoint in self.endpoints.items()
            if request["NameContains"].lower() in name.lower()
        ]
        return self._page("Endpoints", found, request)

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
