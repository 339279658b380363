"""What every shipped hook has in common: the variant in question, rows to ask it about, and answering."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from contender.errors import ContenderError
from contender.lambdas.log_line import log_line
from contender.naming import Names
from contender.registry import PAGE
from contender.s3_object import place

FIRST_BYTES = 65_536
"""Of an upload: its header and first rows are among them."""


class Doubtful(ContenderError):
    """The variant is not as it should be; the message says in which way."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A version's variant on a dimension's endpoint."""

    dimension: str
    endpoint: str
    version: int
    name: str

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Variant:
        return cls(event["dimension"], event["endpoint"], int(event["version"]), event["variant"])

    def ask(self, runtime: Any, rows: str, inference_id: str = "") -> list[str]:
        """The answers to CSV rows, one a line; Doubtful when it gives none."""
        extra = {"InferenceId": inference_id} if inference_id else {}
        try:
            answer = runtime.invoke_endpoint(
                EndpointName=self.endpoint,
                TargetVariant=self.name,
                ContentType="text/csv",
                Accept="text/csv",
                Body=rows.encode(),
                **extra,
            )
        except ClientError as error:
            raise Doubtful(f"{self.name} of {self.endpoint} does not answer: {error}") from error
        lines: list[str] = answer["Body"].read().decode().split()
        if not lines:
            raise Doubtful(f"{self.name} of {self.endpoint} answers nothing")
        return lines


def uploaded_row(sagemaker: Any, s3: Any, names: Names, variant: Variant) -> str:
    """Header and first row of the file that the version was trained with."""
    packages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=names.group(variant.dimension), MaxResults=PAGE
    )
    arn = next(
        package["ModelPackageArn"]
        for page in packages
        for package in page["ModelPackageSummaryList"]
        if package["ModelPackageVersion"] == variant.version
    )
    uri = sagemaker.describe_model_package(ModelPackageName=arn).get("CustomerMetadataProperties", {}).get("dataUri")
    if not uri:
        raise Doubtful(f"version {variant.version} of {variant.dimension!r} names no file that it was trained with")
    bucket, key = place(uri)
    first = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{FIRST_BYTES - 1}")["Body"].read()
    rows = list(csv.reader(io.StringIO(first.decode(errors="replace"))))[:2]
    if len(rows) < 2:
        raise Doubtful(f"{uri} has no row to ask about")
    return to_csv(rows)


def to_csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def answered(hook: str, event: Mapping[str, Any], check: Callable[[Variant], str]) -> dict[str, Any]:
    """Run a check; what it says, as a hook answers."""
    with log_line(f"hook-{hook}") as line:
        line |= {"endpoint": event.get("endpoint"), "variant": event.get("variant"), "phase": event.get("phase")}
        try:
            reply = {"ok": True, "reason": check(Variant.of(event))}
        except Doubtful as doubt:
            reply = {"ok": False, "reason": str(doubt)}
        line |= reply
        return reply
