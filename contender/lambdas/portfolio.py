"""A custom resource of CloudFormation: the account accepts SageMaker's portfolio of project templates.

    CloudFormation ─ Create, Update ─► accept ─► answer to the address in the event
                   ─ Delete ─────────► answer: it stays accepted, other domains of the account may use it

CloudFormation waits for the answer, so there is one whatever happens.
"""

from __future__ import annotations

import functools
import json
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import boto3

from contender.lambdas.log_line import log_line

PHYSICAL_ID = "sagemaker-portfolio"
"""There is one to an account and region."""
_ANSWER_S = 10.0


def handler(event: Mapping[str, Any], context: object) -> None:
    with log_line("portfolio") as line:
        line["request"] = event["RequestType"]
        answer = switch(event, _sagemaker, _put)
        line |= {"status": answer["Status"], "reason": answer.get("Reason", "")}


def switch(
    event: Mapping[str, Any], sagemaker: Callable[[], Any], put: Callable[[str, bytes], object]
) -> dict[str, str]:
    """Do what a request asks for and answer it; the answer, FAILED with the reason where it could not be done."""
    answer = {
        "Status": "SUCCESS",
        "PhysicalResourceId": PHYSICAL_ID,
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    try:
        if event["RequestType"] != "Delete":
            sagemaker().enable_sagemaker_servicecatalog_portfolio()
    except Exception as error:  # CloudFormation would wait for hours for one that says nothing
        answer |= {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"}
    put(event["ResponseURL"], json.dumps(answer).encode())
    return answer


def _put(url: str, body: bytes) -> None:
    """The address is signed for a request without a content type."""
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})
    with urllib.request.urlopen(request, timeout=_ANSWER_S):
        pass


@functools.cache
def _sagemaker() -> Any:
    return boto3.client("sagemaker")
