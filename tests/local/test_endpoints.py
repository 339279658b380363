"""Endpoints and their configs as boto3 sees them: created, changed under traffic, rolled back, deleted."""

from __future__ import annotations

import importlib.util
import io
import json
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from tests.local.jobs.test_interpreter import NAME, WHEEL, wheel
from tests.local.serving_models import Endpoints, booster_files, script_files, wait_until

ARN = "arn:aws:sagemaker:us-east-1:000000000000"


@pytest.fixture(scope="module")
def there(clients: Callable[[str], Any], bucket: str) -> Endpoints:
    """Models `a` and `b` that tell their name and process, `broken` that cannot load, and configs of them."""
    there = Endpoints(clients, bucket, "ends")
    for name in ("a", "b"):
        there.model(name, script_files(), NAME=name)
    there.model("broken", {**script_files(), "broken": b""})
    there.config("only-a", {"a": 1})
    there.config("both", {"a": 9, "b": 1})
    there.config("with-broken", {"a": 1, "broken": 1})
    return there


def refusal(call: Callable[..., Any], **arguments: Any) -> str:
    """The message with which SageMaker refuses the call as invalid."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    return str(error["Message"])


# configs


def test_a_config_is_described_as_it_was_made(there: Endpoints) -> None:
    variants = there.variants({"a": 9, "b": 1})
    del variants[0]["InitialVariantWeight"]
    there.sagemaker.create_endpoint_config(
        EndpointConfigName="ends-described", ProductionVariants=variants, Tags=[{"Key": "team", "Value": "churn"}]
    )
    config = there.sagemaker.describe_endpoint_config(EndpointConfigName="ends-described")
    assert config["EndpointConfigArn"] == f"{ARN}:endpoint-config/ends-described"
    assert config["EnableNetworkIsolation"] is False
    variants[0]["InitialVariantWeight"] = 1.0
    assert config["ProductionVariants"] == variants
    tags = there.sagemaker.list_tags(ResourceArn=config["EndpointConfigArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "churn"}]


def test_a_config_that_exists_is_not_made_again(there: Endpoints) -> None:
    message = refusal(
        there.sagemaker.create_endpoint_config,
        EndpointConfigName="ends-both",
        ProductionVariants=there.variants({"a": 1}),
    )
    assert message == f'Cannot create already existing endpoint configuration "{ARN}:endpoint-config/ends-both".'


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ModelName": "nobody"}, f'Could not find model "{ARN}:model/nobody".'),
        ({"InitialVariantWeight": 0.0}, "at least one InitialVariantWeight must be over 0"),
        ({"InitialVariantWeight": -1.0}, "InitialVariantWeight"),
        ({"InstanceType": "ml.huge"}, "ml.huge"),
        ({"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}, "serverless"),
    ],
)
def test_a_wrong_variant_is_refused(there: Endpoints, change: dict[str, Any], words: str) -> None:
    variant = {**there.variants({"a": 1})[0], **change}
    client = there.sagemaker
    with pytest.raises((ClientError, ParamValidationError)) as caught:
        client.create_endpoint_config(EndpointConfigName="ends-wrong", ProductionVariants=[variant])
    assert words in str(caught.value)


def test_variants_have_names_of_their_own_and_are_at_most_ten(there: Endpoints) -> None:
    (variant,) = there.variants({"a": 1})
    create = there.sagemaker.create_endpoint_config
    assert "Duplicate variant names" in refusal(
        create, EndpointConfigName="ends-wrong", ProductionVariants=[variant, variant]
    )
    eleven = [{**variant, "VariantName": f"v{number}"} for number in range(11)]
    assert "10" in refusal(create, EndpointConfigName="ends-wrong", ProductionVariants=eleven)
    create(EndpointConfigName="ends-ten", ProductionVariants=eleven[:10])


def test_configs_are_listed_and_deleted(there: Endpoints) -> None:
    for number in range(3):
        there.config(f"page-{number}", {"a": 1})
    client = there.sagemaker
    first = client.list_endpoint_configs(NameContains="ends-page", SortBy="Name", SortOrder="Ascending", MaxResults=2)
    assert [each["EndpointConfigName"] for each in first["EndpointConfigs"]] == ["ends-page-0", "ends-page-1"]
    rest = client.list_endpoint_configs(
        NameContains="ends-page", SortBy="Name", SortOrder="Ascending", MaxResults=2, NextToken=first["NextToken"]
    )
    assert [each["EndpointConfigName"] for each in rest["EndpointConfigs"]] == ["ends-page-2"]
    client.delete_endpoint_config(EndpointConfigName="ends-page-0")
    message = f'Could not find endpoint configuration "{ARN}:endpoint-config/ends-page-0".'
    assert refusal(client.describe_endpoint_config, EndpointConfigName="ends-page-0") == message
    assert refusal(client.delete_endpoint_config, EndpointConfigName="ends-page-0") == message


# an endpoint's life


def test_an_endpoint_is_created_serves_and_is_deleted(there: Endpoints) -> None:
    client = there.sagemaker
    answer = client.create_endpoint(
        EndpointName="ends-life", EndpointConfigName="ends-both", Tags=[{"Key": "team", "Value": "churn"}]
    )
    assert answer["EndpointArn"] == f"{ARN}:endpoint/ends-life"
    described = there.settle("life")
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == "ends-both"
    assert [
        (each["VariantName"], each["CurrentWeight"], each["DesiredWeight"], each["CurrentInstanceCount"])
        for each in described["ProductionVariants"]
    ] == [("a", 9, 9, 1), ("b", 1, 1, 1)]
    assert there.invoke("life", TargetVariant="b")[1] == "b"
    listed = client.list_endpoints(NameContains="ends-life", StatusEquals="InService")["Endpoints"]
    assert [each["EndpointName"] for each in listed] == ["ends-life"]
    assert client.list_tags(ResourceArn=answer["EndpointArn"])["Tags"] == [{"Key": "team", "Value": "churn"}]
    client.delete_endpoint(EndpointName="ends-life")
    wait_until(lambda: not client.list_endpoints(NameContains="ends-life")["Endpoints"], "the endpoint is gone")
    with pytest.raises(ClientError, match="Endpoint ends-life of account 000000000000 not found"):
        there.invoke("life")
    assert client.list_tags(ResourceArn=answer["EndpointArn"])["Tags"] == []


def test_what_does_not_exist_is_not_found(there: Endpoints) -> None:
    client = there.sagemaker
    message = f'Could not find endpoint "{ARN}:endpoint/ends-nobody".'
    assert refusal(client.describe_endpoint, EndpointName="ends-nobody") == message
    assert refusal(client.delete_endpoint, EndpointName="ends-nobody") == message
    assert refusal(client.update_endpoint, EndpointName="ends-nobody", EndpointConfigName="ends-both") == message
    assert refusal(client.create_endpoint, EndpointName="ends-new", EndpointConfigName="ends-nobody") == (
        f'Could not find endpoint configuration "{ARN}:endpoint-config/ends-nobody".'
    )


def test_an_endpoint_that_exists_is_not_created_again(there: Endpoints) -> None:
    there.create("twice", "only-a")
    message = refusal(there.sagemaker.create_endpoint, EndpointName="ends-twice", EndpointConfigName="ends-both")
    assert message == f'Cannot create already existing endpoint "{ARN}:endpoint/ends-twice".'


def test_an_endpoint_without_a_model_that_loads_fails_and_says_why(there: Endpoints) -> None:
    described = there.create("failed", "with-broken")
    assert described["EndpointStatus"] == "Failed"
    assert "production variant broken did not pass the ping health check" in described["FailureReason"]
    assert "the weights are missing" in described["FailureReason"]
    message = refusal(there.sagemaker.update_endpoint, EndpointName="ends-failed", EndpointConfigName="ends-only-a")
    assert "failed endpoint" in message
    there.sagemaker.delete_endpoint(EndpointName="ends-failed")


def test_an_image_without_a_runtime_is_named_with_the_known_ones(there: Endpoints) -> None:
    there.model("foreign", booster_files(), image="123456789012.dkr.ecr.us-east-1.amazonaws.com/my-own:1")
    there.config("foreign", {"foreign": 1})
    reason = there.create("foreign", "foreign")["FailureReason"]
    assert "123456789012.dkr.ecr.us-east-1.amazonaws.com/my-own:1" in reason
    assert "sagemaker-xgboost" in reason


def test_an_archive_that_reaches_outside_is_refused(there: Endpoints) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../outside"))
    there.model("outside", booster_files())
    there.s3.put_object(Bucket=there.bucket, Key="ends-outside/model.tar.gz", Body=content.getvalue())
    there.config("outside", {"outside": 1})
    assert "'../outside' lies outside" in there.create("outside", "outside")["FailureReason"]


def test_a_model_package_resolves_through_the_registry(there: Endpoints) -> None:
    uri = there.upload("packaged", script_files())
    package = there.sagemaker.create_model_package(
        ModelPackageName="ends-package",
        InferenceSpecification={
            "Containers": [
                {
                    "Image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5",
                    "ModelDataUrl": uri,
                    "Environment": {"NAME": "from the package"},
                }
            ],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    there.sagemaker.create_model(
        ModelName="ends-packaged",
        ExecutionRoleArn="arn:aws:iam::000000000000:role/test",
        PrimaryContainer={"ModelPackageName": package},
    )
    there.config("packaged", {"packaged": 1})
    assert there.create("packaged", "packaged")["EndpointStatus"] == "InService"
    assert there.invoke("packaged")[0].startswith("from the package ")


def listen(clients: Callable[[str], Any], endpoint: str) -> Callable[[int], list[dict[str, Any]]]:
    """From now on the endpoint's events are kept; the function waits for so many and answers them in order."""
    events, queues = clients("events"), clients("sqs")
    queue = queues.create_queue(QueueName=f"{endpoint}-events")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Endpoint State Change"],
        "detail": {"EndpointName": [endpoint]},
    }
    events.put_rule(Name=f"{endpoint}-events", EventPattern=json.dumps(pattern))
    events.put_targets(Rule=f"{endpoint}-events", Targets=[{"Id": "queue", "Arn": arn}])
    told: list[dict[str, Any]] = []

    def heard(count: int) -> list[dict[str, Any]]:
        def all_told() -> bool:
            answer = queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                told.append(json.loads(message["Body"]))
                queues.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            return len(told) >= count

        wait_until(all_told, f"{count} events arrived")
        return sorted(told, key=lambda event: str(event["detail"]["LastModifiedTime"]))

    return heard


def test_changes_of_state_are_events(there: Endpoints, clients: Callable[[str], Any]) -> None:
    heard = listen(clients, "ends-told")
    there.create("told", "both")
    there.update("told", "with-broken")
    told = heard(4)
    details = [event["detail"] for event in told]
    assert [each["EndpointStatus"] for each in details] == ["CREATING", "IN_SERVICE", "UPDATING", "IN_SERVICE"]
    assert {each["EndpointConfigName"] for each in details} == {"ends-both"}
    assert "variant broken did not pass" in details[-1]["FailureReason"]
    assert told[0]["resources"] == [f"{ARN}:endpoint/ends-told"]


def test_a_shift_of_weights_is_an_update_with_its_events(there: Endpoints, clients: Callable[[str], Any]) -> None:
    heard = listen(clients, "ends-shifted")
    there.create("shifted", "both")
    there.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="ends-shifted", DesiredWeightsAndCapacities=[{"VariantName": "b", "DesiredWeight": 0.5}]
    )
    there.settle("shifted")
    details = [event["detail"] for event in heard(4)]
    assert [each["EndpointStatus"] for each in details] == ["CREATING", "IN_SERVICE", "UPDATING", "IN_SERVICE"]
    shares = [{each["VariantName"]: each["DesiredWeight"] for each in d["ProductionVariants"]} for d in details]
    assert shares[1:] == [{"a": 9, "b": 1}, {"a": 9, "b": 1}, {"a": 9, "b": 0.5}]


# updates


def test_no_invocation_is_lost_while_endpoints_change(there: Endpoints) -> None:
    there.create("busy", "only-a")
    before = there.invoke("busy", TargetVariant="a")[0]
    with there.traffic("busy", threads=2) as outcomes:
        for config in ("both", "only-a", "both"):
            assert there.update("busy", config)["EndpointConfigName"] == f"ends-{config}"
            wait_until(lambda: len(outcomes) >= 100, "there is traffic")
        wait_until(lambda: len(outcomes) >= 1000, "1,000 invocations are through")
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert set(outcomes) == {"a", "b"}
    assert there.invoke("busy", TargetVariant="a")[0] == before, "an unchanged variant keeps its process"


def test_requests_in_flight_are_answered_by_the_old_variant(there: Endpoints, tmp_path: Path) -> None:
    there.create("slow", "both")
    begun = tmp_path / "begun"
    with ThreadPoolExecutor(1) as sender:
        answer = sender.submit(there.invoke, "slow", f"wait {begun}", TargetVariant="b")
        wait_until(lambda: begun.exists() or answer.done(), "the model has the request")
        there.update("slow", "only-a")
        assert answer.result()[1] == "b"


def test_an_update_to_a_model_that_cannot_load_rolls_back(there: Endpoints) -> None:
    there.create("rollback", "only-a")
    process = there.invoke("rollback")[0]
    described = there.update("rollback", "with-broken")
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == "ends-only-a"
    assert "variant broken did not pass the ping health check" in described["FailureReason"]
    assert [each["VariantName"] for each in described["ProductionVariants"]] == ["a"]
    assert there.invoke("rollback") == (process, "a")
    healthy = there.update("rollback", "both")
    assert "FailureReason" not in healthy
    assert healthy["EndpointConfigName"] == "ends-both"


CRASHES = """
import os, signal
def model_fn(model_dir): os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_variant_that_crashes_on_its_start_is_rolled_back_and_nobody_notices(there: Endpoints) -> None:
    there.model("crashes", script_files(CRASHES))
    there.config("with-crash", {"a": 1, "crashes": 1})
    there.create("crashing", "only-a")
    with there.traffic("crashing", threads=1) as outcomes:
        described = there.update("crashing", "with-crash")
        wait_until(lambda: len(outcomes) >= 50, "there is traffic")
    assert set(outcomes) == {"a"}
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "ends-only-a")
    assert "variant crashes did not pass the ping health check" in described["FailureReason"]


def test_ten_variants_serve_side_by_side_each_on_its_own_instances(there: Endpoints) -> None:
    names = [f"n{number}" for number in range(10)]
    kinds = ["ml.m5.large", "ml.c5.xlarge", "ml.t2.medium"]
    for name in names:
        there.model(name, script_files(), NAME=name)
    variants = [
        {**variant, "InstanceType": kinds[number % 3], "InitialInstanceCount": 1 + number % 2}
        for number, variant in enumerate(there.variants(dict.fromkeys(names, 1)))
    ]
    there.sagemaker.create_endpoint_config(EndpointConfigName="ends-tenfold", ProductionVariants=variants)
    described = there.create("tenfold", "tenfold")
    assert [each["CurrentInstanceCount"] for each in described["ProductionVariants"]] == [1, 2] * 5
    assert {there.invoke("tenfold", TargetVariant=name)[0].split()[0] for name in names} == set(names)
    assert {there.invoke("tenfold")[1] for _ in range(200)} == set(names)
    config = there.sagemaker.describe_endpoint_config(EndpointConfigName="ends-tenfold")
    assert [each["InstanceType"] for each in config["ProductionVariants"]] == [kinds[n % 3] for n in range(10)]
    there.sagemaker.delete_endpoint(EndpointName="ends-tenfold")


def test_a_model_that_is_no_archive_is_named_by_its_url(there: Endpoints) -> None:
    there.model("text", script_files())
    there.config("text", {"text": 1})
    url = there.sagemaker.describe_model(ModelName="ends-text")["PrimaryContainer"]["ModelDataUrl"]
    there.s3.put_object(Bucket=there.bucket, Key=url.split("/", 3)[3], Body=b"not an archive")
    described = there.create("text", "text")
    assert described["EndpointStatus"] == "Failed"
    assert described["FailureReason"] == (
        f'Failed to extract model data archive for container "container_1" from URL "{url}". Please ensure that the'
        f" object located at the URL is a valid tar.gz archive. ({url} cannot be unpacked: file could not be opened"
        " successfully)"
    )


def test_what_a_script_requires_is_installed_for_its_variant_alone(there: Endpoints, tmp_path: Path) -> None:
    package = tmp_path / WHEEL
    package.write_bytes(wheel())
    script = f"import {NAME}\ndef model_fn(d): return {NAME}.VALUE\ndef transform_fn(m, b, c, a): return str(m)\n"
    files = {"code/inference.py": script.encode(), "code/requirements.txt": f"{package}\n".encode()}
    there.model("requires", files)
    there.config("requires", {"requires": 1, "a": 1})
    assert there.create("requires", "requires")["EndpointStatus"] == "InService"
    assert there.invoke("requires", TargetVariant="requires") == ("42", "requires")
    assert importlib.util.find_spec(NAME) is None
    there.model("wants", {**files, "code/requirements.txt": b"/nowhere/at-1.0-py3-none-any.whl\n"})
    there.config("wants", {"wants": 1})
    assert "code/requirements.txt cannot be installed" in there.create("wants", "wants")["FailureReason"]


def test_an_endpoint_that_changes_is_left_alone(there: Endpoints) -> None:
    there.model("sleepy", script_files("import time\ndef model_fn(d): time.sleep(1.5)"))
    there.config("sleepy", {"a": 1, "sleepy": 3})
    there.create("changing", "only-a")
    client = there.sagemaker
    client.update_endpoint(EndpointName="ends-changing", EndpointConfigName="ends-sleepy")
    described = there.describe("changing")
    assert described["EndpointStatus"] == "Updating"
    assert described["EndpointConfigName"] == "ends-only-a"
    pending = described["PendingDeploymentSummary"]
    assert pending["EndpointConfigName"] == "ends-sleepy"
    assert [(each["VariantName"], each["DesiredWeight"]) for each in pending["ProductionVariants"]] == [
        ("a", 1),
        ("sleepy", 3),
    ]
    message = f'Cannot update in-progress endpoint "{ARN}:endpoint/ends-changing".'
    assert refusal(client.update_endpoint, EndpointName="ends-changing", EndpointConfigName="ends-both") == message
    assert refusal(client.delete_endpoint, EndpointName="ends-changing") == message
    capacity = [{"VariantName": "a", "DesiredWeight": 2}]
    change = client.update_endpoint_weights_and_capacities
    assert refusal(change, EndpointName="ends-changing", DesiredWeightsAndCapacities=capacity) == message
    there.sagemaker.delete_endpoint_config(EndpointConfigName="ends-sleepy")
    assert there.settle("changing")["EndpointConfigName"] == "ends-sleepy"


def weights(described: dict[str, Any]) -> dict[str, float]:
    return {each["VariantName"]: each["CurrentWeight"] for each in described["ProductionVariants"]}


def test_weights_change_without_a_new_config(there: Endpoints) -> None:
    there.create("weights", "both")
    process = there.invoke("weights", TargetVariant="b")[0]
    there.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="ends-weights",
        DesiredWeightsAndCapacities=[
            {"VariantName": "a", "DesiredWeight": 0},
            {"VariantName": "b", "DesiredWeight": 5, "DesiredInstanceCount": 2},
        ],
    )
    described = there.settle("weights")
    assert weights(described) == {"a": 0, "b": 5}
    assert [each["CurrentInstanceCount"] for each in described["ProductionVariants"]] == [1, 2]
    assert described["EndpointConfigName"] == "ends-both"
    answers = {there.invoke("weights") for _ in range(20)}
    assert {variant for _, variant in answers} == {"b"}
    assert process in {body for body, _ in answers}
    change = there.sagemaker.update_endpoint_weights_and_capacities
    assert '"nobody"' in refusal(
        change,
        EndpointName="ends-weights",
        DesiredWeightsAndCapacities=[{"VariantName": "nobody", "DesiredWeight": 1}],
    )
    assert "over 0" in refusal(
        change, EndpointName="ends-weights", DesiredWeightsAndCapacities=[{"VariantName": "b", "DesiredWeight": 0}]
    )


def test_an_update_resets_weights_unless_they_are_retained(there: Endpoints) -> None:
    there.create("retain", "both")
    there.config("both-again", {"a": 3, "b": 4})

    def set_weight() -> None:
        there.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="ends-retain",
            DesiredWeightsAndCapacities=[{"VariantName": "a", "DesiredWeight": 7, "DesiredInstanceCount": 2}],
        )
        there.settle("retain")

    set_weight()
    assert weights(there.update("retain", "both-again", RetainAllVariantProperties=True)) == {"a": 7, "b": 1}
    excluding = there.update(
        "retain",
        "both-again",
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
    )
    assert weights(excluding) == {"a": 3, "b": 4}
    assert excluding["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    set_weight()
    assert weights(there.update("retain", "both")) == {"a": 9, "b": 1}


def test_a_new_variant_gets_the_weight_of_its_config(there: Endpoints) -> None:
    there.create("adding", "only-a")
    assert weights(there.update("adding", "both", RetainAllVariantProperties=True)) == {"a": 1, "b": 1}


BLUE_GREEN = {
    "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}
}
ROLLING = {
    "RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50}, "WaitIntervalInSeconds": 0}
}


def test_deployment_guardrails_have_the_limits_of_aws(there: Endpoints) -> None:
    there.create("guarded", "both")
    there.config("both-guarded", {"a": 1, "b": 1})
    update = there.sagemaker.update_endpoint
    name = {"EndpointName": "ends-guarded"}
    assert "same variant names" in refusal(
        update, **name, EndpointConfigName="ends-only-a", DeploymentConfig=BLUE_GREEN
    )
    assert "several variants" in refusal(update, **name, EndpointConfigName="ends-both", DeploymentConfig=ROLLING)
    described = there.update("guarded", "both-guarded", DeploymentConfig=BLUE_GREEN)
    assert described["EndpointConfigName"] == "ends-both-guarded"
    assert described["LastDeploymentConfig"] == BLUE_GREEN


def test_deleting_the_config_in_use_leaves_the_endpoint_serving(there: Endpoints) -> None:
    there.config("in-use", {"a": 1})
    there.create("keeps", "in-use")
    there.sagemaker.delete_endpoint_config(EndpointConfigName="ends-in-use")
    assert there.describe("keeps")["EndpointConfigName"] == "ends-in-use"
    assert there.invoke("keeps")[1] == "a"
