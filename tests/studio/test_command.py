"""`contender studio` as a user types it: where it listens, what it refuses, how it ends, what its log has."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contender.cli.extras import EXTRAS
from contender.cli.main import main
from tests.conftest import REPOSITORY

TOKEN = "0123456789abcdef"
BLOCKED = sorted(
    set(EXTRAS["local"]) - set(EXTRAS["studio"]) | set(EXTRAS["pipeline"]) | {"scipy", "pyarrow", "uvloop"}
)
RUN = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # as a terminal leaves it; a job in the background ignores it
sys.modules.update(dict.fromkeys({BLOCKED!r}))  # importing one of them fails as if it were not installed
from contender.cli.main import main
main(["studio", *sys.argv[1:]])
"""


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", RUN, *words]


def env(**more: str) -> dict[str, str]:
    """Of a shell that knows no AWS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_ACCESS")}
    return {**kept, "PYTHONPATH": str(REPOSITORY), "AWS_EC2_METADATA_DISABLED": "true", **more}


@contextmanager
def serving(folder: Path, *words: str, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and where it says that it listens."""
    with subprocess.Popen(
        command("--port", "0", *words), cwd=folder, env=env(**more), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        try:
            yield process, process.stderr.readline().strip()
        finally:
            process.kill()


def get(address: str) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs the command in an empty folder; the one line that it ends with."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, token: str = "") -> str:
        monkeypatch.setenv("CONTENDER_STUDIO_TOKEN", token)
        with pytest.raises(SystemExit) as ended:
            main(["studio", *words])
        said = capsys.readouterr().err
        assert ended.value.code == 1
        assert said.startswith("error: ")
        assert said.count("\n") == 1
        return said

    return run


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_it_serves_on_a_free_port_without_any_aws_and_ends_without_a_word_too_many(
    tmp_path: Path, signum: signal.Signals, code: int
) -> None:
    with serving(tmp_path) as (process, address):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
        assert get(f"{address}/health") == (200, "ok\n")
        status, page = get(address)
        assert status == 503
        assert "contender local status" in page
        process.send_signal(signum)
        assert process.wait(20) == code
        assert process.stderr
        said = process.stderr.read()
    lines = [re.sub(r"^\S+ \S+ | \d+ ms", "", line) for line in said.split("\n") if line]
    assert lines[:3] == ["GET /health 200 0 calls", "/: Unable to locate credentials", "GET / 503 0 calls"]
    assert lines[3:] == (["stopped"] if signum == signal.SIGINT else [])


def test_a_laptop_that_is_down_is_told_within_seconds(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        gone = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    shell = {"AWS_ENDPOINT_URL": gone, "AWS_ENDPOINT_URL_SAGEMAKER": gone}
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with serving(tmp_path, **shell, **keys) as (_, address):
        status, page = get(address)
    assert status == 503
    assert "AWS does not answer (EndpointConnectionError)" in page


def test_a_taken_port_is_named_with_its_holder_and_a_way_out(refused: Refused) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused("--port", port)
    assert f"port {port} is taken by" in said
    assert "contender studio --port 0" in said
    if Path("/proc/net/tcp").exists():
        assert f"(pid {os.getpid()})" in said


@pytest.mark.parametrize("token", ["", "x" * 15])
def test_others_are_let_in_with_a_token_of_16_characters_only(refused: Refused, token: str) -> None:
    said = refused("--host", "0.0.0.0", token=token)
    assert "CONTENDER_STUDIO_TOKEN" in said
    assert "openssl rand -hex 16" in said


@pytest.mark.parametrize("host", ["192.0.2.1", "a" * 70])
def test_a_host_that_is_not_this_machines_is_one_line(refused: Refused, host: str) -> None:
    assert f"nothing can be listened to at {host}" in refused("--host", host, token=TOKEN)


def test_with_a_token_the_page_asks_for_it(tmp_path: Path) -> None:
    with serving(tmp_path, "--host", "127.0.0.1", CONTENDER_STUDIO_TOKEN=TOKEN) as (_, address):
        assert "Sign in" in get(address)[1]


def test_settings_that_cannot_be_used_are_one_line(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "contender.yaml").write_text("projekt: churn\n")
    assert "did you mean 'project'?" in refused()
