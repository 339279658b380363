"""`contender local` as a user types it."""

from __future__ import annotations

import io
import json
import socket
import urllib.request
from pathlib import Path

import pytest

from contender.cli.main import main
from contender.local.launcher.laptop import Laptop
from tests.local.running import eventually


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    captured = capsys.readouterr()
    return ended.value.code, captured.out, captured.err


def test_status_of_nothing_is_an_empty_list_and_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "local", "status", "--json", "--home", str(tmp_path))
    assert (code, json.loads(out)) == (1, [])
    assert "contender local up" in err


def test_env_of_nothing_is_one_line_and_prints_nothing_to_evaluate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "local", "env", "--home", str(tmp_path))
    assert (code, out) == (1, "")
    assert err.startswith("error: AWS on this machine does not run")
    assert len(err.splitlines()) == 1


def test_status_lists_processes_with_pid_and_address(laptop: Laptop, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "local", "status", "--json", "--home", str(laptop.home))
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 0
    assert {"aws", "sagemaker", "runtime", "warm"} <= set(rows)
    assert rows["runtime"]["address"] == laptop.addresses().runtime
    assert all(row["pid"] > 0 for row in rows.values())


def test_reset_asks_first(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "logs").mkdir()
    monkeypatch.setattr("sys.stdin", io.StringIO())
    code, _, _ = run(capsys, "local", "reset", "--home", str(tmp_path))
    assert code == 130
    assert (tmp_path / "logs").exists()
    code, _, _ = run(capsys, "local", "reset", "--yes", "--home", str(tmp_path))
    assert code == 0
    assert not (tmp_path / "logs").exists()


ANY_PORT = [word for name in ("aws", "sagemaker", "runtime", "studio") for word in (f"--{name}-port", "0")]


def test_up_starts_the_page_of_this_folders_project_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = ("--home", str(tmp_path / "home"))
    (tmp_path / "contender.yaml").write_text("project: churn\n")
    monkeypatch.chdir(tmp_path)
    try:
        code, out, _ = run(capsys, "local", "up", *ANY_PORT, "--json", *home)
        assert code == 0
        address = json.loads(out)["studio"]
        eventually(lambda: "<h1>churn</h1>" in (page := get(address)) and "read-only" in page)
        code, out, _ = run(capsys, "local", "status", "--json", *home)
        assert code == 0
        assert {row["name"]: row["address"] for row in json.loads(out)}["studio"] == address
        assert json.loads(run(capsys, "local", "up", "--allow-actions", "--json", *home)[1])["studio"] == address
        eventually(lambda: "<h1>churn</h1>" in (page := get(address)) and "read-only" not in page)
    finally:
        code, _, err = run(capsys, "local", "down", *home)
    assert (code, err) == (0, "stopped: aws, sagemaker, studio\n")


def test_a_page_that_cannot_start_is_told_and_stops_nothing(laptop: Laptop, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, out, err = run(capsys, "local", "up", "--studio-port", port, "--json", "--home", str(laptop.home))
    assert code == 0
    assert "studio" not in json.loads(out)
    assert f"no web page: port {port} for studio is taken by" in err
    assert "contender local up --studio-port 0" in err


def get(address: str) -> str:
    """What is there; nothing while nothing answers."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=20) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""
