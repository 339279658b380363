"""A page of which AWS does not give all: the rest stands there, with a sentence about what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from markupsafe import escape

from contender.errors import DataError
from contender.naming import Names
from contender.rollout.documents import dumps
from contender.rollout.state import Phase, State, Track
from contender.studio.access import Access
from contender.studio.gaps import Gaps
from tests.studio.recorded import Answer
from tests.studio.visiting import visit

NAMES = Names("contender")
AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:123456789012"
ENDPOINT = NAMES.endpoint("north")


def state() -> State:
    track = Track(2, Phase.RAMPING, 1, AT, AT, AT, code="holds", reason="it holds")
    return State(ENDPOINT, "north", champion=1, shares={1: 0.7, 2: 0.3}, revision=1, tracks=(track,))


STATE = {"sk": {"S": ENDPOINT}, "body": {"S": dumps(state())}}


def item(request: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"Item": STATE} if request["Key"] == {"pk": {"S": "state"}, "sk": {"S": ENDPOINT}} else {}


def items(of_endpoint: Sequence[Any]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
        asked = [value["S"] for value in request["ExpressionAttributeValues"].values()]
        return {"Items": of_endpoint if ENDPOINT in asked else [STATE] if "state" in asked else []}

    return answer


WORLD: dict[str, Answer] = {
    "Query": items([]),
    "GetItem": item,
    "DescribeEndpoint": {
        "EndpointName": ENDPOINT,
        "EndpointArn": f"{ARN}:endpoint/{ENDPOINT}",
        "EndpointConfigName": f"{ENDPOINT}-1",
        "EndpointStatus": "InService",
        "CreationTime": AT,
        "LastModifiedTime": AT,
        "ProductionVariants": [
            {"VariantName": name, "CurrentWeight": weight, "DesiredWeight": weight, "CurrentInstanceCount": 1}
            for name, weight in (("v1", 0.7), ("blue", 0.3))
        ],
    },
    "DescribeEndpointConfig": {
        "EndpointConfigName": f"{ENDPOINT}-1",
        "EndpointConfigArn": f"{ARN}:endpoint-config/{ENDPOINT}-1",
        "CreationTime": AT,
        "ProductionVariants": [
            {"VariantName": name, "ModelName": f"model-{name}", "InitialVariantWeight": 1.0} for name in ("v1", "blue")
        ],
        "DataCaptureConfig": {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": "s3://captured/here",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        },
    },
    "ListEndpointConfigs": {"EndpointConfigs": []},
    "ListModelPackages": {"ModelPackageSummaryList": []},
    "DescribeMonitoringSchedule": ClientError({"Error": {"Code": "ResourceNotFound"}}, "DescribeMonitoringSchedule"),
    "ListObjectsV2": {},
}


def refused(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": f"{ARN}:user/ada may not"}}, operation)


DOWN = EndpointConnectionError(endpoint_url="http://127.0.0.1:1/")


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize(
    ("page", "operation", "said"),
    [
        ("/", "DescribeAlarms", "Alarms could not be read."),
        ("/", "ListModelPackages", "Versions that wait for approval could not be read."),
        ("/", "GetMetricData", "Traffic and rewards could not be read."),
        ("/dimensions/north/endpoint", "DescribeAlarms", "The alarms could not be read."),
        ("/dimensions/north/endpoint", "GetMetricData", "Traffic could not be read."),
        ("/dimensions/north/endpoint", "ListEndpointConfigs", "The configs could not be read."),
        ("/dimensions/north/endpoint", "ListObjectsV2", "The captured requests could not be read."),
        ("/dimensions/north/endpoint", "ListModelPackages", "The versions could not be read."),
        ("/dimensions/north/endpoint", "DescribeMonitoringSchedule", "The comparisons could not be read."),
        ("/dimensions/north/rollout", "DescribeEndpoint", "What serves could not be read."),
    ],
)
def test_the_rest_of_a_page_is_shown(page: str, operation: str, said: str, down: bool, acts: bool) -> None:
    answers: dict[str, Answer] = {**WORLD, operation: DOWN if down else refused(operation)}
    answer = visit(answers, Access(allow_actions=acts)).get(page)
    assert answer.status_code == 200
    assert str(escape(said)) in answer.text
    assert ("AWS does not answer" if down else f"AWS does not allow {operation}") in answer.text
    assert "123456789012" not in answer.text
    assert "data-every" in answer.text


@pytest.mark.parametrize("page", ["/dimensions/north/endpoint", "/dimensions/north/rollout"])
def test_a_decision_that_cannot_be_read_does_not_hide_what_serves(page: str) -> None:
    broken = {"sk": {"S": "entry#00000001"}, "at": {"S": AT.isoformat()}, "body": {"S": '{"no": "decision"}'}}
    answer = visit({**WORLD, "Query": items([broken])}).get(page)
    assert answer.status_code == 200
    assert "ecisions" in answer.text
    assert "could not be read: " in answer.text
    assert "v1" in answer.text


def test_variants_that_are_not_named_after_versions_are_shown_as_somebody_elses() -> None:
    page = visit(WORLD).get("/dimensions/north/endpoint").text
    assert "blue" in page
    assert "not one of ours" in page
    assert "could not be read" not in page


@pytest.mark.parametrize("error", [refused("Any"), DOWN, DataError("it is no JSON")])
def test_a_gap_is_told_once(error: Exception) -> None:
    def fails() -> Any:
        raise error

    gaps = Gaps()
    assert [gaps.fill("It", 0, fails) for _ in range(2)] == [0, 0]
    assert gaps.fill("That", 0, lambda: 1) == 1
    assert list(gaps.sentences) == ["It"]


def test_a_gap_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> Any:
        raise DataError("it is\nno JSON")

    Gaps().fill("a\nGET / 200 forged", 0, fails)
    assert caplog.messages == ["a GET / 200 forged could not be read: it is no JSON"]
