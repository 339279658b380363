"""Lambda steps: the function is invoked with the arguments and its answer's fields become the step's outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from contender.local.api.protocol import SageMakerModel
from contender.local.pipelines import retries
from contender.local.pipelines.definition import Check, Step
from contender.local.pipelines.expressions import is_expression
from contender.local.pipelines.paths import Path
from contender.local.pipelines.resolution import as_text
from contender.local.pipelines.steps import outputs
from contender.local.pipelines.steps.runner import Result, Run, StepFailed

MAX_OUTPUT_CHARACTERS = 1024
OUTPUT_TYPES: Mapping[str, tuple[type, ...]] = {
    "String": (str, int, float, bool),
    "Integer": (int,),
    "Float": (float, int),
    "Boolean": (bool,),
}


@dataclass(frozen=True, slots=True)
class LambdaStep:
    fields: frozenset[str] = frozenset({"CacheConfig", "FunctionArn", "OutputParameters"})

    def problems(self, step: Step, check: Check) -> Iterator[str]:
        function = step.fields.get("FunctionArn")
        if not (is_expression(function) or (isinstance(function, str) and function)):
            yield "FunctionArn: the ARN of a Lambda function is needed"
        yield from outputs.problems(step.fields)

    def output_type(self, step: Step, path: Path, model: SageMakerModel) -> str | None:
        return outputs.output_type(step.fields, path)

    def run(self, run: Run) -> Result:
        arn = run.fields["FunctionArn"]
        metadata = {"Arn": arn}
        run.started({"Lambda": metadata})
        payload = _invoke(run, arn)
        values = {name: _output(name, kind, payload) for name, kind in outputs.declared(run.fields)}
        listed = [{"Name": name, "Value": as_text(value)} for name, value in values.items()]
        return Result({"OutputParameters": values}, {"Lambda": {**metadata, "OutputParameters": listed}})


def _invoke(run: Run, arn: str) -> Any:
    """The function's answer. Failures of the service are retried by policy, those of the function are not."""
    try:
        answer = run.context.aws.client("lambda").invoke(
            FunctionName=arn, Payload=json.dumps(run.arguments, default=str).encode()
        )
        body = answer["Payload"].read()
    except ClientError as error:
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        raise StepFailed(
            f"ClientError: Unable to invoke {arn}: {error}", exception_type=retries.of_call(code, status)
        ) from error
    except ReadTimeoutError as error:
        raise StepFailed(
            f"Lambda function {arn} did not answer within 10 minutes, the limit of a Lambda step"
        ) from error
    except BotoCoreError as error:
        raise StepFailed(f"Unable to invoke {arn}: {error}", exception_type=retries.SERVICE_FAULT) from error
    try:
        payload = json.loads(body or b"null")
    except ValueError as error:
        raise StepFailed(f"Lambda function {arn} answered something that is not JSON") from error
    if answer.get("FunctionError"):
        raise StepFailed(_function_error(arn, payload))
    return payload


def _function_error(arn: str, payload: Any) -> str:
    if not isinstance(payload, dict) or "errorMessage" not in payload:
        return f"Lambda function {arn} failed: {payload}"
    kind = payload.get("errorType")
    return f"Lambda function {arn} failed: {kind + ': ' if kind else ''}{payload['errorMessage']}"


def _output(name: str, kind: str, payload: Any) -> Any:
    """One declared output out of the answer, in its declared type."""
    if not isinstance(payload, dict) or payload.get(name) is None:
        has = ", ".join(map(str, payload)) if isinstance(payload, dict) else type(payload).__name__
        raise StepFailed(f"OutputParameters: the function's answer has no {name!r} at its top level; it has {has}")
    value = payload[name]
    if not isinstance(value, OUTPUT_TYPES[kind]) or (isinstance(value, bool) and kind in ("Integer", "Float")):
        shown = json.dumps(value)[:100]
        raise StepFailed(f"OutputParameters: {name!r} is {shown} in the answer, which is not of type {kind}")
    if kind == "String":
        value = as_text(value)
        if len(value) > MAX_OUTPUT_CHARACTERS:
            raise StepFailed(
                f"OutputParameters: {name!r} has {len(value)} characters; at most {MAX_OUTPUT_CHARACTERS} are allowed"
            )
    return value


LAMBDA = LambdaStep()
