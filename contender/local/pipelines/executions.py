"""Operations on executions of pipelines: start, stop, retry, describe, list."""

from __future__ import annotations

import secrets
import string
from typing import Any

from contender.local.api.errors import ConflictException, ResourceLimitExceeded, ResourceNotFound, ValidationException
from contender.local.api.listing import page, pick
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.pipelines import parameters, tokens
from contender.local.pipelines.definition import Definition, DefinitionError
from contender.local.pipelines.engine import variables_of
from contender.local.pipelines.expressions import ExpressionError, PropertyFileRef, Scope, resolve
from contender.local.pipelines.records import (
    DEFINITION,
    EXECUTION,
    PIPELINE,
    RUNNING,
    STEP,
    announce_execution,
)
from contender.local.store import Document, Filter

DESCRIBED = (
    "PipelineArn",
    "PipelineExecutionArn",
    "PipelineExecutionDisplayName",
    "PipelineExecutionStatus",
    "PipelineExecutionDescription",
    "PipelineExperimentConfig",
    "FailureReason",
    "CreationTime",
    "LastModifiedTime",
    "CreatedBy",
    "LastModifiedBy",
    "ParallelismConfiguration",
)
STEP_FIELDS = (
    "StepName",
    "StepDisplayName",
    "StepDescription",
    "StartTime",
    "EndTime",
    "StepStatus",
    "CacheHitResult",
    "FailureReason",
    "Metadata",
    "AttemptCount",
)
RETRIABLE = ("Failed", "Stopped", "CompletedWithFailures")
ID_ALPHABET = string.ascii_lowercase + string.digits
DEFAULT_STEPS_PAGE = 100
DEFAULT_PARAMETERS_PAGE = 200


def start_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    refuse_unsupported(request, "SelectiveExecutionConfig", "PipelineVersionId", "MlflowExperimentName")
    name = _name(request["PipelineName"])
    subject = f"StartPipelineExecution/{name}"
    with context.store.transaction():
        pipeline = find_pipeline(context, name)
        if known := tokens.find(context, subject, request["ClientRequestToken"]):
            return {"PipelineExecutionArn": known}
        definition = context.engine.read_definition(pipeline["PipelineDefinition"])
        given = request.get("PipelineParameters", [])
        values, problems = parameters.assign(definition.parameters, given)
        if problems:
            raise ValidationException("; ".join(problems))
        _check_limit(context)
        execution = _new_execution(context, pipeline, request, values)
        execution_id = execution["PipelineExecutionArn"].rpartition("/")[2]
        _set_experiment(execution, definition)
        now = execution["CreationTime"]
        context.store.insert(EXECUTION, execution_id, execution, now=now, parent=name, status="Executing")
        text = {"PipelineDefinition": pipeline["PipelineDefinition"], "CreationTime": pipeline["LastModifiedTime"]}
        context.store.insert(DEFINITION, execution_id, text, now=now)
        context.store.update(PIPELINE, name, {"LastRunTime": now}, now=pipeline["LastModifiedTime"])
        tokens.keep(context, subject, request["ClientRequestToken"], execution["PipelineExecutionArn"])
    announce_execution(context, execution, None)
    context.engine.run(execution_id)
    return {"PipelineExecutionArn": execution["PipelineExecutionArn"]}


def stop_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["PipelineExecutionArn"]
    with context.store.transaction():
        execution = _find(context, arn)
        status = execution["PipelineExecutionStatus"]
        if status == "Stopping":
            return {"PipelineExecutionArn": arn}
        if status != "Executing":
            raise ConflictException(f"{arn} is {status}; only an execution that is Executing can be stopped")
        now = context.clock()
        changes = {"PipelineExecutionStatus": "Stopping", "LastModifiedTime": now}
        after = context.store.update(EXECUTION, _id(arn), changes, now=now, status="Stopping")
    announce_execution(context, after, status)
    context.engine.stop(_id(arn))
    return {"PipelineExecutionArn": arn}


def retry_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Goes on where a failed, stopped or interrupted execution ended; steps that succeeded are not run again."""
    arn, store = request["PipelineExecutionArn"], context.store
    subject = f"RetryPipelineExecution/{_id(arn)}"
    with store.transaction():
        execution = _find(context, arn)
        if tokens.find(context, subject, request["ClientRequestToken"]):
            return {"PipelineExecutionArn": arn}
        status = execution["PipelineExecutionStatus"]
        if status not in RETRIABLE:
            raise ConflictException(f"{arn} is {status}; only an execution that is Failed or Stopped can be retried")
        try:
            context.engine.read_definition(store.get(DEFINITION, _id(arn))["PipelineDefinition"])
        except DefinitionError as error:
            raise ValidationException(f"{arn} cannot be retried: {error}") from error
        _check_limit(context)
        now = context.clock()
        changes = {
            **pick(request, "ParallelismConfiguration"),
            "PipelineExecutionStatus": "Executing",
            "LastModifiedTime": now,
            "FailureReason": None,
        }
        after = store.update(EXECUTION, _id(arn), changes, now=now, status="Executing")
        tokens.keep(context, subject, request["ClientRequestToken"], arn)
    announce_execution(context, after, status)
    context.engine.run(_id(arn))
    return {"PipelineExecutionArn": arn}


def update_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["PipelineExecutionArn"]
    names = ("PipelineExecutionDescription", "PipelineExecutionDisplayName", "ParallelismConfiguration")
    with context.store.transaction():
        _find(context, arn)
        now = context.clock()
        context.store.update(EXECUTION, _id(arn), {**pick(request, *names), "LastModifiedTime": now}, now=now)
    context.engine.look(_id(arn))
    return {"PipelineExecutionArn": arn}


def describe_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return pick(_find(context, request["PipelineExecutionArn"]), *DESCRIBED)


def describe_definition_for_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["PipelineExecutionArn"]
    _find(context, arn)
    return context.store.get(DEFINITION, _id(arn))


def list_pipeline_executions(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    pipeline = find_pipeline(context, request["PipelineName"])["PipelineName"]
    # Executions of one pipeline sort by ARN as they do by id, which is their name in the store.
    asked = {**request, "SortBy": "Name"} if request.get("SortBy") == "PipelineExecutionArn" else request

    def summarise(execution: Document) -> Document:
        names = (
            "PipelineExecutionArn",
            "PipelineExecutionStatus",
            "PipelineExecutionDescription",
            "PipelineExecutionDisplayName",
        )
        reason = {"PipelineExecutionFailureReason": execution["FailureReason"]} if "FailureReason" in execution else {}
        return {**pick(execution, *names), "StartTime": execution["CreationTime"], **reason}

    return page(context.store, EXECUTION, asked, summarise, key="PipelineExecutionSummaries", parent=pipeline)


def list_pipeline_execution_steps(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    arn = request.get("PipelineExecutionArn")
    if arn is None:
        raise ValidationException("ListPipelineExecutionSteps: PipelineExecutionArn is needed")
    _find(context, arn)
    return page(
        context.store,
        STEP,
        request,
        lambda step: pick(step, *STEP_FIELDS),
        key="PipelineExecutionSteps",
        parent=_id(arn),
        default_size=DEFAULT_STEPS_PAGE,
    )


def list_pipeline_parameters(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The parameters that were given at start, as AWS lists them: without those left at their default."""
    given = _find(context, request["PipelineExecutionArn"])["PipelineParameters"]
    try:
        offset = int(request.get("NextToken", "0"))
    except ValueError as error:
        raise ValidationException("Invalid NextToken: it is not one this server gave") from error
    end = offset + request.get("MaxResults", DEFAULT_PARAMETERS_PAGE)
    answer: dict[str, Any] = {"PipelineParameters": given[offset:end]}
    return {**answer, "NextToken": str(end)} if end < len(given) else answer


def find_pipeline(context: Context, name_or_arn: str) -> Document:
    """Raises ResourceNotFound."""
    name = _name(name_or_arn)
    found = context.store.find(PIPELINE, name)
    if found is None:
        raise ResourceNotFound(f"Pipeline '{context.arn(f'pipeline/{name}')}' does not exist.")
    return found


def refuse_unsupported(request: dict[str, Any], *names: str) -> None:
    for name in names:
        if name in request:
            raise ValidationException(f"{name} is not supported yet by local SageMaker")


def _new_execution(
    context: Context, pipeline: Document, request: dict[str, Any], values: dict[str, Any]
) -> dict[str, Any]:
    execution_id = "".join(secrets.choice(ID_ALPHABET) for _ in range(12))
    now = context.clock()
    arn = f"{pipeline['PipelineArn']}/execution/{execution_id}"
    optional = pick(request, "PipelineExecutionDisplayName", "PipelineExecutionDescription")
    parallelism = {**pick(pipeline, "ParallelismConfiguration"), **pick(request, "ParallelismConfiguration")}
    return {
        "PipelineExecutionDisplayName": f"execution-{round(now.timestamp() * 1000)}",
        **optional,
        **parallelism,
        "PipelineArn": pipeline["PipelineArn"],
        "PipelineExecutionArn": arn,
        "PipelineExecutionStatus": "Executing",
        "CreationTime": now,
        "LastModifiedTime": now,
        "CreatedBy": {},
        "LastModifiedBy": {},
        "PipelineParameters": request.get("PipelineParameters", []),
        "ParameterValues": values,
    }


def _set_experiment(execution: dict[str, Any], definition: Definition) -> None:
    """The names of experiment and trial, which the definition may take from the execution."""
    if not definition.experiment:
        return
    scope = Scope(
        parameters=execution["ParameterValues"],
        execution={**variables_of(execution), "CurrentDateTime": execution["CreationTime"].isoformat()},
        outputs={},
        property_file_uri=_no_steps_yet,
        read_json=_no_steps_yet,
    )
    try:
        execution["PipelineExperimentConfig"] = resolve(dict(definition.experiment), scope, "PipelineExperimentConfig")
    except ExpressionError as error:
        raise ValidationException(str(error)) from error


def _no_steps_yet(_: PropertyFileRef | str) -> str:
    raise ExpressionError("nothing has run yet")


def _check_limit(context: Context) -> None:
    running = sum(context.store.count(EXECUTION, Filter(status=status)) for status in RUNNING)
    limit = context.settings.max_executions
    if running >= limit:
        raise ResourceLimitExceeded(
            f"The account-level service limit 'Concurrent pipeline executions' is {limit}; {running} run now"
        )


def _find(context: Context, arn: str) -> Document:
    found = context.store.find(EXECUTION, _id(arn))
    if found is None or found["PipelineExecutionArn"] != arn:
        raise ResourceNotFound(f"Pipeline execution '{arn}' does not exist.")
    return found


def _id(arn: str) -> str:
    return arn.rpartition("/")[2]


def _name(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]


OPERATIONS: dict[str, Handler] = {
    "StartPipelineExecution": start_pipeline_execution,
    "StopPipelineExecution": stop_pipeline_execution,
    "RetryPipelineExecution": retry_pipeline_execution,
    "UpdatePipelineExecution": update_pipeline_execution,
    "DescribePipelineExecution": describe_pipeline_execution,
    "DescribePipelineDefinitionForExecution": describe_definition_for_execution,
    "ListPipelineExecutions": list_pipeline_executions,
    "ListPipelineExecutionSteps": list_pipeline_execution_steps,
    "ListPipelineParametersForExecution": list_pipeline_parameters,
}
