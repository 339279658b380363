"""What every List* operation does: filter, sort, page."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.store import Document, Filter, Place, Store

SORT_COLUMNS = {
    "Name": "name",
    "CreationTime": "created",
    "CreatedTime": "created",
    "LastModifiedTime": "modified",
    "Status": "status",
}


def page(
    store: Store,
    kind: str,
    request: Mapping[str, Any],
    summarise: Callable[[Document], Document],
    *,
    key: str,
    parent: str | None = None,
    sort_by: str = "CreationTime",
    sort_order: str = "Descending",
    default_size: int = 10,
    keep: Callable[[Document], bool] | None = None,
) -> Document:
    """One page of documents as `{key: [summary, …], "NextToken": …}`.

    Reads the filters that List* operations share from `request`; `sort_by` and `sort_order` are the operation's
    defaults. `keep` is a filter on the document's body that no column knows. A NextToken holds the last place and the
    question it belongs to: used with other filters, it is refused.
    """
    wanted = Filter(
        parent=parent,
        status=request.get("StatusEquals"),
        name_contains=request.get("NameContains"),
        created_after=request.get("CreationTimeAfter") or request.get("CreatedAfter"),
        created_before=request.get("CreationTimeBefore") or request.get("CreatedBefore"),
        modified_after=request.get("LastModifiedTimeAfter"),
        modified_before=request.get("LastModifiedTimeBefore"),
    )
    size = request.get("MaxResults", default_size)
    asked = question(kind, request)
    places = store.walk(
        kind,
        wanted,
        sort=SORT_COLUMNS.get(request.get("SortBy", sort_by), "created"),
        descending=request.get("SortOrder", sort_order) == "Descending",
        after=read_token(request["NextToken"], asked) if "NextToken" in request else None,
        batch=size + 1,
    )
    kept = ((place, document) for place, document in places if keep is None or keep(document))
    found = list(islice(kept, size + 1))
    answer: Document = {key: [summarise(document) for _, document in found[:size]]}
    if len(found) > size:
        answer["NextToken"] = write_token(found[size - 1][0], asked)
    return answer


def pick(document: Mapping[str, Any], *names: str) -> Document:
    """The fields of `document` among `names` that it has: most summaries are that."""
    return {name: document[name] for name in names if name in document}


def has(document: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether the fields of `document` are as wanted; None asks for nothing."""
    return all(value in (None, document.get(name)) for name, value in wanted.items())


def question(kind: str, request: Mapping[str, Any]) -> str:
    """What a list is asked, without how much of it at once."""
    rest = {name: str(value) for name, value in request.items() if name not in ("NextToken", "MaxResults")}
    return json.dumps([kind, rest], sort_keys=True)


def write_token(place: Place, asked: str) -> str:
    """A NextToken."""
    return base64.urlsafe_b64encode(json.dumps([place, asked]).encode()).decode()


def read_token(token: str, asked: str) -> Place:
    """Raises ValidationException for a token of another question, or of somebody else's."""
    try:
        (value, name), belongs_to = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, binascii.Error) as error:
        raise ValidationException("Invalid NextToken: it is not one this server gave") from error
    if belongs_to != asked:
        raise ValidationException("Invalid NextToken: it belongs to a list with other filters")
    return value, name
