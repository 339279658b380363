"""The template of the experiments: in step with the code, never open, and it carries a request to a count."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from contender.deployment import Cloud, Deployment, deploy
from contender.measurements.store import Store
from contender.naming import Names
from tests.conftest import REPOSITORY, Clients
from tests.infra.templates import INFRA, environment_of, of_type, read
from tests.local.running import MiniStack, eventually
from tests.local.serving_models import ROW, Endpoints, script_files

PATH = INFRA / "experiments.yaml"
PROJECT = "contender"
ENDPOINT = f"{PROJECT}-api-1"
SNAPSHOT_OF = ("RestApi", "Resource", "Method", "GatewayResponse")
"""The types of API Gateway that a deployment is a snapshot of."""
MODEL = """
def model_fn(model_dir):
    return None

def input_fn(body, content_type):
    return body

def predict_fn(data, model):
    if data == "fail":
        raise KeyError("no such feature")
    return data.upper()

def output_fn(prediction, accept):
    return prediction, "text/csv"
"""


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return read("experiments.yaml")


@pytest.fixture(scope="module")
def ministack(clients: Clients, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """Roles are enforced, and models are asked on the laptop that all tests share."""
    addresses = ("--sagemaker-url", clients.env["AWS_ENDPOINT_URL_SAGEMAKER"])
    addresses += ("--runtime-url", clients.env["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"])
    running = MiniStack(tmp_path_factory.mktemp("experiments"), "--enforce-iam", *addresses)
    running.start()
    yield running
    running.close()


class Api:
    """A deployed stack, asked over HTTP."""

    def __init__(self, ministack: MiniStack, project: str, **parameters: str) -> None:
        cloud = Cloud(ministack.client("cloudformation"), ministack.client("s3"), "000000000000", "us-east-1")
        names = Names(project)
        wanted = {"ApiBase": f"{ministack.url}/_aws/execute-api", "EventDelaySeconds": "1", **parameters}
        self.stack: Deployment = deploy(cloud, names, PATH, wanted, root=REPOSITORY, stack=names.stack("experiments"))
        self.url = self.stack.outputs["ApiUrl"]
        self.store = Store(ministack.client("dynamodb"), self.stack.outputs["ExperimentsTable"])

    def post(self, path: str, fields: Any, **headers: str) -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(self.url + path, json.dumps(fields).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def api(ministack: MiniStack) -> Api:
    return Api(ministack, PROJECT, CacheSeconds="1", BucketSeconds="60")


@pytest.fixture(scope="module")
def key(ministack: MiniStack, api: Api) -> dict[str, str]:
    found = ministack.client("apigateway").get_api_key(apiKey=api.stack.outputs["ApiKeyId"], includeValue=True)
    return {"x-api-key": found["value"]}


@pytest.fixture(scope="module")
def endpoint(clients: Clients, bucket: str) -> Iterator[Endpoints]:
    """Two variants of one model, v1 and v2, on an endpoint that takes part."""
    endpoints = Endpoints(clients, bucket, PROJECT)
    for variant in ("v1", "v2"):
        endpoints.model(variant, script_files(MODEL))
    endpoints.config("api-1", {"v1": 0.7, "v2": 0.3})
    endpoints.create("api-1", "api-1", Tags=[{"Key": "contender:experiment", "Value": "on"}])
    yield endpoints
    endpoints.sagemaker.delete_endpoint(EndpointName=ENDPOINT)


# ── The file ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_lambdas_are_told_what_they_read(template: dict[str, Any]) -> None:
    """By the names in their code: `environ` is read in these modules only."""
    read_by = {
        "Invocation": ("api/environment", "lambdas/invocation"),
        "Conversion": ("api/environment", "lambdas/conversion"),
        "Count": ("lambdas/count",),
        "Register": ("lambdas/register",),
    }
    for function, modules in read_by.items():
        code = "".join((REPOSITORY / "contender" / f"{module}.py").read_text() for module in modules)
        assert environment_of(template, f"{function}Function") == set(
            re.findall(r'read\((?:os\.)?environ, "(\w+)"\)', code)
        )
    assert environment_of(template, "StatsFunction") == {"PROJECT", "EXPERIMENTS_TABLE"}


def test_no_route_is_open(template: dict[str, Any]) -> None:
    methods = of_type(template, "AWS::ApiGateway::Method")
    assert set(methods) == {"InvocationMethod", "ConversionMethod", "StatsMethod"}
    for method in methods.values():
        assert method["HttpMethod"] == "POST"
        assert method["AuthorizationType"] == {"Fn::If": ["ByKey", "NONE", "AWS_IAM"]}
        assert method["ApiKeyRequired"] == {"Fn::If": ["ByKey", True, False]}
    assert template["Parameters"]["Access"]["AllowedValues"] == ["key", "iam"]


def test_a_changed_api_is_deployed_anew(template: dict[str, Any]) -> None:
    """CloudFormation makes a snapshot once for each name: what the snapshot is made of must be in the name."""
    parts = {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"].removeprefix("AWS::ApiGateway::") in SNAPSHOT_OF
    }
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:8]
    assert set(of_type(template, "AWS::ApiGateway::Deployment")) == {f"KeyDeployment{digest}", f"IamDeployment{digest}"}
    for name in (f"KeyDeployment{digest}", f"IamDeployment{digest}"):
        waits_for = template["Resources"][name]["DependsOn"]
        assert set(waits_for) == {part for part in parts if part.endswith(("Method", "Answer"))}


def test_the_functions_are_done_before_api_gateway_gives_up(template: dict[str, Any]) -> None:
    functions = of_type(template, "AWS::Lambda::Function")
    assert {functions[f"{name}Function"]["Timeout"] for name in ("Invocation", "Conversion", "Stats")} == {29}


def test_waiting_outlasts_a_count_that_is_still_working(template: dict[str, Any]) -> None:
    timeout_s = of_type(template, "AWS::Lambda::Function")["CountFunction"]["Timeout"]
    assert of_type(template, "AWS::SQS::Queue")["EventQueue"]["VisibilityTimeout"] >= 6 * timeout_s


def test_items_of_both_tables_expire(template: dict[str, Any]) -> None:
    for table in of_type(template, "AWS::DynamoDB::Table").values():
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}


# ── Who may call ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/invocation", "/conversion", "/stats"])
@pytest.mark.parametrize("headers", [{}, {"x-api-key": "guessed"}], ids=["no key", "a wrong key"])
def test_nobody_gets_in_without_the_key(api: Api, path: str, headers: dict[str, str]) -> None:
    status, answer = api.post(path, {"endpoint_name": ENDPOINT}, **headers)
    assert status == 403
    assert answer["error"]["code"] == "INVALID_API_KEY"


def test_what_api_gateway_refuses_has_the_shape_of_every_error(api: Api, key: dict[str, str]) -> None:
    status, answer = api.post("/nowhere", {}, **key)
    assert status == 403
    assert set(answer) == {"error"}
    assert set(answer["error"]) == {"code", "message"}


def test_by_iam_only_who_signs_gets_in(ministack: MiniStack) -> None:
    """Also where a key was enough before."""
    before = Api(ministack, "signed")
    api = Api(ministack, "signed", Access="iam")
    assert api.stack.action == "updated"
    assert api.url == before.url
    assert "ApiKeyId" not in api.stack.outputs
    fields = {"endpoint_name": "signed-SM-1"}
    status, answer = api.post("/stats", fields)
    assert (status, set(answer)) == (403, {"error"})
    request = AWSRequest("POST", f"{api.url}/stats", data=json.dumps(fields).encode())
    SigV4Auth(Credentials("test", "test"), "execute-api", "us-east-1").add_auth(request)
    status, answer = api.post("/stats", fields, **dict(request.headers.items()))
    assert (status, answer["error"]["code"]) == (404, "unknown_endpoint")


@pytest.mark.parametrize(
    ("role", "action", "resource", "allowed"),
    [
        ("invocation", "sagemaker:InvokeEndpoint", "sagemaker:us-east-1:000000000000:endpoint/contender-sm-1", True),
        (
            "invocation",
            "sagemaker:InvokeEndpoint",
            "sagemaker:us-east-1:000000000000:endpoint/contender--dev-sm-1",
            True,
        ),
        ("invocation", "sagemaker:InvokeEndpoint", "sagemaker:us-east-1:000000000000:endpoint/other-sm-1", False),
        ("invocation", "sagemaker:UpdateEndpoint", "sagemaker:us-east-1:000000000000:endpoint/contender-sm-1", False),
        ("conversion", "sagemaker:InvokeEndpoint", "sagemaker:us-east-1:000000000000:endpoint/contender-sm-1", False),
        ("conversion", "firehose:PutRecord", "firehose:us-east-1:000000000000:deliverystream/contender-events", True),
        ("conversion", "firehose:PutRecord", "firehose:us-east-1:000000000000:deliverystream/other-events", False),
        ("conversion", "dynamodb:UpdateItem", "dynamodb:us-east-1:000000000000:table/contender-experiments", False),
        ("stats", "dynamodb:Query", "dynamodb:us-east-1:000000000000:table/contender-experiments", True),
        ("stats", "dynamodb:UpdateItem", "dynamodb:us-east-1:000000000000:table/contender-experiments", False),
        ("count", "dynamodb:UpdateItem", "dynamodb:us-east-1:000000000000:table/contender-experiments", True),
        ("count", "dynamodb:DeleteItem", "dynamodb:us-east-1:000000000000:table/contender-experiments", False),
        ("register", "sagemaker:DescribeEndpoint", "sagemaker:us-east-1:000000000000:endpoint/contender-sm-1", True),
        ("register", "sagemaker:DeleteEndpoint", "sagemaker:us-east-1:000000000000:endpoint/contender-sm-1", False),
    ],
)
@pytest.mark.usefixtures("api")
def test_roles_reach_what_they_are_for(
    ministack: MiniStack, role: str, action: str, resource: str, allowed: bool
) -> None:
    answer = ministack.client("iam").simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::000000000000:role/contender-{role}-us-east-1",
        ActionNames=[action],
        ResourceArns=[f"arn:aws:{resource}"],
    )
    assert (answer["EvaluationResults"][0]["EvalDecision"] == "allowed") == allowed


# ── From a request to a count ─────────────────────────────────────────────────────────────────────────────────────


def test_an_endpoint_that_comes_into_service_registers(
    ministack: MiniStack, api: Api, key: dict[str, str], endpoint: Endpoints
) -> None:
    status, answer = api.post("/stats", {"endpoint_name": ENDPOINT}, **key)
    assert (status, answer["error"]["code"]) == (404, "unknown_endpoint")
    detail = {"EndpointName": ENDPOINT, "EndpointStatus": "IN_SERVICE"}
    event = {
        "Source": "aws.sagemaker",
        "DetailType": "SageMaker Endpoint State Change",
        "Detail": json.dumps(detail),
    }
    ministack.post("/_contender/events", json.dumps({"Entries": [event]}).encode())
    settings = eventually(lambda: api.store.settings(ENDPOINT))
    assert settings.shares == {"v1": 0.7, "v2": 0.3}
    assert settings.bucket_s == 60
    assert api.post("/stats", {"endpoint_name": ENDPOINT}, **key)[0] == 200


def test_requests_and_rewards_are_answered_and_counted(
    ministack: MiniStack, api: Api, key: dict[str, str], endpoint: Endpoints
) -> None:
    """From API Gateway through Firehose, S3, the rule and the queue into the counts, each allowed by its own role."""
    now = datetime.now(UTC)
    assert api.store.publish_shares(ENDPOINT, f"{ENDPOINT}-e7", {"v1": 0.5, "v2": 0.5}, "Thompson", 1, now, bucket_s=60)
    asked = {"endpoint_name": ENDPOINT, "content_type": "text/csv", "data": "a,b"}
    answers = []

    def assigned() -> bool:
        answer = api.post("/invocation", asked, **key)
        assert answer[0] == 200
        return answer[1]["strategy"] == "Thompson"

    eventually(assigned)
    for number in range(20):
        status, answer = api.post("/invocation", {**asked, "user_id": f"u{number}"}, **key)
        assert (status, answer["predictions"], answer["strategy"]) == (200, "A,B", "Thompson")
        assert answer["target_variant"] == answer["endpoint_variant"]
        answers.append(answer)
    failed, failure = api.post("/invocation", {**asked, "data": "fail", "endpoint_variant": "v1"}, **key)
    assert failed == 500
    assert failure["error"]["code"] == "model_error"
    for answer in answers[:8]:
        fields = {name: answer[name] for name in ("endpoint_name", "user_id", "inference_id")}
        assert api.post("/conversion", fields, **key)[0] == 200

    def counted() -> dict[str, Any] | None:
        status, stats = api.post("/stats", {"endpoint_name": ENDPOINT}, **key)
        assert status == 200
        done = sum(each["conversions"] for each in stats["variants"]) >= 8 and stats["waiting_rewards"] == 0
        return stats if done else None

    stats = eventually(counted)
    assert (stats["experiment"], stats["strategy"]) == (f"{ENDPOINT}-e7", "Thompson")
    by_variant = {each["endpoint_variant"]: each for each in stats["variants"]}
    assert sum(each["invocations"] for each in stats["variants"]) >= 20
    for variant, each in by_variant.items():
        rewarded = sum(answer["endpoint_variant"] == variant for answer in answers[:8])
        assert (each["conversions"], each["reward_sum"]) == (rewarded, rewarded)
    assert by_variant["v1"]["other_invocations"] >= 1
    files = ministack.client("s3").list_objects_v2(Bucket=api.stack.outputs["EventBucket"])["Contents"]
    assert all(file["Key"].startswith("events/") for file in files)


def test_an_endpoint_without_a_variant_of_that_name_is_told_apart(
    api: Api, key: dict[str, str], endpoint: Endpoints
) -> None:
    asked = {"endpoint_name": ENDPOINT, "content_type": "text/csv", "data": ROW}
    assert api.post("/invocation", {**asked, "endpoint_variant": "v9"}, **key)[1]["error"]["code"] == "unknown_variant"
    status, answer = api.post("/invocation", {**asked, "endpoint_name": f"{PROJECT}-api-9"}, **key)
    assert (status, answer["error"]["code"]) == (404, "unknown_endpoint")


def test_the_stored_mode_keeps_a_user_by_the_role_it_has(api: Api, key: dict[str, str], endpoint: Endpoints) -> None:
    def publish(revision: int, **shares: float) -> None:
        now = datetime.now(UTC)
        experiment = f"{ENDPOINT}-e8"
        assert api.store.publish_shares(ENDPOINT, experiment, shares, "Weighted", revision, now, sticky="stored")

    def variants() -> dict[str, str]:
        asked = {"endpoint_name": ENDPOINT, "content_type": "text/csv", "data": ROW}
        return {
            user: api.post("/invocation", {**asked, "user_id": user}, **key)[1]["target_variant"]
            for user in ("u1", "u2", "u3")
        }

    publish(1, v1=0.0, v2=1.0)
    eventually(lambda: set(variants().values()) == {"v2"})
    publish(2, v1=0.999, v2=0.001)
    stranger = {"endpoint_name": ENDPOINT, "content_type": "text/csv", "data": ROW}
    eventually(lambda: api.post("/invocation", stranger, **key)[1]["target_variant"] == "v1")
    assert set(variants().values()) == {"v2"}


def test_the_api_goes_on_after_a_kill(ministack: MiniStack, api: Api, key: dict[str, str], endpoint: Endpoints) -> None:
    """Routes, key, table and functions come back from the last checkpoint."""
    asked = {"endpoint_name": ENDPOINT, "content_type": "text/csv", "data": "a,b"}
    ministack.kill()
    ministack.start()
    assert api.post("/invocation", asked)[1]["error"]["code"] == "INVALID_API_KEY"
    status, answer = api.post("/invocation", asked, **key)
    assert (status, answer["predictions"]) == (200, "A,B")
    assert api.post("/stats", {"endpoint_name": ENDPOINT}, **key)[0] == 200
