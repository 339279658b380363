"""What the API's functions keep to: little to import, settings from the environment, an answer in time."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from contender.api.environment import (
    ApiSettings,
    EventSettings,
    counts_client,
    events_client,
    runtime_client,
    tables_client,
)
from contender.errors import SettingsError
from contender.measurements.store import Store
from tests.conftest import REPOSITORY
from tests.infra.templates import of_type, read

ENVIRON = {
    "PROJECT": "contender",
    "EXPERIMENTS_TABLE": "contender-experiments",
    "DELIVERY_STREAM": "contender-events",
    "CACHE_SECONDS": "10",
}
ROOMS = ("contender.experiments", "contender.measurements")
NOT_NEEDED = ("contender.rollout", "contender.registry", "contender.endpoints", "sqlite3", "xml", "concurrent")


@pytest.mark.parametrize("function", ["invocation", "conversion", "stats"])
def test_importing_a_function_loads_little_beyond_boto3(function: str) -> None:
    script = f"""
import sys
import boto3, botocore.config, botocore.exceptions
before = set(sys.modules)
import contender.lambdas.{function}
print("\\n".join(sorted(set(sys.modules) - before)))
"""
    environment = {"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"}
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment, cwd=REPOSITORY
    )
    loaded = set(run.stdout.split())
    assert not [name for name in loaded for needless in NOT_NEEDED if f"{name}.".startswith(f"{needless}.")]
    assert {name.partition(".")[0] for name in loaded} <= set(sys.stdlib_module_names) | {"contender"}


def test_settings_come_from_the_environment() -> None:
    assert ApiSettings.from_environ(ENVIRON).names.project == "contender"
    assert EventSettings.from_environ(ENVIRON) == EventSettings("contender-events", 10.0)


@pytest.mark.parametrize("name", sorted(ENVIRON))
def test_a_missing_variable_is_named(name: str) -> None:
    environ = {key: value for key, value in ENVIRON.items() if key != name}
    settings = ApiSettings if name in ("PROJECT", "EXPERIMENTS_TABLE") else EventSettings
    with pytest.raises(SettingsError, match=f"variable {name} is not set"):
        settings.from_environ(environ)


def test_a_wrong_value_is_named() -> None:
    with pytest.raises(SettingsError, match="CACHE_SECONDS is 'soon': it must be a number"):
        EventSettings.from_environ(ENVIRON | {"CACHE_SECONDS": "soon"})


def longest_s(client: Any) -> float:
    """How long a call may take when nothing answers; between tries boto3 waits a second at most at first."""
    config = client.meta.config
    tries = config.retries["total_max_attempts"]
    return float(tries * (config.connect_timeout + config.read_timeout) + (tries - 1))


def test_everybody_gives_up_before_api_gateway_does() -> None:
    timeout_s = of_type(read("experiments.yaml"), "AWS::Lambda::Function")["InvocationFunction"]["Timeout"]
    settings_and_a_kept_user = 4 * longest_s(tables_client())
    assert settings_and_a_kept_user + longest_s(runtime_client()) + longest_s(events_client()) < timeout_s == 29
    settings_counts_and_waiting_rewards = 3 * longest_s(counts_client())
    assert settings_counts_and_waiting_rewards < timeout_s


@pytest.mark.parametrize(("closed", "answered"), [(1, True), (2, False)])
def test_a_connection_that_was_closed_meanwhile_is_made_anew_once(
    closed: int, answered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one is whose function was frozen."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        thread = threading.Thread(target=serve_after_closing, args=(server, closed))
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{server.getsockname()[1]}")
        store = Store(tables_client(), "contender-experiments")
        if answered:
            assert store.settings("contender-SM-1") is None
        else:
            with pytest.raises(ConnectionClosedError):
                store.settings("contender-SM-1")
        thread.join()


def serve_after_closing(server: socket.socket, closed: int) -> None:
    """Take two connections, and close that many of them without an answer."""
    for number in range(2):
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            if number >= closed:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
