"""Hook `<project>-hook-serves`: the variant answers a row of the file that its version was trained with.

For `rollout.hooks.before`: a variant that came into service and cannot answer gets no traffic.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any

import boto3

from contender.lambdas.hooks.variant import Variant, answered, uploaded_row
from contender.lambdas.settings import names_from_environ
from contender.naming import Names

ASKED = 5
"""Several instances answer in turn."""


def check(sagemaker: Any, s3: Any, runtime: Any, names: Names, variant: Variant) -> str:
    row = uploaded_row(sagemaker, s3, names, variant)
    answers = [variant.ask(runtime, row)[0] for _ in range(ASKED)]
    return f"{variant.name} answered {ASKED} times, at last {answers[-1]}"


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    names = names_from_environ(os.environ)
    return answered("serves", event, lambda variant: check(*_clients(), names, variant))


@functools.cache
def _clients() -> tuple[Any, Any, Any]:
    return boto3.client("sagemaker"), boto3.client("s3"), boto3.client("sagemaker-runtime")
