"""Tells the pipeline which version is a dimension's champion, and where its artifact lies.

    {"Dimension": "SM-1", "ChallengerModelUri": "s3://…"}  →  {"ChampionVersion": "3", "ChampionModelUri": "s3://…"}

Before there is a champion the version is "0" and the URI is the challenger's own, so that the next step's input
exists in either case.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any

import boto3

from contender import registry
from contender.lambdas.log_line import log_line
from contender.lambdas.settings import names_from_environ
from contender.naming import Names


def answer(sagemaker: Any, names: Names, event: Mapping[str, Any]) -> dict[str, str]:
    group = names.group(event["Dimension"])
    champion = registry.champion(registry.list_versions(sagemaker, group))
    if champion is None:
        return {"ChampionVersion": "0", "ChampionModelUri": event["ChallengerModelUri"]}
    package = sagemaker.describe_model_package(ModelPackageName=champion.arn)
    return {"ChampionVersion": str(champion.number), "ChampionModelUri": registry.model_data_uri(package)}


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    with log_line("champion") as line:
        line["dimension"] = event.get("Dimension")
        reply = line["answer"] = answer(_sagemaker(), names_from_environ(os.environ), event)
        return reply


@functools.cache
def _sagemaker() -> Any:
    return boto3.client("sagemaker")
