"""Tokens of Callback steps: a message asks, somebody answers the token, and the step that waits for it goes on.

A token outlives the server: an answer that comes while its execution is interrupted is kept for the retry, and a retry
waits for a token that is out already instead of asking again.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from contender.local.api.errors import ConflictException, ResourceNotFound, ValidationException
from contender.local.api.listing import pick
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.pipelines.parameters import value_of
from contender.local.store import Document, Filter

KIND = "pipeline-callback"
WAITING = "Waiting"


class Callbacks:
    """The tokens of one server. A document says what was asked, what the queue was told, and what was answered."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._changed = threading.Condition()

    def open(
        self,
        token: str,
        execution_arn: str,
        step: str,
        arguments: Mapping[str, Any],
        outputs: Sequence[tuple[str, str]],
    ) -> Document:
        """A token for this step: the one that an interrupted try left, if it asked for the same, or a new one."""
        store, execution_id = self._context.store, execution_arn.rpartition("/")[2]
        with store.transaction():
            for known in store.page(KIND, Filter(parent=execution_id), descending=True):
                asked = known["StepName"] == step and known["Arguments"] == arguments
                waiting = known["Status"] == WAITING and known.get("Told") != "Stopping"
                if asked and (waiting or known["Status"] == "Succeeded"):
                    return known
            body = {
                "Token": token,
                "PipelineExecutionArn": execution_arn,
                "StepName": step,
                "Arguments": dict(arguments),
                "Outputs": [list(each) for each in outputs],
                "Status": WAITING,
            }
            store.insert(KIND, token, body, now=self._context.clock(), parent=execution_id)
        return body

    def note_told(self, token: str, status: str) -> None:
        """The queue has had a message with this status."""
        self._context.store.update(KIND, token, {"Told": status}, now=self._context.clock())

    def wait(self, token: str, stop: threading.Event | None = None) -> Document:
        """Until the token is answered or the event is set."""

        def over() -> bool:
            return (stop is not None and stop.is_set()) or self._find(token)["Status"] != WAITING

        with self._changed:
            self._changed.wait_for(over)
        return self._find(token)

    def notify(self) -> None:
        """Something happened that `wait` looks at. Not to be called inside a transaction."""
        with self._changed:
            self._changed.notify_all()

    def answer(self, request: Mapping[str, Any], status: str, **fields: Any) -> str:
        """Keep an answer; the same request twice is answered once. The ARN of the execution."""
        token = request["CallbackToken"]
        request_token = request.get("ClientRequestToken")
        with self._context.store.transaction():
            callback = self._find(token)
            arn = str(callback["PipelineExecutionArn"])
            if callback["Status"] != WAITING:
                if request_token and callback.get("ClientRequestToken") == request_token:
                    return arn
                raise ConflictException(f"Step {callback['StepName']} of {arn} is already in a terminal status")
            if status == "Succeeded":
                fields["Values"] = _values(callback, request.get("OutputParameters", []))
            changes = {"Status": status, "ClientRequestToken": request_token, **fields}
            self._context.store.update(KIND, token, changes, now=self._context.clock())
        self.notify()
        return arn

    def _find(self, token: str) -> Document:
        found = self._context.store.find(KIND, token)
        if found is None:
            raise ResourceNotFound(f"Callback token '{token}' does not exist")
        return found


def forget(context: Context, execution_id: str) -> None:
    """The execution is deleted, and its tokens with it."""
    for callback in context.store.page(KIND, Filter(parent=execution_id)):
        context.store.delete(KIND, callback["Token"])


def _values(callback: Document, given: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The declared outputs, each in its type."""
    texts = {each["Name"]: each["Value"] for each in given}
    values, problems = {}, []
    for name, kind in callback["Outputs"]:
        value = value_of(kind, texts[name]) if name in texts else None
        if value is None:
            found = f"{texts[name]!r} is not of type {kind}" if name in texts else "it is declared, and not given"
            problems.append(f"{name!r}: {found}")
        values[name] = value
    if problems:
        raise ValidationException(f"OutputParameters of step {callback['StepName']}: {'; '.join(problems)}")
    return values


def send_success(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    given = pick(request, "OutputParameters")
    return {"PipelineExecutionArn": context.engine.callbacks.answer(request, "Succeeded", **given)}


def send_failure(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    reason = pick(request, "FailureReason")
    return {"PipelineExecutionArn": context.engine.callbacks.answer(request, "Failed", **reason)}


OPERATIONS: dict[str, Handler] = {
    "SendPipelineExecutionStepSuccess": send_success,
    "SendPipelineExecutionStepFailure": send_failure,
}
