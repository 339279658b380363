"""The operations this server runs: a table from SageMaker's operation names to handlers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from contender.local.api.errors import UnknownOperation
from contender.local.api.protocol import SageMakerModel

if TYPE_CHECKING:
    from contender.local.context import Context

Handler = Callable[["Context", dict[str, Any]], dict[str, Any]]


def merge(*tables: Mapping[str, Handler]) -> dict[str, Handler]:
    """One table out of several; two handlers for one operation are a mistake of ours."""
    merged: dict[str, Handler] = {}
    for table in tables:
        if twice := merged.keys() & table.keys():
            raise ValueError(f"two handlers for {', '.join(sorted(twice))}")
        merged.update(table)
    return merged


class Dispatcher:
    """Finds the handler of an operation and runs it between the two validations.

    Clients come in through `answer` (bytes to bytes); the pipeline engine through `call`, so that a step's request is
    checked exactly as a client's is.
    """

    def __init__(self, model: SageMakerModel, handlers: Mapping[str, Handler]) -> None:
        self.model = model
        self._handlers = dict(handlers)

    def operation_names(self) -> list[str]:
        return sorted(self._handlers)

    def answer(self, context: Context, name: str, body: bytes) -> bytes:
        operation = self.model.operation(name)
        handler = self._handler(name)
        return self.model.serialise_answer(operation, handler(context, self.model.parse_request(operation, body)))

    def call(self, context: Context, name: str, request: dict[str, Any]) -> dict[str, Any]:
        operation = self.model.operation(name)
        self.model.validate_request(operation, request)
        return self._handler(name)(context, request)

    def _handler(self, name: str) -> Handler:
        try:
            return self._handlers[name]
        except KeyError:
            raise UnknownOperation(f"local SageMaker does not run the operation {name}") from None
