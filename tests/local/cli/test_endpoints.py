"""Endpoints through the AWS CLI, from the first variant to the last deletion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.local.cli.aws_cli import AwsCli, ask
from tests.local.cli.requests import ARN, variant
from tests.local.serving_models import IMAGE, ROLE, ROW, Endpoints, script_files, wait_until


def test_an_endpoint_from_champion_to_challenger(
    aws: AwsCli, archives: Endpoints, settled: Callable[..., dict[str, Any]]
) -> None:
    url = archives.upload("duo", script_files())
    names = ("champion", "challenger")
    containers = [{"Image": IMAGE, "ModelDataUrl": url, "Environment": {"NAME": name}} for name in names]
    aws.together(
        *(
            ask("create-model", model_name=f"cli-{name}", execution_role_arn=ROLE, primary_container=container)
            for name, container in zip(names, containers, strict=True)
        )
    )
    solo = [variant("champion", 1)]
    duo = [variant("champion", 9), variant("challenger", 1)]
    aws.together(
        ask("create-endpoint-config", endpoint_config_name="cli-solo", production_variants=solo),
        ask("create-endpoint-config", endpoint_config_name="cli-duo", production_variants=duo),
    )
    created = aws("create-endpoint", endpoint_name="cli-shop", endpoint_config_name="cli-solo")
    assert created == {"EndpointArn": f"{ARN}:endpoint/cli-shop"}
    in_service = {
        "describe": "describe_endpoint",
        "status": "EndpointStatus",
        "wanted": "InService",
        "EndpointName": "cli-shop",
    }
    settled(**in_service)
    aws("wait endpoint-in-service", endpoint_name="cli-shop")

    aws("update-endpoint", endpoint_name="cli-shop", endpoint_config_name="cli-duo", retain_all_variant_properties=True)
    settled(**in_service)
    equal = [{"VariantName": name, "DesiredWeight": 0.5} for name in names]
    aws("update-endpoint-weights-and-capacities", endpoint_name="cli-shop", desired_weights_and_capacities=equal)
    settled(**in_service)

    described, endpoints, config, configs = aws.together(
        ask("describe-endpoint", endpoint_name="cli-shop"),
        ask("list-endpoints", name_contains="cli-", status_equals="InService"),
        ask("describe-endpoint-config", endpoint_config_name="cli-duo"),
        ask("list-endpoint-configs", name_contains="cli-", sort_by="Name", sort_order="Ascending"),
    )
    assert described["EndpointConfigName"] == "cli-duo"
    shares = {each["VariantName"]: each["CurrentWeight"] for each in described["ProductionVariants"]}
    assert shares == {"champion": 0.5, "challenger": 0.5}
    assert [each["EndpointName"] for each in endpoints["Endpoints"]] == ["cli-shop"]
    assert [each["VariantName"] for each in config["ProductionVariants"]] == list(names)
    assert [each["EndpointConfigName"] for each in configs["EndpointConfigs"]] == ["cli-duo", "cli-solo"]


def test_an_invocation(aws: AwsCli) -> None:
    row = {"content_type": "text/csv", "inference_id": "request-1"}
    for name in ("champion", "challenger"):
        answer = aws.invoke("cli-shop", ROW, target_variant=name, **row)
        assert answer["InvokedProductionVariant"] == name
        assert answer["Body"].startswith(f"{name} ")
    assert "(ModelError)" in aws.invoke_refused("cli-shop", "raise", **row)
    assert "(ValidationError)" in aws.invoke_refused("cli-shop", ROW, target_variant="nobody", **row)


def test_what_is_deleted_is_gone(aws: AwsCli, clients: Callable[[str], Any]) -> None:
    taken = aws.refused(
        ask("create-endpoint", endpoint_name="cli-shop", endpoint_config_name="cli-duo"),
        ask("create-endpoint-config", endpoint_config_name="cli-duo", production_variants=[variant("champion", 1)]),
    )
    assert all("(ValidationException)" in message and "already existing" in message for message in taken)
    aws("delete-endpoint", endpoint_name="cli-shop")
    wait_until(lambda: not clients("sagemaker").list_endpoints(NameContains="cli-shop")["Endpoints"], "it is deleted")
    aws("wait endpoint-deleted", endpoint_name="cli-shop")
    aws.together(
        *(ask("delete-endpoint-config", endpoint_config_name=name) for name in ("cli-solo", "cli-duo")),
        *(ask("delete-model", model_name=name) for name in ("cli-champion", "cli-challenger")),
    )
    endpoint, config, deleted = aws.refused(
        ask("delete-endpoint", endpoint_name="cli-shop"),
        ask("delete-endpoint-config", endpoint_config_name="cli-duo"),
        ask("delete-model", model_name="cli-champion"),
    )
    said = "An error occurred (ValidationException) when calling the {} operation: Could not find {}."
    assert endpoint == said.format("DeleteEndpoint", f'endpoint "{ARN}:endpoint/cli-shop"')
    assert config == said.format("DeleteEndpointConfig", f'endpoint configuration "{ARN}:endpoint-config/cli-duo"')
    assert deleted == said.format("DeleteModel", f'model "{ARN}:model/cli-champion"')
