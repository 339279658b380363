"""Runs the monitor image on a dataset, as a processing job does, and reads what it wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from contender.local.containers.monitor.__main__ import main

CSV = '{"csv": {"header": true}}'
BARE_CSV = '{"csv": {"header": false}}'
JSON_LINES = '{"json": {"lines": true}}'
CAPTURE = '{"sagemakerCaptureJson": {}}'


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit code, its message, and its files, None where there is none."""

    code: int
    message: str
    folder: Path

    def file(self, name: str) -> Any:
        path = self.folder / name
        return json.loads(path.read_text()) if path.exists() else None

    @property
    def features(self) -> dict[str, Any]:
        return {feature["name"]: feature for feature in self.file("statistics.json")["features"]}

    @property
    def constraints(self) -> dict[str, Any]:
        return {feature["name"]: feature for feature in self.file("constraints.json")["features"]}

    @property
    def violations(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.file("constraint_violations.json")["violations"]
        return found

    @property
    def checks(self) -> set[tuple[str, str]]:
        return {(found["feature_name"], found["constraint_check_type"]) for found in self.violations}

    def said(self, feature: str, check: str) -> str:
        """The description of the one violation of `check` by `feature`."""
        (found,) = (
            found["description"]
            for found in self.violations
            if (found["feature_name"], found["constraint_check_type"]) == (feature, check)
        )
        return found


class Image:
    """Runs in folders of their own below `home`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._runs = 0

    def run(
        self,
        dataset: pd.DataFrame | str | bytes | Path,
        form: str = CSV,
        against: Outcome | None = None,
        **variables: str,
    ) -> Outcome:
        """On a table, the text of one file, or a place; `against` is the run that made the baseline."""
        self._runs += 1
        folder = self._home / f"run{self._runs}"
        source = dataset if isinstance(dataset, Path) else folder / "dataset"
        if not isinstance(dataset, Path):
            source.mkdir(parents=True)
            text = dataset.to_csv(index=False) if isinstance(dataset, pd.DataFrame) else dataset
            (source / "data.csv").write_bytes(text.encode() if isinstance(text, str) else text)
        environment = {
            "dataset_source": str(source),
            "dataset_format": form,
            "output_path": str(folder / "output"),
            "SM_OUTPUT_DIR": str(folder),
            **variables,
        }
        if against is not None:
            environment["baseline_statistics"] = str(against.folder / "statistics.json")
            environment["baseline_constraints"] = str(against.folder / "constraints.json")
        code = main(environment)
        return Outcome(code, (folder / "message").read_text(), folder / "output")
