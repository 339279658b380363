"""`contender local` as a user types it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from contender.cli.main import main
from contender.local.launcher.laptop import Laptop


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
