"""What the stack tells the functions of the API, and the clients they call AWS with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from contender.errors import SettingsError
from contender.lambdas.settings import read
from contender.naming import Names

INVOKE_SECONDS = 9.0
"""Twice that, and all that is beside it, fits into the 29 seconds that API Gateway waits."""


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Whose endpoints may be asked, and the table of their experiments."""

    names: Names
    experiments_table: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        return cls(Names(read(environ, "PROJECT")), read(environ, "EXPERIMENTS_TABLE"))


@dataclass(frozen=True, slots=True)
class EventSettings:
    """Where events go, and how old the settings may be that they come from."""

    delivery_stream: str
    cache_s: float

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        text = read(environ, "CACHE_SECONDS")
        try:
            return cls(read(environ, "DELIVERY_STREAM"), float(text))
        except ValueError as error:
            raise SettingsError(f"environment variable CACHE_SECONDS is {text!r}: it must be a number") from error


def runtime_client() -> Any:
    """InvokeEndpoint is asked twice at most: a model that is too slow should not get every row three times."""
    return _client("sagemaker-runtime", connect_s=1.0, read_s=INVOKE_SECONDS, attempts=2)


def events_client() -> Any:
    """Reporting an event may hold an answer up for this long, when Firehose does not answer."""
    return _client("firehose", connect_s=0.5, read_s=0.75, attempts=2)


def tables_client() -> Any:
    """The tables are not worth waiting for: requests are served without them.

    But a connection that was closed while the function was frozen is no sign of a table that does not answer.
    """
    client = _client("dynamodb", connect_s=0.5, read_s=0.5, attempts=1)
    client.meta.events.register("needs-retry.dynamodb", _again_where_closed)
    return client


def counts_client() -> Any:
    """Without its counts there is nothing to say of an experiment, and many of them take a while."""
    return _client("dynamodb", connect_s=1.0, read_s=3.0, attempts=2)


def _again_where_closed(attempts: int, caught_exception: Exception | None, **event: object) -> float | None:
    """Seconds until botocore asks again; None for not at all."""
    return 0.0 if attempts == 1 and isinstance(caught_exception, ConnectionClosedError) else None


def _client(service: str, *, connect_s: float, read_s: float, attempts: int) -> Any:
    config = Config(
        connect_timeout=connect_s,
        read_timeout=read_s,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        tcp_keepalive=True,
    )
    return boto3.client(service, config=config)
