"""Data capture: what an endpoint was asked and answered, as lines of JSON in S3, laid out as AWS does."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from contender.local.containers.invocation import Answer, Request
from contender.local.containers.monitor.capture import InferenceRecord
from contender.local.launcher.laptop import Laptop
from contender.local.serving.capture_shipping import CaptureShipper, objects
from contender.local.serving.captures import MAX_HELD_BYTES, Captures
from contender.local.serving.invocations import Exchange
from tests.local.serving_models import ROW, Endpoints, booster_files, script_files, wait_until

BOTH = [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]
TEXT = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}
KEY = r"\d{4}/\d\d/\d\d/\d\d/\d\d-\d\d-\d{3}-[0-9a-f-]{36}\.jsonl"


def capture(there: Endpoints, prefix: str, percent: int = 100, **more: Any) -> dict[str, Any]:
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": percent,
        "DestinationS3Uri": f"s3://{there.bucket}/{prefix}",
        "CaptureOptions": BOTH,
        "CaptureContentTypeHeader": TEXT,
        **more,
    }


@pytest.fixture(scope="module")
def there(clients: Callable[[str], Any], bucket: str) -> Endpoints:
    there = Endpoints(clients, bucket, "cap")
    there.model("booster", booster_files())
    for name in ("a", "b"):
        there.model(name, script_files(), NAME=name)
    return there


def lines(there: Endpoints, prefix: str) -> dict[str, list[dict[str, Any]]]:
    """The captured lines by the part of the key that says whose they are."""
    found: dict[str, list[dict[str, Any]]] = {}
    for page in there.s3.get_paginator("list_objects_v2").paginate(Bucket=there.bucket, Prefix=f"{prefix}/"):
        for item in page.get("Contents", []):
            match = re.fullmatch(f"{prefix}/([^/]+/[^/]+)/{KEY}", item["Key"])
            assert match, item["Key"]
            text = there.s3.get_object(Bucket=there.bucket, Key=item["Key"])["Body"].read().decode()
            found.setdefault(match[1], []).extend(json.loads(line) for line in text.splitlines())
    return found


def captured(there: Endpoints, prefix: str, count: int) -> dict[str, list[dict[str, Any]]]:
    wait_until(lambda: sum(map(len, lines(there, prefix).values())) >= count, f"{count} lines were captured")
    return lines(there, prefix)


def test_requests_and_answers_are_kept_by_variant_in_awss_format(there: Endpoints) -> None:
    there.config("text", {"booster": 1}, DataCaptureConfig=capture(there, "text"))
    described = there.create("text", "text")
    assert described["DataCaptureConfig"] == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{there.bucket}/text",
        "KmsKeyId": "",
    }
    answer, _ = there.invoke("text", InferenceId="order-7", CustomAttributes="shop=3")
    there.invoke("text", json.dumps({"instances": [{"features": [0.5] * 6}]}), ContentType="application/json")
    [(place, [first, second])] = captured(there, "text", 2).items()
    assert place == "cap-text/booster"
    assert first["captureData"]["endpointInput"] == {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": ROW,
        "encoding": "CSV",
    }
    output = first["captureData"]["endpointOutput"]
    assert (output["mode"], output["data"], output["encoding"]) == ("OUTPUT", answer, "CSV")
    assert output["observedContentType"].startswith("text/csv")
    metadata = first["eventMetadata"]
    assert (metadata["inferenceId"], metadata["customAttributes"]) == ("order-7", ["shop=3"])
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f-]{27}", metadata["eventId"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["inferenceTime"])
    assert first["eventVersion"] == "0"
    assert second["captureData"]["endpointInput"]["encoding"] == "JSON"
    assert "inferenceId" not in second["eventMetadata"]
    record = InferenceRecord.from_line(first)
    assert record.endpoint_input.rows() == [ROW.split(",")]


def test_what_no_header_declares_is_base64_and_one_side_can_be_left_out(there: Endpoints) -> None:
    rule = capture(there, "raw", CaptureOptions=[{"CaptureMode": "Input"}])
    del rule["CaptureContentTypeHeader"]
    there.config("raw", {"a": 1}, DataCaptureConfig=rule)
    there.create("raw", "raw")
    there.invoke("raw", "x,y")
    [[line]] = captured(there, "raw", 1).values()
    assert list(line["captureData"]) == ["endpointInput"]
    asked = line["captureData"]["endpointInput"]
    assert (asked["encoding"], base64.b64decode(asked["data"])) == ("BASE64", b"x,y")


def test_only_what_a_model_answered_is_kept_and_only_where_it_is_on(there: Endpoints) -> None:
    there.config("off", {"a": 1, "b": 1}, DataCaptureConfig=capture(there, "off", EnableCapture=False))
    there.config("on", {"a": 1, "b": 1}, DataCaptureConfig=capture(there, "on"))
    described = there.create("switched", "off")
    assert described["DataCaptureConfig"]["CaptureStatus"] == "Stopped"
    there.invoke("switched", "before", TargetVariant="a")
    there.update("switched", "on", RetainAllVariantProperties=True)
    there.invoke("switched", "kept", TargetVariant="b")
    with pytest.raises(ClientError):
        there.invoke("switched", "raise", TargetVariant="b")
    there.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="cap-switched", DesiredWeightsAndCapacities=[{"VariantName": "a", "DesiredWeight": 2}]
    )
    assert there.settle("switched")["DataCaptureConfig"]["CaptureStatus"] == "Started"
    there.invoke("switched", "kept too", TargetVariant="a")
    found = captured(there, "on", 2)
    there.update("switched", "off")
    there.invoke("switched", "after", TargetVariant="a")
    assert {
        place: [each["captureData"]["endpointInput"]["data"] for each in kept] for place, kept in found.items()
    } == {
        "cap-switched/a": ["kept too"],
        "cap-switched/b": ["kept"],
    }
    assert lines(there, "off") == {}


def test_a_place_that_is_not_s3_is_refused(there: Endpoints) -> None:
    with pytest.raises(ClientError, match="is no s3:// URI"):
        there.config("web", {"a": 1}, DataCaptureConfig=capture(there, "x", DestinationS3Uri="https://bucket/x"))


def test_the_front_goes_on_capturing_after_it_was_started_again(there: Endpoints, laptop: Laptop) -> None:
    there.config("again", {"a": 1}, DataCaptureConfig=capture(there, "again"))
    there.create("again", "again")
    there.invoke("again", "first")
    captured(there, "again", 1)
    (front,) = (row.pid for row in laptop.status() if row.name == "runtime")
    os.kill(front, signal.SIGKILL)
    wait_until(lambda: front not in [row.pid for row in laptop.status()], "the front is gone")
    there.invoke("again", "second")
    [found] = captured(there, "again", 2).values()
    assert sorted(each["captureData"]["endpointInput"]["data"] for each in found) == ["first", "second"]


# without a laptop


CONFIG = {"InitialSamplingPercentage": 100, "DestinationS3Uri": "s3://kept/deep/er/", "CaptureOptions": BOTH}


def exchange(endpoint: str = "e", body: bytes = b"1,2", status: int = 200) -> Exchange:
    request = Request(body, "text/csv", "text/csv")
    return Exchange(endpoint, "", "", request, 0, variant="v1", answer=Answer(status, b"0.5", "text/csv"))


class FakeS3:
    def __init__(self) -> None:
        self.objects: dict[str, str] = {}
        self.refusal: Exception | None = None

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.objects[f"{Bucket}/{Key}"] = Body.decode()


@pytest.fixture
def captures(tmp_path: Path) -> Captures:
    captures = Captures(tmp_path, random.Random(4))
    captures.rule("e", CONFIG)
    return captures


def shipped(folder: Path, s3: FakeS3) -> None:
    shipper = CaptureShipper(lambda: s3, folder)
    shipper.close()


@pytest.mark.parametrize(("percent", "low", "high"), [(100, 2000, 2000), (25, 400, 600), (1, 5, 45), (0, 0, 0)])
def test_so_many_of_a_hundred_are_kept(captures: Captures, percent: int, low: int, high: int) -> None:
    captures.rule("e", {**CONFIG, "InitialSamplingPercentage": percent})
    for _ in range(2000):
        captures.add(exchange())
    assert low <= len(captures.take()) <= high


def test_an_endpoint_without_a_rule_keeps_nothing(captures: Captures) -> None:
    captures.add(exchange("other"))
    captures.rule("e", None)
    captures.add(exchange())
    assert captures.take() == []


@pytest.mark.parametrize(
    ("headers", "encoding"),
    [
        ({"CsvContentTypes": ["text/csv"]}, "CSV"),
        ({"JsonContentTypes": ["application/json"]}, "BASE64"),
        ({}, "BASE64"),
    ],
)
def test_a_body_of_several_rows_is_kept_whole_as_the_header_says(
    captures: Captures, tmp_path: Path, headers: dict[str, list[str]], encoding: str
) -> None:
    captures.rule("e", {**CONFIG, "CaptureContentTypeHeader": headers})
    captures.add(exchange(body=b"1,2\n3,4\n"))
    captures.write(captures.take())
    (path,) = tmp_path.glob("*.spool")
    ((text,),) = objects(path).values()
    record = InferenceRecord.from_line(json.loads(text))
    assert (record.endpoint_input.encoding, record.endpoint_input.observed_content_type) == (encoding, "text/csv")
    assert record.endpoint_input.rows() == [["1", "2"], ["3", "4"]]


def test_serving_comes_before_capturing(captures: Captures) -> None:
    body = b"x" * (MAX_HELD_BYTES // 4)
    for _ in range(6):
        captures.add(exchange(body=body))
    assert len(captures.take()) == 3
    captures.add(exchange(body=body))
    assert len(captures.take()) == 1


def test_what_a_crash_left_behind_is_shipped_and_the_same_file_twice_is_one(captures: Captures, tmp_path: Path) -> None:
    captures.add(exchange())
    captures.write(captures.take())
    [path] = tmp_path.iterdir()
    spool = path.read_bytes()
    s3 = FakeS3()
    shipped(tmp_path, s3)
    path.write_bytes(spool)
    shipped(tmp_path, s3)
    [(key, text)] = s3.objects.items()
    assert re.fullmatch(f"kept/deep/er/e/v1/{KEY}", key)
    assert len(text.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_captures_wait_for_s3_but_not_for_a_bucket(captures: Captures, tmp_path: Path) -> None:
    captures.add(exchange())
    captures.write(captures.take())
    s3 = FakeS3()
    s3.refusal = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
    shipped(tmp_path, s3)
    assert len(list(tmp_path.iterdir())) == 1
    s3.refusal = ClientError({"Error": {"Code": "NoSuchBucket", "Message": "no"}}, "PutObject")
    shipped(tmp_path, s3)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_capture_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "0.spool").write_bytes(b"nonsense")
    shipped(tmp_path, FakeS3())
    assert list(tmp_path.iterdir()) == []
