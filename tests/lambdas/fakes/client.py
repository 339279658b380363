"""What all fake clients share: requests and answers checked by botocore's model, and a process that may be killed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator


class Killed(BaseException):
    """The process ended here; no handler of ours may catch it."""


@functools.cache
def service_model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def client_error(operation: str, code: str, message: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation
    )


class Process:
    """Counts the calls of every client it is given to, and ends at one of them: (which call, before or after it)."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.kill_at: tuple[int, bool] | None = None

    def reaches(self, *, before: bool) -> None:
        if self.kill_at == (len(self.calls), before):
            self.kill_at = None
            raise Killed


def operation(method: Callable[..., Any]) -> Callable[..., Any]:
    """A client's method: its request and its answer are validated, and it may be where the process is killed."""
    name = "".join(part.capitalize() for part in method.__name__.split("_"))

    @functools.wraps(method)
    def call(self: Fake, **request: Any) -> Any:
        model = service_model(self.service).operation_model(name)
        self.check(model.input_shape, request, f"{name} request")
        self.calls.append((name, request))
        process = self.process
        process.calls.append(name)
        process.reaches(before=True)
        try:
            answer = method(self, **request) or {}
        except ClientError:
            process.reaches(before=False)
            raise
        if model.output_shape is not None:
            self.check(model.output_shape, answer, f"{name} answer")
        process.reaches(before=False)
        return answer

    return call


class Fake:
    service = ""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.process = Process()

    def check(self, shape: Any, value: Any, what: str) -> None:
        report = ParamValidator().validate(value, shape)
        assert not report.has_errors(), f"{what}: {report.generate_report()}"

    def made(self, *names: str) -> list[dict[str, Any]]:
        """Requests of these operations, in order."""
        return [request for name, request in self.calls if name in names]
