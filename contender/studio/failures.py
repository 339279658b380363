"""What a person sees where something cannot be shown: what failed, on what, and what to do next."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from contender.errors import ContenderError, NamingError, NotFoundError
from contender.studio.access import Forbidden
from contender.studio.rendering import render

log = logging.getLogger(__name__)
REFUSED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
ABSENT = ("ResourceNotFound", "ResourceNotFoundException", "ValidationException", "NoSuchKey", "NoSuchBucket")
SLOWED = ("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded")
ACCOUNT = re.compile(r"\b[0-9]{12}\b")


def of_ours(request: Request, error: Exception) -> Response:
    status = 404 if isinstance(error, NotFoundError | NamingError) else 403 if isinstance(error, Forbidden) else 409
    return _shown(request, status, str(error))


def of_aws(request: Request, error: Exception) -> Response:
    """An answer of AWS that says no. Its own words name the account, so only the code and the operation are told."""
    assert isinstance(error, ClientError)
    code, operation = error.response["Error"]["Code"], error.operation_name
    log.warning("%s: AWS answered %s with %s", request.url.path, operation, code)
    if code in REFUSED:
        return _shown(
            request,
            403,
            f"AWS does not allow {operation} to whoever runs this page: docs/studio.md lists what it has to be allowed",
        )
    if code in ABSENT:
        return _shown(
            request,
            404,
            f"AWS has no such thing ({operation} answered {code}): it may have been deleted "
            "since; go back and look again",
        )
    if code in SLOWED:
        return _shown(request, 503, f"AWS asks to be asked less often ({operation}): wait a moment, then reload")
    return _shown(request, 502, f"AWS answered {operation} with {code}: see the log of this page, then try again")


def of_no_answer(request: Request, error: Exception) -> Response:
    log.warning("%s: %s", request.url.path, ACCOUNT.sub("…", str(error)))
    return _shown(
        request,
        503,
        f"AWS does not answer ({type(error).__name__}). On a laptop: is it up? `contender "
        "local status` tells. On an account: are there credentials and a region?",
    )


def of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _shown(request, 404, "There is no page at this address.")
    return _shown(request, error.status_code, error.detail)


def unforeseen(request: Request, error: Exception) -> Response:
    log.error("%s failed", request.url.path, exc_info=error)
    return _shown(
        request,
        500,
        f"This page failed ({type(error).__name__}): its log says where. It is a mistake of ours, not of your data.",
    )


HANDLERS: Mapping[Any, Callable[[Request, Exception], Response]] = {
    ContenderError: of_ours,
    ClientError: of_aws,
    BotoCoreError: of_no_answer,
    HTTPException: of_http,
}
FORESEEN = tuple(HANDLERS)


def _shown(request: Request, status: int, message: str) -> Response:
    return render(request, "failure.html", status_code=status, status=status, message=message)
