"""Tells the pipelines which of a dimension's versions serve.

Asked by training, whom a challenger has to beat:

    {"Dimension": "SM-1", "ChallengerModelUri": "s3://…"}  →  {"ChampionVersion": "3", "ChampionModelUri": "s3://…"}

Before there is a champion the version is "0" and the URI is the challenger's own, so that the next step's input
exists in either case.

Asked by batch scoring, who scores, and whom to compare with:

    {"Dimension": "SM-1", "SideBySide": true}  →  {"ChampionVersion": "3", "ChampionModelName": "contender-SM-1-v3",
                                                   "ChampionModelUri": "s3://…", "ChallengerVersion": "4", …}

Without a challenger in service, or if nobody wants it compared, its version is "0" and its model the champion's own.
Without a champion there is nobody to score: an error.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any

import boto3

from contender import registry
from contender.errors import NotFoundError
from contender.lambdas.log_line import log_line
from contender.lambdas.settings import names_from_environ
from contender.naming import Names
from contender.registry import Version

NOBODY = "0"


def answer(sagemaker: Any, names: Names, event: Mapping[str, Any]) -> dict[str, str]:
    if "SideBySide" in event:
        return scorers(sagemaker, names, event["Dimension"], _is_true(event["SideBySide"]))
    champion = registry.champion(registry.list_versions(sagemaker, names.group(event["Dimension"])))
    if champion is None:
        return {"ChampionVersion": NOBODY, "ChampionModelUri": event["ChallengerModelUri"]}
    return {"ChampionVersion": str(champion.number), "ChampionModelUri": _model_uri(sagemaker, champion)}


def scorers(sagemaker: Any, names: Names, dimension: str, side_by_side: bool) -> dict[str, str]:
    """Version, model and artifact of the champion, and of the challenger to compare it with."""
    versions = registry.list_versions(sagemaker, names.group(dimension))
    champion = registry.champion(versions)
    if champion is None:
        raise NotFoundError(f"dimension {dimension!r} has no champion to score with: `contender data upload` makes one")
    challenger = registry.newest_challenger(versions) if side_by_side else None

    def of(role: str, version: Version, number: str) -> dict[str, str]:
        return {
            f"{role}Version": number,
            f"{role}ModelName": names.model(dimension, version.number),
            f"{role}ModelUri": _model_uri(sagemaker, version),
        }

    return {
        **of("Champion", champion, str(champion.number)),
        **of("Challenger", challenger or champion, str(challenger.number) if challenger else NOBODY),
    }


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    with log_line("champion") as line:
        line["dimension"] = event.get("Dimension")
        reply = line["answer"] = answer(_sagemaker(), names_from_environ(os.environ), event)
        return reply


def _model_uri(sagemaker: Any, version: Version) -> str:
    return registry.model_data_uri(sagemaker.describe_model_package(ModelPackageName=version.arn))


def _is_true(value: object) -> bool:
    """A pipeline hands a boolean parameter on as JSON's, or as text."""
    return str(value).lower() == "true"


@functools.cache
def _sagemaker() -> Any:
    return boto3.client("sagemaker")
