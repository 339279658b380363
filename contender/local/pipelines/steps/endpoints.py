"""Steps that create an endpoint config, and that create an endpoint or update it to a config, and wait for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.api.protocol import SageMakerModel
from contender.local.pipelines import arguments
from contender.local.pipelines.definition import Check, Step
from contender.local.pipelines.paths import Path
from contender.local.pipelines.steps.jobs import call
from contender.local.pipelines.steps.runner import Result, Run, StepFailed
from contender.local.store import Document, Missing


@dataclass(frozen=True, slots=True)
class EndpointConfigStep:
    """CreateEndpointConfig under the name that the definition gives."""

    fields: frozenset[str] = frozenset({"CacheConfig", "RetryPolicies"})

    def problems(self, step: Step, check: Check) -> Iterator[str]:
        shape = check.model.operation("CreateEndpointConfig").input_shape
        yield from arguments.check(shape, dict(step.arguments), check.type_of)

    def output_type(self, step: Step, path: Path, model: SageMakerModel) -> str | None:
        return arguments.type_at([model.operation("DescribeEndpointConfig").output_shape], path)

    def run(self, run: Run) -> Result:
        outputs = _of_an_interrupted_try(run)
        if outputs is None:
            call(run, "CreateEndpointConfig", dict(run.arguments))
            outputs = call(run, "DescribeEndpointConfig", {"EndpointConfigName": run.arguments["EndpointConfigName"]})
        return Result(outputs, {"EndpointConfig": {"Arn": outputs["EndpointConfigArn"]}})


@dataclass(frozen=True, slots=True)
class EndpointStep:
    """CreateEndpoint, or UpdateEndpoint where there is one; done when it is in service on that config.

    A deployment cannot be stopped, so a stop waits for its end, as it does for a Lambda function.
    """

    fields: frozenset[str] = frozenset({"CacheConfig"})

    def problems(self, step: Step, check: Check) -> Iterator[str]:
        shape = check.model.operation("CreateEndpoint").input_shape
        yield from arguments.check(shape, dict(step.arguments), check.type_of)

    def output_type(self, step: Step, path: Path, model: SageMakerModel) -> str | None:
        return arguments.type_at([model.operation("DescribeEndpoint").output_shape], path)

    def run(self, run: Run) -> Result:
        name, config = run.arguments["EndpointName"], run.arguments["EndpointConfigName"]
        request = dict(run.arguments)
        known = _describe(run, name)
        if known is None:
            arn = call(run, "CreateEndpoint", request)["EndpointArn"]
        elif _goes_to(known) == config:
            arn = known["EndpointArn"]  # what an interrupted try began
        else:
            request.pop("Tags", None)  # UpdateEndpoint leaves an endpoint's tags as they are
            arn = call(run, "UpdateEndpoint", request)["EndpointArn"]
        metadata = {"Endpoint": {"Arn": arn}}
        run.started(metadata)
        try:
            run.context.serving.deployments.wait(name)
        except Missing as error:
            reason = f"Endpoint {name} was deleted before it was in service"
            raise StepFailed(reason, result=Result(metadata=metadata)) from error
        result = Result(call(run, "DescribeEndpoint", {"EndpointName": name}), metadata)
        endpoint = result.outputs
        if endpoint["EndpointStatus"] != "InService" or endpoint["EndpointConfigName"] != config:
            state = (
                f"Endpoint {name} is {endpoint['EndpointStatus']} on {endpoint['EndpointConfigName']}, not on {config}"
            )
            raise StepFailed(endpoint.get("FailureReason") or state, result=result)
        return result


def _of_an_interrupted_try(run: Run) -> Document | None:
    """The config as it was asked for, made since the execution began: a kill came before the step could say so."""
    try:
        known = run.context.call("DescribeEndpointConfig", {"EndpointConfigName": run.arguments["EndpointConfigName"]})
    except ValidationException:  # what DescribeEndpointConfig answers for a name that nobody has
        return None
    execution = run.context.call("DescribePipelineExecution", {"PipelineExecutionArn": run.execution_arn})
    asked = {key: value for key, value in run.arguments.items() if key != "Tags"}
    return known if known["CreationTime"] >= execution["CreationTime"] and _has(known, asked) else None


def _has(known: Any, asked: Any) -> bool:
    """Whether everything asked for is there, whatever else is."""
    match asked:
        case {}:
            return isinstance(known, Mapping) and all(_has(known.get(key), each) for key, each in asked.items())
        case [*items]:
            return isinstance(known, list) and len(known) == len(items) and all(map(_has, known, items))
    return bool(known == asked)


def _describe(run: Run, name: str) -> Document | None:
    try:
        return run.context.call("DescribeEndpoint", {"EndpointName": name})
    except ValidationException:  # what DescribeEndpoint answers for a name that nobody has
        return None


def _goes_to(endpoint: Document) -> str | None:
    """The config that an endpoint is on its way to."""
    if endpoint["EndpointStatus"] == "Creating":
        return str(endpoint["EndpointConfigName"])
    found: str | None = endpoint.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
    return found


ENDPOINT_CONFIG = EndpointConfigStep()
ENDPOINT = EndpointStep()
