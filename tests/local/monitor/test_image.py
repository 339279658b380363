"""The image as a process: started by its module, and imported by the warm parent without a thread."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contender.local.warm.launch import SINGLE_THREAD
from tests.local.monitor.image import CSV


def test_the_module_runs_as_the_images_entrypoint(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a\n1\n")
    variables = {
        "dataset_source": str(tmp_path / "data.csv"),
        "dataset_format": CSV,
        "output_path": str(tmp_path / "output"),
        "SM_OUTPUT_DIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "contender.local.containers.monitor"]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Completed: Job completed successfully with no violations.\n"
    assert {path.name for path in (tmp_path / "output").iterdir()} == {"statistics.json", "constraints.json"}


def test_a_refusal_is_one_line_on_stderr(tmp_path: Path) -> None:
    variables = {"dataset_format": CSV, "dataset_source": str(tmp_path / "gone"), "SM_OUTPUT_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "contender.local.containers.monitor"]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (255, "")
    assert done.stderr == f"Error: there is no dataset at {tmp_path / 'gone'}\n"
    assert (tmp_path / "message").read_text() == done.stderr.strip()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
def test_importing_it_starts_no_thread() -> None:
    code = "import os, contender.local.containers.monitor.analysis; print(len(os.listdir('/proc/self/task')))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={**os.environ, **SINGLE_THREAD}, capture_output=True, text=True, timeout=60)
    assert done.stdout == "1\n", done.stderr
