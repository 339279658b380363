"""Makes an artifact a SageMaker model that the pipeline's checks can ask: its CreateModel step.

    {"Dimension": "SM-1", "ModelUri": "s3://…/model.tar.gz", "Image": "…", "Environment": "{…}"}
      →  {"ModelName": "contender-SM-1-c012345678"}

The same artifact gives the same model, however often it is asked for.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from typing import Any

import boto3

from contender import candidates
from contender.lambdas.log_line import log_line
from contender.lambdas.settings import ModelSettings


def answer(sagemaker: Any, settings: ModelSettings, event: Mapping[str, Any]) -> dict[str, str]:
    name = candidates.create(
        sagemaker,
        settings.names,
        event["Dimension"],
        model_uri=event["ModelUri"],
        image=event["Image"],
        environment=json.loads(event["Environment"]),
        role_arn=settings.model_role_arn,
    )
    return {"ModelName": name}


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    with log_line("model") as line:
        line["dimension"], line["artifact"] = event.get("Dimension"), event.get("ModelUri")
        reply = line["answer"] = answer(_sagemaker(), ModelSettings.from_environ(os.environ), event)
        return reply


@functools.cache
def _sagemaker() -> Any:
    return boto3.client("sagemaker")
