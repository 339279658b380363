"""The codes with which AWS says no, by what is to be done about them."""

from __future__ import annotations

REFUSED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
ABSENT = ("ResourceNotFound", "ResourceNotFoundException", "ValidationException", "NoSuchKey", "NoSuchBucket")
EXPIRED = ("ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId")
SLOWED = ("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded")
