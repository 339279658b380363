"""Asks the tick Lambda to look now, and to follow what a person wants: the only way in which a rollout is commanded.

Whoever may invoke that one function may command rollouts; no other permission is needed, and the ledger has who it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from contender.errors import DeploymentError, NotFoundError
from contender.naming import Names
from contender.rollout.documents import to_json
from contender.rollout.observation import Command


def ask(lambda_: Any, names: Names, dimension: str, command: Command, *, dry_run: bool = False) -> Any:
    """What the tick answers to a command; see `ring`. Its `Refused` says why it was not followed, if it was not."""
    names.endpoint(dimension)  # a dimension that cannot be one is refused here already
    request = {"Dimension": dimension, "Stage": names.stage, "Command": to_json(command), "DryRun": dry_run}
    return ring(lambda_, names, request)


def told(answer: Mapping[str, Any], *, dry_run: bool = False) -> Iterator[str]:
    """What a tick decided and did, or would in a dry run, a line each."""
    for sentence in answer["Decided"]:
        yield f"would be decided: {sentence}" if dry_run else sentence
    for sentence in answer["Done"]:
        yield f"would be done: {sentence}" if dry_run else f"done: {sentence}"
    if answer["Reason"]:
        yield str(answer["Reason"])
    if not answer["Refused"] and not answer["Decided"] and not answer["Done"] and not answer["Reason"]:
        yield "there is nothing to change"


def ring(lambda_: Any, names: Names, request: Mapping[str, Any]) -> Any:
    """What the tick answered. NotFoundError where it is not deployed, DeploymentError with its reason where it failed.

    `request` is the function's event: see `contender/lambdas/tick.py`.
    """
    function = names.function("tick")
    try:
        answer = lambda_.invoke(FunctionName=function, Payload=json.dumps(request).encode())
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise NotFoundError(f"function {function!r} does not exist: deploy it with `contender deploy`") from error
    body = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise DeploymentError(f"{function}: {body.get('errorMessage', 'it failed, see `contender logs tick`')}")
    return body
