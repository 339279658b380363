"""Automatic scaling of variants: how Application Auto Scaling names them, and how a place without it is known."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from contender.endpoints import error_code

SCALED = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
"""What is scaled of a variant, in every request."""


def target(endpoint: str, variant: str) -> dict[str, str]:
    return {**SCALED, "ResourceId": f"endpoint/{endpoint}/variant/{variant}"}


def is_absent(error: ClientError) -> bool:
    """Whether there is no such service: a laptop answers with no code of AWS's at all."""
    return error_code(error).isdigit()


def stop(scaling: Any, endpoint: str, variant: str) -> None:
    """Give up a variant's target, and with it its policy. One that is not scaled, or cannot be here, is success."""
    try:
        scaling.deregister_scalable_target(**target(endpoint, variant))
    except ClientError as error:
        if error_code(error) != "ObjectNotFoundException" and not is_absent(error):
            raise
