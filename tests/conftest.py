"""A laptop for the tests: MiniStack and local SageMaker on free ports, one for the whole run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from contender.local.launcher.laptop import Laptop, Ports

pytest_plugins = ("tests.without_aws",)

REPOSITORY = Path(__file__).resolve().parent.parent
_PERSON = {"NAME": "", "EMAIL": "@example.org"}

KEPT = ("AWS_CA_BUNDLE", "CONTENDER_AWS_CLI", "CONTENDER_CHROMIUM", "CONTENDER_REAL_DATA", "CONTENDER_SCREENSHOTS")

# What a developer's shell exports must not reach the tests: no test may talk to an account.
for name in [name for name in os.environ if name.startswith(("AWS_", "SAGEMAKER_", "CONTENDER_"))]:
    if name not in KEPT:
        del os.environ[name]
os.environ |= {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.processes import ByFile

    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long stories first, so that all processes end at about the same time."""
    tests = REPOSITORY / "tests"
    items.sort(key=lambda item: item.path.parent not in (tests, tests / "studio" / "browser"))


class Clients:
    """boto3 clients of one laptop, made once each."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        if service not in self._made:
            suffix = {"sagemaker": "_SAGEMAKER", "sagemaker-runtime": "_SAGEMAKER_RUNTIME"}.get(service, "")
            self._made[service] = boto3.client(
                service,
                region_name="us-east-1",
                endpoint_url=self.env[f"AWS_ENDPOINT_URL{suffix}"],
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, proxies={}),
            )
        return self._made[service]

    def close(self) -> None:
        for client in self._made.values():
            client.close()


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A running laptop that every test shares: take names of your own, leave nothing that disturbs another."""
    laptop = Laptop(tmp_path_factory.mktemp("laptop"))
    laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
    yield laptop
    laptop.down()


@pytest.fixture(scope="session")
def clients(laptop: Laptop) -> Iterator[Clients]:
    clients = Clients(laptop.env())
    yield clients
    clients.close()


@pytest.fixture(scope="session")
def bucket(clients: Clients) -> str:
    """An S3 bucket that exists."""
    clients("s3").create_bucket(Bucket="test-bucket")
    return "test-bucket"


@pytest.fixture(scope="session")
def git() -> Callable[..., str]:
    """Runs git in a folder, as somebody, whatever the machine's settings say; what it printed."""
    person = {f"GIT_{role}_{field}": f"ada{at}" for role in ("AUTHOR", "COMMITTER") for field, at in _PERSON.items()}
    env = {**os.environ, **person, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}

    def run(folder: Path, *words: str) -> str:
        done = subprocess.run(["git", "-C", str(folder), *words], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The churn files nobody here wrote; tests that want them skip where they are absent."""
    place = Path(os.environ.get("CONTENDER_REAL_DATA", REPOSITORY.parent / "shared" / "data" / "churn"))
    if not place.is_dir():
        pytest.skip(f"no data at {place}; set CONTENDER_REAL_DATA to run on it")
    return place
