"""Errors as SageMaker's API answers them.

ApiError                        code, HTTP status, message
    ValidationException         400  the request is malformed, or names something that does not exist
    ResourceNotFound            400  the operations whose model declares it
    ResourceInUse               400  the name is taken, or the thing is busy
    ResourceLimitExceeded       400  a quota of the account
    ConflictException           400  a concurrent change, or a thing that is still needed
    UnknownOperation            501  an operation of SageMaker that this server does not run
    InternalFailure             500  a defect of this server
"""

from __future__ import annotations


class ApiError(Exception):
    """An answer that is an error: `code` is what boto3 branches on."""

    code = "InternalFailure"
    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ValidationException(ApiError):
    code = "ValidationException"
    status = 400


class ResourceNotFound(ApiError):
    code = "ResourceNotFound"
    status = 400


class ResourceInUse(ApiError):
    code = "ResourceInUse"
    status = 400


class ResourceLimitExceeded(ApiError):
    code = "ResourceLimitExceeded"
    status = 400


class ConflictException(ApiError):
    code = "ConflictException"
    status = 400


class UnknownOperation(ApiError):
    code = "UnknownOperationException"
    status = 501


class InternalFailure(ApiError):
    code = "InternalFailure"
    status = 500
