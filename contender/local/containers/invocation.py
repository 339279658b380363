"""One request to a model and its answer: the words that a container and those who call it share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class ModelLoadError(Exception):
    """The archive cannot be served; the message names the file and says why."""


@dataclass(frozen=True, slots=True)
class Request:
    body: bytes
    content_type: str
    accept: str
    custom_attributes: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the container answers; a status of 400 and more carries the error's message as its body."""

    status: int
    body: bytes
    content_type: str
    custom_attributes: str = ""


class Model(Protocol):
    def invoke(self, body: bytes, content_type: str, accept: str) -> Answer: ...

    def invoke_batch(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer per request, in their order; a request that fails has its own error and harms no other."""
        ...


def failure(error: BaseException, status: int) -> Answer:
    """An error as an answer; an exception that carries an integer `status_code` chooses its own status."""
    own = getattr(error, "status_code", None)
    chosen = own if isinstance(own, int) and 400 <= own <= 599 else status
    return Answer(chosen, (str(error) or type(error).__name__).encode(), "text/plain")
