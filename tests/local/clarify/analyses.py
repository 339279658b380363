"""One analysis inside the test's own process: files in, files out, and a model made of a function."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from contender.local.containers.clarify.config import PredictorConfig
from contender.local.containers.clarify.errors import ClarifyError
from contender.local.containers.clarify.job import Places, run
from contender.local.containers.inference import Answer, Model, Request

Row = list[str]
Score = Callable[[Row], float | str]

LOANS = """town,age,plan,approved
Ulm,30,basic,1
Ulm,40,gold,0
Bonn,50,basic,1
Bonn,60,gold,1
Ulm,35,basic,0
Bonn,45,gold,1
"""

LABEL = {"label": "approved", "label_values_or_threshold": [1]}
FACET = {"facet": [{"name_or_index": "town", "value_or_threshold": ["Ulm"]}]}
PRE = {"methods": {"pre_training_bias": {"methods": "all"}}}
POST = {"methods": {"post_training_bias": {"methods": "all"}}}
PREDICTOR = {"predictor": {"model_name": "loans", "accept_type": "text/csv"}}


@dataclass
class FunctionModel:
    """A model that scores CSV rows one by one; `requests` are the bodies it was sent."""

    score: Score
    requests: list[bytes] = field(default_factory=list)
    most_rows: int | None = None

    def invoke(self, body: bytes, content_type: str, accept: str) -> Answer:
        return self.invoke_batch([Request(body, content_type, accept)])[0]

    def invoke_batch(self, requests: Sequence[Request]) -> list[Answer]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Answer:
        self.requests.append(request.body)
        rows = list(csv.reader(io.StringIO(request.body.decode())))
        if self.most_rows is not None and len(rows) > self.most_rows:
            return Answer(400, b"too many rows\nand more words", "text/plain")
        return Answer(200, "".join(f"{self.score(row)}\n" for row in rows).encode(), request.accept)


class Analyse:
    """Call it with a configuration; it returns what became of analysis.json."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.output = root / "output"
        self.asked: list[PredictorConfig] = []

    def __call__(
        self,
        config: Mapping[str, Any] | str,
        data: str | Mapping[str, str] = LOANS,
        model: Model | Score | None = None,
        baseline: Mapping[str, Any] | None = None,
        **environment: str,
    ) -> dict[str, Any]:
        content = config if isinstance(config, str) else json.dumps({"dataset_type": "text/csv", **config})
        self._write(self.root / "config" / "analysis_config.json", content)
        for name, text in ({"data.csv": data} if isinstance(data, str) else data).items():
            self._write(self.root / "data" / name, text)
        if baseline is not None:
            self._write(self.root / "baseline" / "analysis.json", json.dumps(baseline))
            environment["baseline_constraints"] = str(self.root / "baseline" / "analysis.json")

        def open_model(asked: PredictorConfig) -> Model:
            self.asked.append(asked)
            assert model is not None
            return FunctionModel(model) if callable(model) else model

        run(Places(self.root / "config", self.root / "data", self.output), environment, open_model)
        return self.read("analysis.json")

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file of the output, which must be JSON in the strict sense."""

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is no JSON")

        found: dict[str, Any] = json.loads((self.output / name).read_text(), parse_constant=refuse)
        return found

    def refused(self, *arguments: Any, **more: Any) -> str:
        """The one line of an analysis that cannot be made."""
        with pytest.raises(ClarifyError) as raised:
            self(*arguments, **more)
        assert "\n" not in str(raised.value)
        return str(raised.value)

    def _write(self, path: Path, content: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def metrics(analysis: Mapping[str, Any], section: str, facet: str, group: int = 0) -> dict[str, Any]:
    """Values by name; None where there is an error."""
    found = analysis[f"{section}_bias_metrics"]["facets"][facet][group]["metrics"]
    return {metric["name"]: metric["value"] for metric in found}
