"""The shipped hooks against a real endpoint, which answers, captures, and is compared with golden rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from contender.lambdas.hooks import capture, golden, serves
from contender.lambdas.hooks.variant import Doubtful, Variant
from contender.naming import Names
from tests.lambdas.test_on_the_laptop import IMAGE
from tests.local.serving_models import Endpoints, script_files

NAMES = Names("hooked")
VARIANT = Variant("A", "hooked-A", 1, "v1")
MODEL = """
def model_fn(model_dir):
    return "model"

def input_fn(body, content_type):
    return body.strip().splitlines()[1:]

def predict_fn(rows, model):
    return [float(row.split(",")[0]) / 10 for row in rows]

def output_fn(answers, accept):
    return "\\n".join(map(str, answers)), "text/csv"
"""


@pytest.fixture(scope="module")
def endpoints(clients: Any, bucket: str) -> Iterator[Endpoints]:
    found = Endpoints(clients, bucket, "hooked")
    found.s3.put_object(Bucket=bucket, Key="data/A/march.csv", Body=b"x,Churn?\n3,True.\n")
    found.sagemaker.create_model_package_group(ModelPackageGroupName=NAMES.group("A"))
    found.sagemaker.create_model_package(
        ModelPackageGroupName=NAMES.group("A"),
        CustomerMetadataProperties={"dataUri": f"s3://{bucket}/data/A/march.csv"},
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": found.upload("package", script_files(MODEL))}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    found.model("v1", script_files(MODEL))
    found.config(
        "config",
        {"v1": 1.0},
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 50,
            "DestinationS3Uri": f"s3://{bucket}/capture/hooked-A",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        },
    )
    found.create("A", "config")
    yield found
    found.sagemaker.delete_endpoint(EndpointName="hooked-A")


def test_the_variant_serves_what_it_was_trained_with(endpoints: Endpoints) -> None:
    found = serves.check(endpoints.sagemaker, endpoints.s3, endpoints.runtime, NAMES, VARIANT)
    assert found == "v1 answered 5 times, at last 0.3"


def test_what_it_serves_is_captured(endpoints: Endpoints) -> None:
    found = capture.check(
        endpoints.sagemaker,
        endpoints.s3,
        endpoints.runtime,
        NAMES,
        VARIANT,
        clock=lambda: datetime.now(UTC),
        sleep=time.sleep,
        patience_s=60,
    )
    assert found.startswith(f"captured in s3://{endpoints.bucket}/capture/hooked-A/hooked-A/v1/")


def test_golden_rows_come_out_right_or_are_named(endpoints: Endpoints) -> None:
    endpoints.s3.put_object(Bucket=endpoints.bucket, Key="golden/A.csv", Body=b"x,expected\n3,0.3\n5,0.52\n")
    found = golden.check(endpoints.s3, endpoints.runtime, endpoints.bucket, VARIANT)
    assert found == f"2 rows of s3://{endpoints.bucket}/golden/A.csv, at most 0.02 away"
    endpoints.s3.put_object(Bucket=endpoints.bucket, Key="golden/A.csv", Body=b"x,expected\n3,0.9\n")
    with pytest.raises(Doubtful, match=r"answers 0\.3 where 0\.9 is expected"):
        golden.check(endpoints.s3, endpoints.runtime, endpoints.bucket, VARIANT)


def test_one_that_is_not_there_does_not_serve(endpoints: Endpoints) -> None:
    absent = Variant("A", "hooked-A", 1, "v2")
    with pytest.raises(Doubtful, match="v2 of hooked-A does not answer"):
        serves.check(endpoints.sagemaker, endpoints.s3, endpoints.runtime, NAMES, absent)
