"""`contender` alone works with an account, and whatever needs an extra says which."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contender.cli.extras import EXTRAS
from contender.cli.main import NOUNS

ROOT = Path(__file__).resolve().parents[2]
ABSENT = sorted({module for modules in EXTRAS.values() for module in modules} | {"scipy", "pyarrow", "hypercorn"})
RUN = f"""
import sys
sys.modules.update(dict.fromkeys({ABSENT!r}))  # importing one of them fails as if it were not installed
from contender.cli.main import main
main(sys.argv[1:])
"""


def contender(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("noun", sorted(set(NOUNS) - {"demo"}))
def test_every_noun_but_the_demo_can_be_asked_for_help(noun: str, tmp_path: Path) -> None:
    done = contender(tmp_path, noun, "--help")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("local", "up"), "local"),
        (("demo",), "local"),
        (("data", "sample", "--out", "more"), "local"),
        (("pipeline", "show"), "pipeline"),
        (("studio",), "studio"),
    ],
)
def test_what_needs_an_extra_says_which_in_one_line(words: tuple[str, ...], extra: str, tmp_path: Path) -> None:
    (tmp_path / "contender.yaml").touch()
    done = contender(tmp_path, *words)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.endswith(f"pip install -e '.[{extra}]'\n")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / ".contender").exists()


def test_the_doctor_names_absent_extras_and_is_content_without_them(tmp_path: Path) -> None:
    (tmp_path / "contender.yaml").write_text("project: churn\n")
    done = contender(tmp_path, "doctor")
    assert done.returncode == 0, done.stderr
    for extra in EXTRAS:
        assert f"pip install -e '.[{extra}]'" in done.stdout


def test_the_doctor_refuses_settings_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "contender.yaml").write_text("projekt: churn\n")
    done = contender(tmp_path, "doctor")
    assert done.returncode == 1
    assert "did you mean 'project'?" in done.stdout
