"""A hundred dimensions on a laptop: how much each page asks of AWS, and what it then tells."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from markupsafe import escape
from starlette.routing import Route

from contender.local.launcher.laptop import Laptop, Ports
from contender.naming import dimension_of_execution
from contender.studio.access import Access
from contender.studio.app import studio
from tests.conftest import Clients
from tests.project import until
from tests.studio import hundred
from tests.studio.fakes import desk_of
from tests.studio.hundred import BUCKET, NAMES, SETTINGS, Fleet
from tests.studio.serving import Answer, ask, served

FLEET = Fleet()
MOST_CALLS = 30
PATIENCE_MS = 5_000
"""bench/studio.py measures how long pages take; here only what hangs is found."""
PAGES = (
    "/",
    "/?page=2&sort=dimension",
    "/?show=alarms",
    "/pipelines",
    "/pipelines/hundred",
    "/executions",
    "/executions?state=Failed",
    "/executions?dimension=D7",
    "/executions/compare?of={D0}&of={D1}&of={D2}",
    "/executions/{D0}",
    "/executions/{D3}",
    "/executions/{D3}/steps/Ask",
    "/executions/{D0}/steps/Refuse",
    "/dimensions/D1/models",
    "/dimensions/D1/models/1",
    "/dimensions/D1/models/compare",
    "/dimensions/{many}/models",
    "/dimensions/{many}/models/12",
    "/dimensions/{many}/models/compare?v=10&v=11&v=12",
    "/dimensions/D1/endpoint",
    "/dimensions/D99/endpoint",
    "/dimensions/D1/rollout",
    "/dimensions/D99/rollout",
)
"""`{D0}` is pipeline and id of that dimension's execution."""
FILE = "/executions/{pipeline}/{id}/steps/{step}/files/{file:path}"
"""Nothing here writes one."""
MANY = 12


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """Of a laptop that is this module's own."""
    laptop = Laptop(tmp_path_factory.mktemp("fleet"))
    laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
    try:
        clients = Clients(laptop.env())
        hundred.make(clients, tmp_path_factory.mktemp("work"), FLEET)
        yield clients
        clients.close()
    finally:
        laptop.down()


@pytest.fixture
def site(clients: Clients) -> Iterator[str]:
    """The page, which has read nothing yet."""
    with served(SETTINGS, clients) as address:
        yield address


def page(address: str) -> Answer:
    answer = ask(address)
    assert answer.status == 200, answer.text
    return answer


@pytest.fixture(scope="module")
def executions(clients: Clients) -> dict[str, str]:
    """Pipeline and id of each dimension's execution."""
    found = clients("sagemaker").get_paginator("list_pipeline_executions").paginate(PipelineName=NAMES.pipeline)
    return {
        str(dimension_of_execution(each)): f"{NAMES.pipeline}/{each['PipelineExecutionArn'][-12:]}"
        for page in found
        for each in page["PipelineExecutionSummaries"]
    }


@pytest.fixture(scope="module")
def many_versions(clients: Clients) -> str:
    """A dimension with more versions than a page shows."""
    for _ in range(MANY):
        hundred.register(clients("sagemaker"), "D50", approval="PendingManualApproval")
    return "D50"


@pytest.mark.parametrize("path", PAGES)
def test_no_page_asks_much_of_aws(site: str, executions: dict[str, str], many_versions: str, path: str) -> None:
    path = path.format(many=many_versions, **executions)
    cold = page(site + path)
    assert 0 < cold.calls <= MOST_CALLS
    assert cold.ms < PATIENCE_MS
    assert page(site + path).calls <= cold.calls


def test_every_page_of_the_application_is_asked_for(executions: dict[str, str]) -> None:
    app = studio(desk_of(None), Access())
    pages = [route for route in app.routes if isinstance(route, Route) and "GET" in (route.methods or ())]
    asked = [urlsplit(path.format(many="D50", **executions)).path for path in PAGES]
    left_out = {route.path for route in pages if not any(route.path_regex.match(path) for path in asked)}
    assert left_out == {"/login", "/health", FILE}


def test_the_overview_shows_fifty_at_a_time_what_asks_for_a_person_first(site: str) -> None:
    text = page(site + "/").text
    assert text.count('<tr id="dimension-') == 50
    assert "100 of 100 dimensions, page 1 of 2" in text
    assert text.index('id="dimension-D0"') < text.index('id="dimension-D1"')  # an alarm rings, its execution failed
    assert f"alarms ({FLEET.ringing})" in text
    assert f"challenger under way ({FLEET.challenged})" in text
    assert "last execution failed (10)" in text
    assert f"execution runs ({len(hundred.RUN)})" in text


def test_a_name_that_is_part_of_another_is_not_mistaken_for_it(site: str) -> None:
    text = page(site + "/dimensions/D1/endpoint").text
    assert f"{NAMES.endpoint('D1')}-v1" in text
    assert NAMES.endpoint("D10") not in text


def test_an_endpoint_tells_its_variants_shares_latencies_and_alarms(site: str) -> None:
    text = page(site + "/dimensions/D1/endpoint").text
    assert 'id="variant-v1"' in text
    assert 'id="variant-v2"' in text
    assert "90.0%" in text
    assert "docs/operations.md#variant-latency" in text
    assert "1 × ml.m5.large" in text
    assert '"latency":1.1' in text  # CloudWatch has 1,100 microseconds


def test_an_endpoint_that_failed_says_why_and_what_to_do(site: str, clients: Clients) -> None:
    sagemaker, name = clients("sagemaker"), NAMES.endpoint("broken")
    clients("s3").put_object(Bucket=BUCKET, Key="broken.tar.gz", Body=b"no archive")
    model, config = NAMES.model("broken", 1), NAMES.config("broken", ["v1"])
    image, data = hundred.IMAGE, f"s3://{BUCKET}/broken.tar.gz"
    sagemaker.create_model(
        ModelName=model, PrimaryContainer={"Image": image, "ModelDataUrl": data}, ExecutionRoleArn=hundred.ROLE
    )
    variant = {"VariantName": "v1", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)

    def failure() -> str:
        return str(sagemaker.describe_endpoint(EndpointName=name).get("FailureReason", ""))

    reason = until(failure, "the endpoint to fail")
    text = page(site + "/dimensions/broken/endpoint").text
    assert f"The endpoint failed: {escape(reason)}" in text
    assert "contender logs broken" in text
    assert "Nothing is captured. Set <code>endpoint.data_capture_percent</code>" in text


def test_where_nothing_was_captured_the_page_says_what_to_do(site: str) -> None:
    text = page(site + "/dimensions/D1/endpoint").text
    assert "Nothing of v1 and v2 was captured today or yesterday" in text
    assert "contender endpoint invoke D1" in text


def test_a_dimension_that_nobody_knows_is_not_found(site: str) -> None:
    answer = ask(site + "/dimensions/D100/endpoint")
    assert answer.status == 404
    assert "there is no dimension" in answer.text


def test_a_version_that_waits_for_approval_is_why_there_is_no_endpoint(site: str, clients: Clients) -> None:
    sagemaker = clients("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=NAMES.group("waiting"))
    hundred.register(sagemaker, "waiting", approval="PendingManualApproval")
    text = page(site + "/dimensions/waiting/endpoint").text
    assert f"There is no endpoint <code>{NAMES.endpoint('waiting')}</code>" in text
    assert "contender models approve waiting 1" in text
