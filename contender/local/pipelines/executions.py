"""Operations that change executions of pipelines: start, stop, retry, update."""

from __future__ import annotations

import secrets
import string
from typing import Any

from contender.local.api.errors import ConflictException, ResourceLimitExceeded, ValidationException
from contender.local.api.listing import pick
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.pipelines import parameters, tokens, trials, versions
from contender.local.pipelines.definition import Definition, DefinitionError
from contender.local.pipelines.expressions import ExpressionError, PropertyFileRef
from contender.local.pipelines.lookup import find_execution, find_pipeline, id_in, name_in, refuse_unsupported
from contender.local.pipelines.records import (
    DEFINITION,
    EXECUTION,
    PIPELINE,
    RUNNING,
    announce_execution,
    take_over,
    variables_of,
)
from contender.local.pipelines.resolution import Scope, resolve
from contender.local.pipelines.selection import reused_steps
from contender.local.store import Document, Filter

RETRIABLE = ("Failed", "Stopped", "CompletedWithFailures")
ID_ALPHABET = string.ascii_lowercase + string.digits


def start_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    refuse_unsupported(request, "MlflowExperimentName")
    name = name_in(request["PipelineName"])
    subject = f"StartPipelineExecution/{name}"
    with context.store.transaction():
        pipeline = find_pipeline(context, name)
        if known := tokens.find(context, subject, request["ClientRequestToken"]):
            return {"PipelineExecutionArn": known}
        versions.keep_first(context, pipeline)
        version = versions.find(context, pipeline, request.get("PipelineVersionId"))
        definition = context.engine.read_definition(version["PipelineDefinition"])
        given = request.get("PipelineParameters", [])
        values, problems = parameters.assign(definition.parameters, given)
        if problems:
            raise ValidationException("; ".join(problems))
        selection = request.get("SelectiveExecutionConfig")
        taken = reused_steps(context, pipeline, definition, selection) if selection else []
        _check_limit(context)
        execution = _new_execution(context, pipeline, request, values)
        execution_id = execution["PipelineExecutionArn"].rpartition("/")[2]
        execution["PipelineVersionId"] = version["PipelineVersionId"]
        _set_experiment(execution, definition)
        trials.open_trial(context, execution)
        now = execution["CreationTime"]
        context.store.insert(EXECUTION, execution_id, execution, now=now, parent=name, status="Executing")
        text = pick(version, "PipelineDefinition", "CreationTime")
        context.store.insert(DEFINITION, execution_id, text, now=now)
        take_over(context, execution_id, taken, now)
        versions.note_execution(context, version, execution["PipelineExecutionArn"], now)
        context.store.update(PIPELINE, name, {"LastRunTime": now}, now=pipeline["LastModifiedTime"])
        tokens.keep(context, subject, request["ClientRequestToken"], execution["PipelineExecutionArn"])
    announce_execution(context, execution, None)
    context.engine.run(execution_id)
    return {"PipelineExecutionArn": execution["PipelineExecutionArn"]}


def stop_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["PipelineExecutionArn"]
    with context.store.transaction():
        execution = find_execution(context, arn)
        status = execution["PipelineExecutionStatus"]
        if status == "Stopping":
            return {"PipelineExecutionArn": arn}
        if status != "Executing":
            raise ConflictException(f"{arn} is {status}; only an execution that is Executing can be stopped")
        now = context.clock()
        changes = {"PipelineExecutionStatus": "Stopping", "LastModifiedTime": now}
        after = context.store.update(EXECUTION, id_in(arn), changes, now=now, status="Stopping")
    announce_execution(context, after, status)
    context.engine.stop(id_in(arn))
    return {"PipelineExecutionArn": arn}


def retry_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Goes on where a failed, stopped or interrupted execution ended; steps that succeeded are not run again."""
    arn, store = request["PipelineExecutionArn"], context.store
    subject = f"RetryPipelineExecution/{id_in(arn)}"
    with store.transaction():
        execution = find_execution(context, arn)
        if tokens.find(context, subject, request["ClientRequestToken"]):
            return {"PipelineExecutionArn": arn}
        status = execution["PipelineExecutionStatus"]
        if status not in RETRIABLE:
            raise ConflictException(f"{arn} is {status}; only an execution that is Failed or Stopped can be retried")
        try:
            context.engine.read_definition(store.get(DEFINITION, id_in(arn))["PipelineDefinition"])
        except DefinitionError as error:
            raise ValidationException(f"{arn} cannot be retried: {error}") from error
        _check_limit(context)
        trials.open_trial(context, execution)
        now = context.clock()
        changes = {
            **pick(request, "ParallelismConfiguration"),
            "PipelineExecutionStatus": "Executing",
            "LastModifiedTime": now,
            "FailureReason": None,
        }
        after = store.update(EXECUTION, id_in(arn), changes, now=now, status="Executing")
        tokens.keep(context, subject, request["ClientRequestToken"], arn)
    announce_execution(context, after, status)
    context.engine.run(id_in(arn))
    return {"PipelineExecutionArn": arn}


def update_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["PipelineExecutionArn"]
    names = ("PipelineExecutionDescription", "PipelineExecutionDisplayName", "ParallelismConfiguration")
    with context.store.transaction():
        find_execution(context, arn)
        now = context.clock()
        context.store.update(EXECUTION, id_in(arn), {**pick(request, *names), "LastModifiedTime": now}, now=now)
    context.engine.look(id_in(arn))
    return {"PipelineExecutionArn": arn}


def _new_execution(
    context: Context, pipeline: Document, request: dict[str, Any], values: dict[str, Any]
) -> dict[str, Any]:
    execution_id = "".join(secrets.choice(ID_ALPHABET) for _ in range(12))
    now = context.clock()
    arn = f"{pipeline['PipelineArn']}/execution/{execution_id}"
    optional = pick(request, "PipelineExecutionDisplayName", "PipelineExecutionDescription", "SelectiveExecutionConfig")
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


OPERATIONS: dict[str, Handler] = {
    "StartPipelineExecution": start_pipeline_execution,
    "StopPipelineExecution": stop_pipeline_execution,
    "RetryPipelineExecution": retry_pipeline_execution,
    "UpdatePipelineExecution": update_pipeline_execution,
}
