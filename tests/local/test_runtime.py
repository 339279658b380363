"""InvokeEndpoint as boto3 sees it: variants, errors, crashes, and what CloudWatch hears of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contender.local.launcher.laptop import Laptop
from tests.local.serving_models import ROW, Endpoints, booster_files, script_files, wait_until

ECHO = """
NAME = "X-Amzn-SageMaker-Custom-Attributes"
def model_fn(model_dir): return None
def input_fn(body, content_type): return content_type
def predict_fn(data, model): return data
def output_fn(prediction, accept, context):
    context.set_response_header(0, NAME, "seen:" + (context.get_request_header(0, NAME) or ""))
    return f"{prediction} {accept}", "text/plain"
"""


@pytest.fixture(scope="module")
def there(clients: Callable[[str], Any], bucket: str) -> Endpoints:
    """An endpoint `duo` of a champion and a challenger, 9 to 1, and `booster` of the built-in algorithm."""
    there = Endpoints(clients, bucket, "run")
    for name in ("champion", "challenger"):
        there.model(name, script_files(), NAME=name)
    there.config("duo", {"champion": 9, "challenger": 1})
    there.create("duo", "duo")
    there.model("booster", booster_files())
    there.config("booster", {"booster": 1})
    there.create("booster", "booster")
    return there


def model_error(there: Endpoints, short: str, body: str | bytes, **more: Any) -> dict[str, Any]:
    with pytest.raises(there.runtime.exceptions.ModelError) as caught:
        there.invoke(short, body, **more)
    response: dict[str, Any] = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    return response


def test_traffic_is_split_by_weight(there: Endpoints) -> None:
    rounds = 400
    seen = [there.invoke("duo")[1] for _ in range(rounds)].count("challenger")
    deviation = (rounds * 0.9 * 0.1) ** 0.5
    assert abs(seen - rounds * 0.1) < 5 * deviation


def test_a_target_variant_overrides_the_weights(there: Endpoints) -> None:
    answers = [there.invoke("duo", TargetVariant="challenger") for _ in range(10)]
    assert {variant for _, variant in answers} == {"challenger"}
    assert all(body.startswith("challenger ") for body, _ in answers)


def test_the_built_in_algorithm_answers_csv_and_json(there: Endpoints) -> None:
    score = float(there.invoke("booster", f"{ROW}\n")[0])
    assert 0 < score < 1
    assert there.invoke("booster", Accept="application/json")[0] == f'{{"predictions": [{{"score": {score}}}]}}'


def test_custom_attributes_go_to_the_container_and_come_back(there: Endpoints) -> None:
    there.model("echo", script_files(ECHO))
    there.config("echo", {"echo": 1})
    there.create("echo", "echo")
    answer = there.runtime.invoke_endpoint(
        EndpointName="run-echo",
        Body=b"x",
        ContentType="a/b; c=d",
        Accept="e/f",
        CustomAttributes="trace=1",
        InferenceId="id-1",
    )
    assert answer["Body"].read() == b"a/b; c=d e/f"
    assert answer["ContentType"] == "text/plain"
    assert answer["CustomAttributes"] == "seen:trace=1"


@pytest.mark.parametrize(
    ("body", "status", "words"), [("raise", 500, "no such feature"), ("nothing", 400, "unexpected application/json")]
)
def test_a_models_error_is_a_model_error(there: Endpoints, body: str, status: int, words: str) -> None:
    content_type = "text/csv" if status == 500 else "application/json"
    response = model_error(there, "duo", body, ContentType=content_type, TargetVariant="champion")
    assert response["OriginalStatusCode"] == status
    assert words in response["OriginalMessage"]
    side = "server" if status == 500 else "client"
    assert response["Message"].startswith(f"Received {side} error ({status}) from primary with message ")
    assert response["LogStreamArn"] == (
        "arn:aws:logs:us-east-1:000000000000:log-group:/aws/sagemaker/Endpoints/run-duo"
    )


def test_an_unknown_variant_or_endpoint_is_a_validation_error(there: Endpoints) -> None:
    errors = there.runtime.exceptions
    with pytest.raises(errors.ValidationError, match="Endpoint run-nobody of account 000000000000 not found"):
        there.invoke("nobody")
    with pytest.raises(errors.ValidationError, match="Variant nobody not found"):
        there.invoke("duo", TargetVariant="nobody")


def test_a_body_of_six_megabytes_passes_and_a_longer_one_is_refused(there: Endpoints) -> None:
    limit = 6 * 1024 * 1024
    assert there.invoke("duo", b"x" * limit)[1] in ("champion", "challenger")
    with pytest.raises(there.runtime.exceptions.ValidationError, match=f"less than or equal to {limit}") as caught:
        there.invoke("duo", b"x" * (limit + 1))
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("invoke_endpoint_async", {"InputLocation": "s3://b/k"}),
        ("invoke_endpoint_with_response_stream", {"Body": b"x"}),
    ],
)
def test_other_operations_say_their_name(there: Endpoints, method: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(there.runtime, method)(EndpointName="run-duo", **arguments)
    operation = "".join(word.capitalize() for word in method.split("_"))
    assert f"does not run the operation {operation}" in caught.value.response["Error"]["Message"]


def test_what_is_not_supported_is_refused_and_not_ignored(there: Endpoints) -> None:
    with pytest.raises(there.runtime.exceptions.ValidationError, match="TargetModel"):
        there.invoke("duo", TargetModel="m.tar.gz")


def test_a_worker_that_dies_takes_only_its_own_request_and_comes_back(there: Endpoints) -> None:
    champion = there.invoke("duo", TargetVariant="champion")
    before = there.invoke("duo", TargetVariant="challenger")[0]
    response = model_error(there, "duo", "die", TargetVariant="challenger")
    assert response["OriginalStatusCode"] == 503
    assert there.invoke("duo", TargetVariant="champion") == champion

    def back() -> bool:
        try:
            return there.invoke("duo", TargetVariant="challenger")[0] != before
        except there.runtime.exceptions.ModelError:
            return False

    wait_until(back, "the challenger is restarted")
    assert there.describe("duo")["EndpointStatus"] == "InService"


def test_a_worker_killed_from_outside_does_not_touch_the_other_variant(there: Endpoints) -> None:
    pid = int(there.invoke("duo", TargetVariant="challenger")[0].split()[1])
    champion = there.invoke("duo", TargetVariant="champion")[0]
    os.kill(pid, signal.SIGKILL)
    assert {there.invoke("duo", TargetVariant="champion")[0] for _ in range(50)} == {champion}

    def back() -> bool:
        try:
            return int(there.invoke("duo", TargetVariant="challenger")[0].split()[1]) != pid
        except there.runtime.exceptions.ModelError:
            return False

    wait_until(back, "the challenger is restarted")


def test_the_front_is_started_again_with_its_routes(there: Endpoints, laptop: Laptop) -> None:
    (front,) = (row.pid for row in laptop.status() if row.name == "runtime")
    champion = there.invoke("duo", TargetVariant="champion")[0]
    os.kill(front, signal.SIGKILL)
    wait_until(lambda: front not in [row.pid for row in laptop.status()], "the front is gone")
    assert there.invoke("duo", TargetVariant="champion")[0] == champion, "the request waited for the next front"


def test_invocations_and_latencies_reach_cloudwatch_by_variant(there: Endpoints) -> None:
    there.config("counted", {"champion": 1, "challenger": 1})
    there.create("counted", "counted")
    for _ in range(5):
        there.invoke("counted", TargetVariant="champion")
    model_error(there, "counted", "raise", TargetVariant="challenger")
    model_error(there, "counted", "x", ContentType="a/b", TargetVariant="challenger")

    def total(metric: str, variant: str, statistic: str = "Sum") -> float:
        answer = there.cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=[
                {"Name": "EndpointName", "Value": "run-counted"},
                {"Name": "VariantName", "Value": variant},
            ],
            StartTime=datetime.now(UTC) - timedelta(minutes=10),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=3600,
            Statistics=[statistic],
        )
        return sum(point[statistic] for point in answer["Datapoints"])

    wait_until(lambda: total("Invocations", "challenger") == 2, "the counts are there")
    assert total("Invocations", "champion") == 5
    assert total("Invocation4XXErrors", "challenger") == 1
    assert total("Invocation5XXErrors", "challenger") == 1
    assert total("InvocationModelErrors", "challenger", "Average") == 1
    assert total("InvocationModelErrors", "champion") == 0
    assert 50 < total("ModelLatency", "champion", "Average") < 5_000_000
    assert total("OverheadLatency", "champion", "Average") > 0


def test_a_workers_output_reaches_cloudwatch_logs(there: Endpoints) -> None:
    there.model("talks", script_files("def model_fn(d): print('hello from the model'); return 1"))
    there.config("talks", {"talks": 1})
    there.create("talks", "talks")
    group = "/aws/sagemaker/Endpoints/run-talks"

    def messages() -> list[str]:
        try:
            streams = there.logs.describe_log_streams(logGroupName=group)["logStreams"]
        except there.logs.exceptions.ResourceNotFoundException:
            return []
        assert all(stream["logStreamName"].startswith("talks/") for stream in streams)
        return [
            event["message"]
            for stream in streams
            for event in there.logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
        ]

    wait_until(lambda: "hello from the model" in messages(), "the line is in CloudWatch Logs")
