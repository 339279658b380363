"""Package: an artifact that serves raw rows, or a reason why there is none."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.steps.chain import Chain, container


@pytest.fixture
def copied(chain: Chain, trained: Chain) -> Chain:
    """A chain of its own with the trained one's inputs."""
    for name in ("model", "encoder"):
        shutil.copytree(trained.root / name, chain.root / name)
    return chain


def test_the_artifact_is_laid_out_for_the_xgboost_image(trained: Chain) -> None:
    with tarfile.open(trained.root / "artifact" / "model.tar.gz") as tar:
        names = tar.getnames()
        assert all(member.isfile() for member in tar.getmembers())
    assert names == ["code/inference.py", "encoder.json", "model.ubj"]


def test_identical_inputs_give_identical_bytes(copied: Chain, trained: Chain) -> None:
    assert copied.package() == 0
    name = "artifact/model.tar.gz"
    assert (copied.root / name).read_bytes() == (trained.root / name).read_bytes()


def test_runs_as_a_process_with_nothing_but_the_files_beside_it(copied: Chain, tmp_path: Path) -> None:
    script = container(tmp_path, "package/package.py", "package/inference.py")
    command = [sys.executable, "-E", "-s", str(script), *copied.package_arguments()]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["trees"] == 60
    assert not list(script.parent.glob("__pycache__/inference*"))


def test_a_training_job_without_a_model_is_refused(copied: Chain) -> None:
    (copied.root / "model" / "model.tar.gz").unlink()
    assert copied.package() == 1
    assert copied.last_words == "the training job left no model.tar.gz"


def test_an_artifact_without_a_booster_is_refused_with_what_it_holds(copied: Chain) -> None:
    with tarfile.open(copied.root / "model" / "model.tar.gz", "w:gz") as tar:
        tar.add(copied.root / "encoder" / "encoder.json", "notes.json")
    assert copied.package() == 1
    assert "expected xgboost-model, found notes.json" in copied.last_words


def test_a_booster_that_does_not_fit_the_encoder_is_refused(copied: Chain) -> None:
    path = copied.root / "encoder" / "encoder.json"
    encoder = json.loads(path.read_text())
    encoder["width"] -= 1
    path.write_text(json.dumps(encoder))
    assert copied.package() == 1
    assert "but the encoder makes" in copied.last_words
