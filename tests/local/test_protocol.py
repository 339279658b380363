"""botocore's model as gatekeeper: what it lets in, what it refuses, and that our own answers pass too."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from contender.local.api.errors import InternalFailure, UnknownOperation, ValidationException
from contender.local.api.protocol import SageMakerModel

MODEL = SageMakerModel()


def test_timestamps_become_aware_datetimes() -> None:
    operation = MODEL.operation("ListModels")
    for written in (1767268800, 1767268800.0, "2026-01-01T12:00:00Z"):
        request = MODEL.parse_request(operation, json.dumps({"CreationTimeAfter": written}).encode())
        assert request == {"CreationTimeAfter": datetime(2026, 1, 1, 12, tzinfo=UTC)}


def test_answers_carry_epoch_seconds() -> None:
    answer = {
        "Models": [{"ModelName": "m", "ModelArn": "a" * 20, "CreationTime": datetime(2026, 1, 1, 12, tzinfo=UTC)}]
    }
    written = json.loads(MODEL.serialise_answer(MODEL.operation("ListModels"), answer))
    assert written["Models"][0]["CreationTime"] == 1767268800


@pytest.mark.parametrize(
    ("operation", "request_", "said"),
    [
        ("CreateModel", {}, "ModelName"),
        ("CreateModel", {"ModelName": 5}, "ModelName"),
        ("CreateModel", {"ModelName": "a b"}, "pattern"),
        ("CreateModel", {"ModelName": "a" * 64}, "ModelName"),
        ("CreateModel", {"ModelName": "a", "Nonsense": 1}, "Nonsense"),
        ("ListModels", {"SortOrder": "Sideways"}, "Ascending, Descending"),
        ("ListModels", {"MaxResults": 101}, "MaxResults"),
        (
            "CreateEndpointConfig",
            {"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "v"}] * 11},
            "at most 10",
        ),
    ],
)
def test_a_request_that_breaks_its_shape_is_refused_by_name(
    operation: str, request_: dict[str, object], said: str
) -> None:
    with pytest.raises(ValidationException, match=said):
        MODEL.parse_request(MODEL.operation(operation), json.dumps(request_).encode())


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(ValidationException, match="JSON"):
        MODEL.parse_request(MODEL.operation("ListModels"), body)


def test_an_answer_that_breaks_its_shape_is_our_defect() -> None:
    with pytest.raises(InternalFailure, match="ModelArn"):
        MODEL.serialise_answer(MODEL.operation("CreateModel"), {})


def test_an_unknown_operation_is_named() -> None:
    with pytest.raises(UnknownOperation, match="MakeCoffee"):
        MODEL.operation("MakeCoffee")
