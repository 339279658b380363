"""Clients of AWS's services, whose descriptions a process reads once: a tenth of a second and more for each client.

The warm parent reads them, so that the analyses forked from it need not.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
from botocore.loaders import Loader, create_loader

SERVICES = ("s3", "sagemaker", "sagemaker-runtime")


def client(service: str) -> Any:
    """As the environment says where the service is and who asks."""
    return _session().create_client(service)


def read_descriptions() -> None:
    """What `client` takes its time for, without a look at this process's own settings."""
    for service in SERVICES:
        _session().create_client(service, "us-east-1", aws_access_key_id="none", aws_secret_access_key="none")


def _session() -> botocore.session.Session:
    session = botocore.session.get_session()
    session.register_component("data_loader", _descriptions())
    return session


@cache
def _descriptions() -> Loader:
    return create_loader()
