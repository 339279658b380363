"""AWS says no, or nothing: by which codes, and what is to be done about it."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

REFUSED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403")
"""S3 answers HeadObject with a number, for it has nowhere to put a word."""
ABSENT = ("ResourceNotFound", "ResourceNotFoundException", "ValidationException", "NoSuchKey", "NoSuchBucket", "404")
EXPIRED = ("ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId")
SLOWED = ("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded")


def brief(error: ClientError | BotoCoreError) -> str:
    """For the log. What AWS says itself names the account, so only the code and the operation are told."""
    if isinstance(error, ClientError):
        return f"AWS answered {error.operation_name} with {error.response['Error']['Code']}"
    return " ".join(str(error).split())


def why(error: ClientError | BotoCoreError) -> tuple[int, str]:
    """The status that a page has for it, and a sentence that says what to do."""
    if isinstance(error, ParamValidationError):
        return 404, "There is no page at this address: AWS could not even be asked for such a name."
    if not isinstance(error, ClientError):
        return 503, (
            f"AWS does not answer ({type(error).__name__}). On a laptop: is it up? `contender "
            "local status` tells. On an account: are there credentials and a region?"
        )
    code, operation = error.response["Error"]["Code"], error.operation_name
    if code in REFUSED:
        return 403, (
            f"AWS does not allow {operation} to whoever runs this page: docs/studio.md lists what it has to be allowed"
        )
    if code in ABSENT:
        return 404, (
            f"AWS has no such thing ({operation} answered {code}): it may have been deleted "
            "since; go back and look again"
        )
    if code in EXPIRED:
        return 503, (
            f"AWS does not know whoever runs this page, or no longer ({operation} answered {code}): "
            "renew the credentials, then start it again"
        )
    if code in SLOWED:
        return 503, f"AWS asks to be asked less often ({operation}): wait a moment, then reload"
    return 502, f"AWS answered {operation} with {code}: see the log of this page, then try again"
