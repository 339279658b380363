"""The scripts of `steps/`, loaded by path as a container would run them, and the chain they form."""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import xgboost

STEPS = Path(__file__).resolve().parents[2] / "steps"
PREPARED = ("train", "validation", "test", "encoder", "baseline", "score", "explain", "labelled", "judged")


def load(script: str) -> ModuleType:
    path = STEPS / script
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with beside(path.parent), beside(STEPS / "preprocess"), beside(STEPS):
        spec.loader.exec_module(module)
    return module


def container(folder: Path, *files: str) -> Path:
    """A container's code: the first of these files of `steps/`, and nothing but the others beside it."""
    code = folder / "code"
    code.mkdir()
    for file in (*files, "last_words.py"):
        shutil.copy(STEPS / file, code)
    return code / Path(files[0]).name


@contextmanager
def beside(folder: Path) -> Iterator[None]:
    """Modules of `folder` can be imported, as from the script that Python runs there."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


@dataclass(frozen=True)
class Chain:
    """One upload's way through the scripts, everything below `root`."""

    root: Path

    def preprocess_arguments(self, *more: str) -> list[str]:
        places = {name: self.root / name for name in ("data", *PREPARED)}
        return [
            "--label=Churn?",
            "--positive=True.",
            "--drop=Phone",
            "--drop=Dimension",
            "--categorical=Area Code",
            "--split-by=Phone",
            *[f"--{name}={place}" for name, place in places.items()],
            f"--last-words={self.root / 'output'}",
            *more,
        ]

    def package_arguments(self) -> list[str]:
        places = {name: self.root / name for name in ("model", "encoder", "artifact")}
        return [*[f"--{name}={place}" for name, place in places.items()], f"--last-words={self.root / 'output'}"]

    def evaluate_arguments(self, champion: Chain | None = None, *more: str) -> list[str]:
        return [
            "--label=Churn?",
            "--positive=True.",
            "--min-auc=0.75",
            "--margin=0.02",
            f"--champion-version={3 if champion else 0}",
            f"--test={self.root / 'test'}",
            f"--challenger={self.root / 'artifact'}",
            f"--champion={(champion or self).root / 'artifact'}",
            f"--evaluation={self.root / 'evaluation'}",
            f"--last-words={self.root / 'output'}",
            *more,
        ]

    def upload(self, content: str | bytes, name: str = "upload.csv") -> Chain:
        path = self.root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self

    def preprocess(self, *more: str) -> int:
        code: int = load("preprocess/preprocess.py").main(self.preprocess_arguments(*more))
        return code

    def train(self, rounds: int = 60) -> Chain:
        """What the built-in algorithm does between the scripts."""
        rows = np.genfromtxt(self.root / "train" / "train.csv", delimiter=",")
        matrix = xgboost.DMatrix(rows[:, 1:], label=rows[:, 0], nthread=1)
        parameters = {"objective": "binary:logistic", "max_depth": 5, "eta": 0.2, "nthread": 1}
        booster = xgboost.train(parameters, matrix, rounds)
        (self.root / "model").mkdir(exist_ok=True)
        booster.save_model(self.root / "model" / "booster.ubj")
        with tarfile.open(self.root / "model" / "model.tar.gz", "w:gz") as tar:
            tar.add(self.root / "model" / "booster.ubj", "xgboost-model")
        return self

    def package(self) -> int:
        code: int = load("package/package.py").main(self.package_arguments())
        return code

    def evaluate(self, champion: Chain | None = None, *more: str) -> int:
        code: int = load("evaluate/evaluate.py").main(self.evaluate_arguments(champion, *more))
        return code

    def run(self, champion: Chain | None = None) -> dict[str, Any]:
        """All of it; the evaluation report."""
        assert self.preprocess() == 0
        assert self.train().package() == 0
        assert self.evaluate(champion) == 0
        return self.report

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.root / "evaluation" / "evaluation.json").read_text())
        return report

    @property
    def last_words(self) -> str:
        return (self.root / "output" / "message").read_text()

    @property
    def encoder(self) -> dict[str, Any]:
        encoder: dict[str, Any] = json.loads((self.root / "encoder" / "encoder.json").read_text())
        return encoder

    def rows(self, name: str) -> list[list[str]]:
        with (self.root / name).open(newline="") as file:
            return list(csv.reader(file))


def to_csv(rows: list[list[str]]) -> str:
    return "".join(",".join(row) + "\n" for row in rows)
