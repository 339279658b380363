"""SageMaker's runtime and Firehose in memory, as the API asks them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tests.lambdas.fakes.client import Fake, client_error, operation


class FakeRuntime(Fake):
    """Endpoints by name with their variants; the first one answers whoever names none. Any may be made to fail."""

    service = "sagemaker-runtime"

    def __init__(self, **endpoints: tuple[str, ...]) -> None:
        super().__init__()
        self.endpoints: dict[str, tuple[str, ...]] = dict(endpoints)
        self.failures: dict[str, Exception] = {}
        self.content = b"0.27"
        self.content_type = "text/csv; charset=utf-8"

    @operation
    def invoke_endpoint(self, *, EndpointName: str, TargetVariant: str | None = None, **request: Any) -> dict[str, Any]:
        variants = self.endpoints.get(EndpointName)
        if not variants:
            raise client_error("InvokeEndpoint", "ValidationError", f"Endpoint {EndpointName} not found.")
        variant = TargetVariant or variants[0]
        if variant not in variants:
            raise client_error("InvokeEndpoint", "ValidationError", f"Variant {variant} not found.")
        if error := self.failures.get(variant):
            raise error
        return {
            "Body": io.BytesIO(self.content),
            "ContentType": self.content_type,
            "InvokedProductionVariant": variant,
        }


class FakeFirehose(Fake):
    """Takes records until `refusal` is set."""

    service = "firehose"

    def __init__(self) -> None:
        super().__init__()
        self.records: list[dict[str, Any]] = []
        self.refusal: Exception | None = None

    @operation
    def put_record(self, *, DeliveryStreamName: str, Record: Mapping[str, bytes]) -> dict[str, Any]:
        if self.refusal:
            raise self.refusal
        assert Record["Data"].endswith(b"\n")
        self.records.append(json.loads(Record["Data"]))
        return {"RecordId": str(len(self.records))}


def model_error(status: int, message: str) -> ClientError:
    error = client_error("InvokeEndpoint", "ModelError", f"Received server error ({status})", 424)
    error.response |= {"OriginalStatusCode": status, "OriginalMessage": message}  # type: ignore[typeddict-unknown-key]
    return error
