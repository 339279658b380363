"""What the parts of SageMaker share: a clock, ARNs, pages, and what a test wants to happen in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from tests.lambdas.fakes.client import Fake, client_error

REGION, ACCOUNT = "eu-west-1", "123456789012"
PAGE = 2


class Account(Fake):
    second = timedelta(seconds=1)
    service = "sagemaker"

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.refusals: dict[str, ClientError] = {}
        self.before: dict[str, Callable[[], Any]] = {}

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def arn(self, path: str) -> str:
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{path}"

    def _fail(self, name: str, code: str, message: str) -> None:
        raise client_error(name, code, message)

    def _interfere(self, name: str) -> None:
        """Do what a test wants to happen just before this operation, once; then what it wants it to answer."""
        if act := self.before.pop(name, None):
            act()
        if error := self.refusals.get(name):
            raise error

    def get_paginator(self, name: str) -> Any:
        method = getattr(self, name)

        class Paginator:
            def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
                token: dict[str, str] = {}
                while True:
                    page = method(**request, **token)
                    yield page
                    if "NextToken" not in page:
                        return
                    token = {"NextToken": page["NextToken"]}

        return Paginator()

    def _page(self, key: str, items: list[dict[str, Any]], request: dict[str, Any]) -> dict[str, Any]:
        start = int(request.get("NextToken", "0"))
        more = {"NextToken": str(start + PAGE)} if len(items) > start + PAGE else {}
        return {key: items[start : start + PAGE], **more}

    def _known(self, operation_name: str, things: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
        if name not in things:
            self._fail(operation_name, "ValidationException", f'Could not find "{name}".')
        return things[name]

    def _named(
        self, things: dict[str, dict[str, Any]], name: str, arn: str, request: dict[str, Any]
    ) -> list[dict[str, Any]]:
        return [
            {key: thing[key] for key in (name, arn, "CreationTime")}
            for thing in things.values()
            if request["NameContains"].lower() in thing[name].lower()
            and thing["CreationTime"] < request.get("CreationTimeBefore", datetime.max.replace(tzinfo=UTC))
        ]
