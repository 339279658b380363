"""What the API shows of executions: describe one, list them, their steps and the parameters they were given."""

from __future__ import annotations

from typing import Any

from botocore.model import Shape

from contender.local.api.errors import ValidationException
from contender.local.api.listing import page, pick
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.pipelines.lookup import find_execution, find_pipeline, id_in
from contender.local.pipelines.records import DEFINITION, EXECUTION, STEP
from contender.local.store import Document

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
    "SelectiveExecutionConfig",
    "PipelineVersionId",
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
    "SelectiveExecutionResult",
    "IterationContext",
)
DEFAULT_STEPS_PAGE = 100
DEFAULT_PARAMETERS_PAGE = 200


def describe_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return pick(find_execution(context, request["PipelineExecutionArn"]), *DESCRIBED)


def describe_definition_for_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["PipelineExecutionArn"]
    find_execution(context, arn)
    return context.store.get(DEFINITION, id_in(arn))


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
    find_execution(context, arn)
    answer = context.dispatcher.model.operation("ListPipelineExecutionSteps").output_shape
    row = answer.members["PipelineExecutionSteps"].member
    return page(
        context.store,
        STEP,
        request,
        lambda step: _known(row, pick(step, *STEP_FIELDS)),
        key="PipelineExecutionSteps",
        parent=id_in(arn),
        default_size=DEFAULT_STEPS_PAGE,
    )


def _known(row: Shape, step: Document) -> Document:
    """What the installed botocore knows of a step; ForEach is newer than the botocore that MiniStack asks for."""
    metadata = pick(step.get("Metadata", {}), *row.members["Metadata"].members)
    return {**pick(step, *row.members), "Metadata": metadata}


def list_pipeline_parameters(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The parameters that were given at start, as AWS lists them: without those left at their default."""
    given = find_execution(context, request["PipelineExecutionArn"])["PipelineParameters"]
    try:
        offset = int(request.get("NextToken", "0"))
    except ValueError as error:
        raise ValidationException("Invalid NextToken: it is not one this server gave") from error
    end = offset + request.get("MaxResults", DEFAULT_PARAMETERS_PAGE)
    answer: dict[str, Any] = {"PipelineParameters": given[offset:end]}
    return {**answer, "NextToken": str(end)} if end < len(given) else answer


OPERATIONS: dict[str, Handler] = {
    "DescribePipelineExecution": describe_pipeline_execution,
    "DescribePipelineDefinitionForExecution": describe_definition_for_execution,
    "ListPipelineExecutions": list_pipeline_executions,
    "ListPipelineExecutionSteps": list_pipeline_execution_steps,
    "ListPipelineParametersForExecution": list_pipeline_parameters,
}
