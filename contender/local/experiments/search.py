"""Search over experiments, trials and trial components: which records hold an expression, sorted and paged.

A filter names a property by its path: `TrialComponentName`, `Parents.ExperimentName`, `Parameters.eta`,
`Metrics.validation:auc.Last`, `Source.SourceArn`, `Tags.team`. Keys may have dots of their own.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Search.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from contender.local.api.errors import UnknownOperation, ValidationException
from contender.local.api.listing import pick, question, read_token, write_token
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.experiments import links
from contender.local.experiments.entities import COMPONENT, EXPERIMENT, TRIAL, Entity, find, summary
from contender.local.jobs.kinds import PROCESSING, TRAINING, TRANSFORM
from contender.local.resources import tags
from contender.local.store import Document

RESOURCES: Mapping[str, Entity] = {
    "Experiment": EXPERIMENT,
    "ExperimentTrial": TRIAL,
    "ExperimentTrialComponent": COMPONENT,
}
JOBS = {each.kind: each.prefix for each in (TRAINING, PROCESSING, TRANSFORM)}
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
DEFAULT_PAGE = 10


def search(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    entity = RESOURCES.get(request["Resource"])
    if entity is None:
        raise UnknownOperation(
            f"local SageMaker does not search for {request['Resource']}, only for {', '.join(RESOURCES)}"
        )
    if "VisibilityConditions" in request:
        raise ValidationException("Search: VisibilityConditions is not supported yet by local SageMaker")
    records = [_record(context, entity, document) for document in context.store.page(entity.kind)]
    if expression := request.get("SearchExpression"):
        records = [record for record in records if _holds(record, expression)]
    by = request.get("SortBy", "LastModifiedTime")
    records.sort(key=lambda record: _rank(record, by), reverse=request.get("SortOrder", "Descending") == "Descending")
    asked = question("search", request)
    start = int(read_token(request["NextToken"], asked)[0]) if "NextToken" in request else 0
    end = start + request.get("MaxResults", DEFAULT_PAGE)
    answer: Document = {"Results": [{entity.prefix: _with_source(context, each)} for each in records[start:end]]}
    answer["TotalHits"] = {"Value": len(records), "Relation": "EqualTo"}
    return {**answer, "NextToken": write_token((end, ""), asked)} if end < len(records) else answer


def _record(context: Context, entity: Entity, document: Document) -> Document:
    record = {**document, "Tags": tags.listed(tags.of(context, document[entity.arn_field]))}
    if entity is TRIAL:
        names = links.components_of(context, document["TrialName"])
        return {**record, "TrialComponentSummaries": [_simple(find(context, COMPONENT, name)) for name in names]}
    if entity is COMPONENT:
        trials = links.trials_of(context, document["TrialComponentName"])
        return {**record, "Parents": [pick(trial, "TrialName", "ExperimentName") for trial in trials]}
    return record


def _simple(component: Document) -> Document:
    return summary(COMPONENT, component, "TrialComponentName", "TrialComponentArn", "CreationTime", "CreatedBy")


def _with_source(context: Context, record: Document) -> Document:
    """A component with the job it is of."""
    arn = record.get("Source", {}).get("SourceArn", "")
    kind, _, name = arn.rpartition(":")[2].partition("/")
    job = context.store.find(kind, name) if kind in JOBS else None
    if job is None:
        return record
    found = context.dispatcher.model.operation("Search").output_shape.members["Results"].member
    shape = found.members["TrialComponent"].members["SourceDetail"].members[JOBS[kind]]
    return {**record, "SourceDetail": {"SourceArn": arn, JOBS[kind]: pick(job, *shape.members)}}


def _holds(record: Mapping[str, Any], expression: Mapping[str, Any]) -> bool:
    found = [
        *(_passes(record, each) for each in expression.get("Filters", ())),
        *(_nested(record, each) for each in expression.get("NestedFilters", ())),
        *(_holds(record, each) for each in expression.get("SubExpressions", ())),
    ]
    return any(found) if expression.get("Operator") == "Or" else all(found)


def _nested(record: Mapping[str, Any], nested: Mapping[str, Any]) -> bool:
    """Whether one and the same element of a list passes all filters."""
    name = nested["NestedPropertyName"]
    elements = record.get(name, ())
    return any(all(_passes({name: element}, each) for each in nested["Filters"]) for element in elements)


def _passes(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    values, text = list(_values(_keyed(record), wanted["Name"])), wanted.get("Value")
    how: str = wanted.get("Operator", "Exists" if text is None else "Equals")
    if how in ("Exists", "NotExists"):
        return bool(values) == (how == "Exists")
    if text is None:
        raise ValidationException(f"Search: the filter on {wanted['Name']} needs a Value")
    if how == "NotEquals":
        return not any(_read(text, value) == value for value in values)
    if how == "In":
        return any(str(value) in [each.strip() for each in text.split(",")] for value in values)
    if how == "Contains":
        return any(isinstance(value, str) and text.lower() in value.lower() for value in values)
    return any(COMPARISONS[how](value, read) for value in values if (read := _read(text, value)) is not None)


def _keyed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Lists that a path goes through by name, as objects."""
    keyed = {**record, "Tags": {tag["Key"]: tag["Value"] for tag in record.get("Tags", ())}}
    return {**keyed, "Metrics": {metric["MetricName"]: metric for metric in record.get("Metrics", ())}}


def _values(value: Any, path: str) -> Iterator[Any]:
    """What lies at the path; of a list what lies there in any of its elements."""
    if isinstance(value, list):
        for element in value:
            yield from _values(element, path)
    elif isinstance(value, Mapping) and path:
        for key, inner in value.items():
            if path == key:
                yield from _values(inner, "")
            elif path.startswith(f"{key}."):
                yield from _values(inner, path[len(key) + 1 :])
    elif isinstance(value, Mapping):
        yield next((value[name] for name in ("NumberValue", "StringValue", "Value") if name in value), value)
    elif not path:
        yield value


def _read(text: str, like: Any) -> Any:
    """A filter's text in the type of the property it is compared with; None if it cannot be that."""
    try:
        if isinstance(like, datetime):
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return float(text) if isinstance(like, int | float) else text
    except ValueError:
        return None


def _rank(record: Mapping[str, Any], path: str) -> tuple[int, Any]:
    """Numbers and times before texts; what lacks the property is less than all others."""
    value: Any = next(_values(_keyed(record), path), None)
    if isinstance(value, datetime):
        return 1, value.timestamp()
    return (1, float(value)) if isinstance(value, int | float) else (0 if value is None else 2, str(value))


OPERATIONS: dict[str, Handler] = {"Search": search}
