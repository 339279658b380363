"""Callback steps: a message to an SQS queue asks for work, and the step goes on when its token is answered.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-callback
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contender.local.api.protocol import SageMakerModel
from contender.local.pipelines import retries
from contender.local.pipelines.definition import Check, Step
from contender.local.pipelines.expressions import is_expression
from contender.local.pipelines.paths import Path
from contender.local.pipelines.steps import outputs
from contender.local.pipelines.steps.runner import Result, Run, StepFailed, StepStopped
from contender.local.store import Document


@dataclass(frozen=True, slots=True)
class CallbackStep:
    fields: frozenset[str] = frozenset({"CacheConfig", "SqsQueueUrl", "OutputParameters"})

    def problems(self, step: Step, check: Check) -> Iterator[str]:
        queue = step.fields.get("SqsQueueUrl")
        if not (is_expression(queue) or (isinstance(queue, str) and queue)):
            yield "SqsQueueUrl: the URL of an SQS queue is needed"
        yield from outputs.problems(step.fields)

    def output_type(self, step: Step, path: Path, model: SageMakerModel) -> str | None:
        return outputs.output_type(step.fields, path)

    def run(self, run: Run) -> Result:
        """A stop asks whoever works on it to clean up, and waits for the answer, as AWS does."""
        callbacks = run.context.engine.callbacks
        declared = outputs.declared(run.fields)
        callback = callbacks.open(run.token, run.execution_arn, run.step.name, run.arguments, declared)
        token, queue = callback["Token"], run.fields["SqsQueueUrl"]
        metadata = {"CallbackToken": token, "SqsQueueUrl": queue}
        run.started({"Callback": metadata})
        if "Told" not in callback:
            _send(run, callback, queue, "Executing")
        with run.stop.calling(callbacks.notify):
            callback = callbacks.wait(token, run.stop.event)
        if callback["Status"] == "Waiting":
            _send(run, callback, queue, "Stopping")
            callback = callbacks.wait(token)
        return _ended(run, callback, metadata)


def _send(run: Run, callback: Document, queue: str, status: str) -> None:
    message = {
        "token": callback["Token"],
        "pipelineExecutionArn": run.execution_arn,
        "arguments": run.arguments,
        "status": status,
    }
    try:
        run.context.aws.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(message, default=str))
    except ClientError as error:
        code, answered = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        raise StepFailed(
            f"ClientError: no message can be sent to {queue}: {error}",
            exception_type=retries.of_call(code, answered),
        ) from error
    except BotoCoreError as error:
        raise StepFailed(f"No message can be sent to {queue}: {error}", exception_type=retries.SERVICE_FAULT) from error
    run.context.engine.callbacks.note_told(callback["Token"], status)


def _ended(run: Run, callback: Document, metadata: Mapping[str, Any]) -> Result:
    given = {"OutputParameters": callback["OutputParameters"]} if "OutputParameters" in callback else {}
    result = Result({"OutputParameters": callback.get("Values", {})}, {"Callback": {**metadata, **given}})
    if callback["Status"] == "Succeeded":
        return result
    if callback.get("Told") == "Stopping":
        raise StepStopped(result)
    raise StepFailed(callback.get("FailureReason") or "The callback was answered with a failure, without a reason")


CALLBACK = CallbackStep()
