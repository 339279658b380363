"""The image's entrypoint: where it finds its inputs, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contender.local.containers.clarify.__main__ import find_places, main
from tests.local.clarify.analyses import FACET, LABEL, LOANS, PRE

CONFIG = {"dataset_type": "text/csv", **LABEL, **FACET, **PRE}


@pytest.fixture
def ml(tmp_path: Path) -> Path:
    """A job's `/opt/ml`."""
    for name, content in {"config/analysis_config.json": json.dumps(CONFIG), "data/data.csv": LOANS}.items():
        path = tmp_path / "processing" / "input" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


def environment(ml: Path) -> dict[str, str]:
    return {"SM_PROCESSING_DIR": str(ml / "processing"), "SM_OUTPUT_DIR": str(ml / "output")}


def test_reads_and_writes_where_the_sdk_puts_things(ml: Path) -> None:
    assert main(environment(ml)) == 0
    analysis = json.loads((ml / "processing" / "output" / "analysis.json").read_text())
    assert list(analysis) == ["version", "pre_training_bias_metrics"]


def test_reads_and_writes_where_the_job_says(ml: Path) -> None:
    job = {
        "ProcessingInputs": [
            {"InputName": "analysis_config", "S3Input": {"LocalPath": "/opt/ml/processing/settings"}},
            {"InputName": "dataset", "S3Input": {"LocalPath": "/opt/ml/processing/rows/"}},
        ],
        "ProcessingOutputConfig": {
            "Outputs": [{"OutputName": "analysis_result", "S3Output": {"LocalPath": "/opt/ml/processing/results"}}]
        },
    }
    (ml / "config").mkdir()
    (ml / "config" / "processingjobconfig.json").write_text(json.dumps(job))
    places = find_places(ml / "processing")
    root = ml / "processing"
    assert (places.config, places.data, places.output) == (root / "settings", root / "rows", root / "results")


def test_refuses_in_one_line_and_leaves_nothing_behind(ml: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {**CONFIG, "facet": [{"name_or_index": "twon"}]}
    (ml / "processing" / "input" / "config" / "analysis_config.json").write_text(json.dumps(wrong))
    assert main(environment(ml)) == 255
    said = "ClientError: facet 'twon' is not a column of the dataset; did you mean 'town'?"
    assert capsys.readouterr().err == f"{said}\n"
    assert (ml / "output" / "message").read_text() == said
    assert not (ml / "processing" / "output").exists()
