"""The hooks that Contender ships: the variant serves, what it serves is captured, golden rows come out right."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contender.lambdas.hooks import capture, golden, serves
from contender.lambdas.hooks.variant import Doubtful, Variant, answered
from contender.naming import Names
from tests.lambdas.fakes import FakeSageMaker, client_error

NAMES = Names("contender")
VARIANT = Variant("A", "contender-A", 1, "v1")
EVENT = {"dimension": "A", "endpoint": "contender-A", "version": 1, "variant": "v1", "phase": "Ramping"}
UPLOAD = "s3://contender-data/data/A/march.csv"
GOLDEN = "x,y,expected,tolerance\n1,a,0.25,\n2,b,0.5,0.2\n"


class FakeS3:
    def __init__(self, **files: str) -> None:
        self.files = {UPLOAD.removeprefix("s3://contender-data/"): 'x,"y, z",Churn?\n1,a,True.\n2,b,False.\n', **files}

    def get_object(self, *, Bucket: str, Key: str, Range: str = "") -> dict[str, Any]:
        if Key not in self.files:
            raise client_error("GetObject", "NoSuchKey", "The specified key does not exist.", 404)
        return {"Body": io.BytesIO(self.files[Key].encode())}

    def get_paginator(self, name: str) -> FakeS3:
        assert name == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        return [{"Contents": [{"Key": key} for key in self.files if key.startswith(Prefix)]}]


class FakeRuntime:
    """Answers each row with what `answer` makes of it."""

    def __init__(self, answer: Callable[[str], str] = lambda row: "0.25") -> None:
        self.answer = answer
        self.bodies: list[str] = []

    def invoke_endpoint(self, *, EndpointName: str, TargetVariant: str, Body: bytes, **_: Any) -> dict[str, Any]:
        assert (EndpointName, TargetVariant) == ("contender-A", "v1")
        self.bodies.append(Body.decode())
        rows = Body.decode().splitlines()[1:]
        return {"Body": io.BytesIO("\n".join(self.answer(row) for row in rows).encode())}


def registered() -> FakeSageMaker:
    sagemaker = FakeSageMaker()
    sagemaker.packages[sagemaker.register("contender-A")]["CustomerMetadataProperties"] = {"dataUri": UPLOAD}
    return sagemaker


def broken(row: str) -> str:
    raise client_error("InvokeEndpoint", "ModelError", "Received server error (500) from primary")


# Serves


def test_a_variant_that_answers_the_first_row_of_its_upload_serves() -> None:
    runtime = FakeRuntime()
    assert serves.check(registered(), FakeS3(), runtime, NAMES, VARIANT) == "v1 answered 5 times, at last 0.25"
    assert set(runtime.bodies) == {'x,"y, z",Churn?\n1,a,True.\n'}


@pytest.mark.parametrize("answer", [broken, lambda row: ""])
def test_a_variant_that_does_not_answer_does_not_serve(answer: Callable[[str], str]) -> None:
    with pytest.raises(Doubtful, match=r"v1 of contender-A (does not answer|answers nothing)"):
        serves.check(registered(), FakeS3(), FakeRuntime(answer), NAMES, VARIANT)


def test_a_version_that_names_no_upload_cannot_be_asked() -> None:
    sagemaker = FakeSageMaker()
    sagemaker.register("contender-A")
    with pytest.raises(Doubtful, match="names no file"):
        serves.check(sagemaker, FakeS3(), FakeRuntime(), NAMES, VARIANT)


# Capture


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def captured(s3: FakeS3, runtime: FakeRuntime, clock: Clock, percent: int = 100, on: bool = True) -> str:
    sagemaker = registered()
    described = {
        "EnableCapture": on,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": percent,
        "DestinationS3Uri": "s3://artifacts/capture/contender-A",
        "KmsKeyId": "",
    }
    sagemaker.describe_endpoint = lambda **_: {"DataCaptureConfig": described}  # type: ignore[method-assign]
    return capture.check(sagemaker, s3, runtime, NAMES, VARIANT, clock=clock, sleep=clock.sleep, patience_s=60)


def test_captured_requests_arrive_after_the_variant_was_asked() -> None:
    s3, clock = FakeS3(), Clock()
    s3.files["capture/contender-A/contender-A/v1/2026/01/01/00/old.jsonl"] = ""

    def writing(row: str) -> str:
        s3.files["capture/contender-A/contender-A/v1/2026/01/01/00/new.jsonl"] = row
        return "0.25"

    runtime = FakeRuntime(writing)
    found = captured(s3, runtime, clock, percent=10)
    assert found == "captured in s3://artifacts/capture/contender-A/contender-A/v1/2026/01/01/00/new.jsonl"
    assert len(runtime.bodies) == 70


def test_captures_that_never_arrive_are_doubtful() -> None:
    clock = Clock()
    with pytest.raises(Doubtful, match=r"no capture of v1 arrived under s3://artifacts/capture/.* within 60 s"):
        captured(FakeS3(), FakeRuntime(), clock)
    assert clock.now - datetime(2026, 1, 1, tzinfo=UTC) >= timedelta(seconds=60)


def test_where_capture_is_off_nothing_is_asked() -> None:
    runtime = FakeRuntime()
    assert "captures nothing" in captured(FakeS3(), runtime, Clock(), on=False)
    assert runtime.bodies == []


# Golden rows


def test_golden_rows_are_asked_without_their_answers() -> None:
    runtime = FakeRuntime(lambda row: {"1,a": "0.28", "2,b": "0.65"}[row])
    found = golden.check(FakeS3(**{"golden/A.csv": GOLDEN}), runtime, "artifacts", VARIANT)
    assert found == "2 rows of s3://artifacts/golden/A.csv, at most 0.15 away"
    assert runtime.bodies == ["x,y\n1,a\n2,b\n"]


def test_a_golden_row_beyond_its_tolerance_is_named() -> None:
    runtime = FakeRuntime(lambda row: {"1,a": "0.31", "2,b": "0.65"}[row])
    with pytest.raises(Doubtful, match=r"row 1 of s3://artifacts/golden/A\.csv: v1 answers 0\.31 where 0\.25"):
        golden.check(FakeS3(**{"golden/A.csv": GOLDEN}), runtime, "artifacts", VARIANT)


def test_dimensions_without_golden_rows_share_those_of_all() -> None:
    s3 = FakeS3(**{"golden/all.csv": "x,expected\n1,0.25\n"})
    assert "golden/all.csv" in golden.check(s3, FakeRuntime(), "artifacts", VARIANT)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, r"no golden rows at s3://artifacts/golden/A\.csv: put them there"),
        ({"golden/A.csv": "x,y\n1,2\n"}, "no rows with a column 'expected'"),
        ({"golden/A.csv": "x,expected\n"}, "no rows with a column 'expected'"),
        ({"golden/A.csv": "x,expected\n1,much\n"}, "expected is 'much', no number"),
    ],
)
def test_golden_rows_that_cannot_be_used_are_doubtful(files: dict[str, str], says: str) -> None:
    with pytest.raises(Doubtful, match=says):
        golden.check(FakeS3(**files), FakeRuntime(), "artifacts", VARIANT)


def test_many_golden_rows_are_asked_in_parts() -> None:
    rows = "x,expected\n" + "1,0.25\n" * (golden.MAX_ROWS + 1)
    runtime = FakeRuntime()
    golden.check(FakeS3(**{"golden/A.csv": rows}), runtime, "artifacts", VARIANT)
    assert [len(body.splitlines()) - 1 for body in runtime.bodies] == [golden.MAX_ROWS, 1]


def test_not_a_number_is_never_near_enough() -> None:
    s3 = FakeS3(**{"golden/A.csv": "x,expected\n1,0.25\n"})
    with pytest.raises(Doubtful, match="answers nan"):
        golden.check(s3, FakeRuntime(lambda row: "nan"), "artifacts", VARIANT)


# Answering


def doubtful(variant: Variant) -> str:
    raise Doubtful(f"{variant.name} is odd")


def test_a_doubt_is_a_no_with_its_reason_and_one_line_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert answered("serves", EVENT, doubtful) == {"ok": False, "reason": "v1 is odd"}
    assert answered("serves", EVENT, lambda variant: "fine") == {"ok": True, "reason": "fine"}
    assert len(capsys.readouterr().out.splitlines()) == 2
