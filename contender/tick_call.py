"""Asks the tick Lambda to look now, and to follow what a person wants: the only way in which a rollout is commanded.

Whoever may invoke that one function may command rollouts; no other permission is needed, and the ledger has who it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from contender.errors import DeploymentError, NotFoundError
from contender.naming import Names


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
