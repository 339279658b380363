"""The AWS CLI in the shell of a laptop, one for all tests of this folder: the last of them asks what it has called."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from contender.local.launcher.laptop import Laptop
from tests.local.cli.aws_cli import AwsCli, find_cli
from tests.local.serving_models import Endpoints, wait_until


@pytest.fixture(scope="session")
def aws(laptop: Laptop, tmp_path_factory: pytest.TempPathFactory) -> AwsCli:
    return AwsCli(find_cli(os.environ), laptop.env(), tmp_path_factory.mktemp("aws-cli"))


@pytest.fixture(scope="session")
def upload(clients: Callable[[str], Any], bucket: str) -> Callable[[str, str], str]:
    """Puts a text into S3; the answer is its URI."""

    def put(key: str, text: str) -> str:
        clients("s3").put_object(Bucket=bucket, Key=f"cli/{key}", Body=text.encode())
        return f"s3://{bucket}/cli/{key}"

    return put


@pytest.fixture(scope="session")
def archives(clients: Callable[[str], Any], bucket: str) -> Endpoints:
    return Endpoints(clients, bucket, "cli")


@pytest.fixture(scope="session")
def settled(clients: Callable[[str], Any]) -> Callable[..., dict[str, Any]]:
    """Waits until a thing is as wanted; boto3 asks: the CLI takes a second to start, its waiters sleep for 30."""

    def settle(describe: str, status: str, wanted: str = "Completed", **name: str) -> dict[str, Any]:
        seen: dict[str, Any] = {}

        def done() -> bool:
            seen.update(getattr(clients("sagemaker"), describe)(**name))
            ended = seen[status] == "Failed" or seen[status] == wanted
            return bool(ended)

        wait_until(done, f"{name} is {wanted}", 60)
        assert seen[status] == wanted, seen
        return seen

    return settle
