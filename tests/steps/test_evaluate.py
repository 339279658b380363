"""Evaluate: the same rows for both, the rules that are set, and a verdict in words."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from contender.sample_data import COLUMNS, generate
from tests.steps.chain import Chain, container, load, to_csv

evaluate = load("evaluate/evaluate.py")


@pytest.fixture
def copied(chain: Chain, trained: Chain) -> Chain:
    for name in ("artifact", "test"):
        shutil.copytree(trained.root / name, chain.root / name)
    return chain


def test_metrics_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(5)
    labels, probabilities = random.integers(0, 2, 300).astype(float), random.random(300)
    result = evaluate.metrics(labels, probabilities, 0.5, 0.0004)
    assert result["accuracy"]["value"] == pytest.approx(accuracy_score(labels, probabilities >= 0.5))
    assert result["log_loss"]["value"] == pytest.approx(log_loss(labels, probabilities))
    assert result["auc"] == {"value": 0.5, "standard_deviation": pytest.approx(0.02)}


def test_the_report_of_a_first_challenger(trained: Chain) -> None:
    report = trained.report
    assert report["champion"] is None
    assert report["difference"] is None
    assert report["dataset"]["item_count"] == len(trained.rows("test/test.csv")) - 1
    measured = report["binary_classification_metrics"]
    assert measured["auc"]["value"] > 0.85
    figures = [measured[name] for name in ("auc", "accuracy", "log_loss")]
    assert all(isinstance(value, float) for metric in figures for value in metric.values())
    gate = report["gate"]
    assert gate["passed"] is True
    assert list(gate["rules"]) == ["auc", "possible_loss"]
    assert gate["rules"]["auc"]["figure"] == measured["auc"]["value"]
    assert gate["rules"]["possible_loss"]["figure"] == 0
    assert gate["rules"]["possible_loss"]["verdict"] == "not compared"
    assert gate["reason"].endswith("the dimension has no champion yet")


def test_challenger_and_champion_are_compared_on_the_same_rows(chain: Chain, trained: Chain) -> None:
    chain.upload(to_csv([list(COLUMNS), *generate("region-1", 1500, seed=2)]))
    report = chain.run(champion=trained)
    assert report["champion"]["version"] == "3"
    for name in ("confusion_matrix", "receiver_operating_characteristic_curve"):
        assert report["champion"][name].keys() == report["binary_classification_metrics"][name].keys()
    gap = report["binary_classification_metrics"]["auc"]["value"] - report["champion"]["auc"]["value"]
    assert report["difference"]["auc"] == pytest.approx(gap)
    assert report["gate"]["rules"]["possible_loss"]["figure"] == -report["difference"]["lower"]
    assert report["difference"]["lower"] < gap < report["difference"]["upper"]


def test_a_challenger_below_the_floor_is_refused_with_the_distance(copied: Chain) -> None:
    assert copied.evaluate(None, "--min-auc=0.999") == 0
    gate = copied.report["gate"]
    assert gate["passed"] is False
    assert f"{0.999 - gate['rules']['auc']['figure']:.4f} below the floor of 0.999 (gates.min_auc)" in gate["reason"]


def test_a_challenger_worse_than_the_champion_is_refused_with_both_figures(chain: Chain, trained: Chain) -> None:
    chain.upload((trained.root / "data" / "upload.csv").read_bytes())
    assert chain.preprocess() == 0
    chain.train(rounds=1)
    assert chain.package() == 0
    assert chain.evaluate(trained) == 0
    report = chain.report
    champion, gap = report["champion"]["auc"]["value"], report["difference"]["auc"]
    assert report["gate"]["passed"] is False
    assert report["gate"]["rules"]["possible_loss"]["verdict"] == "failed"
    assert gap < -0.02
    assert f"AUC {champion + gap:.4f}, {-gap:.4f} below champion v3's {champion:.4f}" in report["gate"]["reason"]
    assert f"{-gap - 0.02:.4f} more than the 0.02 allowed (gates.margin)" in report["gate"]["reason"]


def test_the_champion_itself_passes_as_challenger_however_few_rows_there_are(copied: Chain, trained: Chain) -> None:
    header, *rows = copied.rows("test/test.csv")
    (copied.root / "test" / "test.csv").write_text(to_csv([header, *rows[:12]]))
    assert copied.evaluate(trained, "--margin=0.0001") == 0
    assert copied.report["difference"]["lower"] == 0
    assert copied.report["gate"]["rules"]["possible_loss"]["verdict"] == "passed"


def test_on_too_few_rows_an_equal_challenger_is_not_shown_and_told_what_to_do(chain: Chain, trained: Chain) -> None:
    chain.upload((trained.root / "data" / "upload.csv").read_bytes())
    assert chain.preprocess() == 0
    chain.train(rounds=50)
    assert chain.package() == 0
    header, *rows = chain.rows("test/test.csv")
    (chain.root / "test" / "test.csv").write_text(to_csv([header, *rows[:60]]))
    assert chain.evaluate(trained, "--margin=0.001") == 0
    gate = chain.report["gate"]
    assert gate["passed"] is False
    assert gate["rules"]["possible_loss"]["verdict"] == "not shown"
    assert "60 held-out rows are too few" in gate["reason"]
    assert "Upload more rows" in gate["reason"]


def test_limits_that_are_set_are_measured_and_judged(copied: Chain) -> None:
    limits = ["--max-latency-ms=1000", "--max-size-mb=0.001", "--bias-metric=DPPL", "--bias-limit=0.9"]
    assert copied.evaluate(None, *limits, "--facet=Int'l Plan", "--facet-value=yes") == 0
    gate = copied.report["gate"]
    assert {name: each["verdict"] for name, each in gate["rules"].items()} == {
        "auc": "passed",
        "possible_loss": "not compared",
        "latency_ms": "passed",
        "size_mb": "failed",
        "bias": "passed",
    }
    assert gate["passed"] is False
    size = (copied.root / "artifact" / "model.tar.gz").stat().st_size / 1e6
    assert gate["rules"]["size_mb"]["figure"] == size
    assert gate["reason"].startswith(f"Refused: the artifact has {size:.3g} MB")
    assert 0 < gate["rules"]["latency_ms"]["figure"] < 1000
    assert "DPPL of Int'l Plan = yes is" in gate["rules"]["bias"]["sentence"]


def test_bias_by_a_column_that_is_not_there_is_refused(copied: Chain) -> None:
    arguments = ["--bias-metric=DI", "--bias-limit=0.2", "--facet=Plan", "--facet-value=yes"]
    assert copied.evaluate(None, *arguments) == 1
    assert copied.last_words == "test.csv has no column 'Plan', whose bias is to be measured (gates.bias)"


def test_a_champion_that_cannot_read_todays_columns_does_not_block_its_successors(chain: Chain, trained: Chain) -> None:
    rows = generate("region-1", 1500, seed=1)
    keep = [place for place, column in enumerate(COLUMNS) if column != "Eve Mins"]
    chain.upload(to_csv([[row[place] for place in keep] for row in [list(COLUMNS), *rows]]))
    report = chain.run(champion=trained)
    assert report["difference"] is None
    assert report["champion"]["problem"].endswith("columns: Eve Mins")
    assert report["gate"]["passed"] is True
    assert "not compared" in report["gate"]["reason"]


def test_in_awss_image_too_a_champion_that_cannot_read_todays_columns_does_not_block(
    copied: Chain, tmp_path_factory: pytest.TempPathFactory
) -> None:
    champion = Chain(tmp_path_factory.mktemp("champion"))
    (champion.root / "artifact").mkdir()
    code = (
        b"def model_fn(folder): return None\n"
        b"def input_fn(body, content_type): return ValueError('the header lacks 1 column')\n"
        b"def predict_fn(matrix, model): return matrix\n"
        b"def output_fn(predictions, accept): return object()  # a response with status 400\n"
    )
    _tar(champion.root / "artifact" / "model.tar.gz", tarfile.TarInfo("code/inference.py"), code)
    assert copied.evaluate(champion) == 0
    assert copied.report["champion"]["problem"].endswith("cannot answer the held-out rows: the header lacks 1 column")
    assert copied.report["gate"]["passed"] is True


def test_a_single_row_of_a_class_is_too_few_for_a_variance(copied: Chain) -> None:
    path = copied.root / "test" / "test.csv"
    header, *rows = copied.rows("test/test.csv")
    positive = [row for row in rows if row[-1] == "True."]
    negative = [row for row in rows if row[-1] != "True."]
    path.write_text(to_csv([header, *negative, positive[0]]))
    assert copied.evaluate() == 1
    assert "has 1 of" in copied.last_words
    path.write_text(to_csv([header, *negative, *positive[:2]]))
    assert copied.evaluate() == 0
    assert copied.report["binary_classification_metrics"]["auc"]["standard_deviation"] >= 0


def _tar(path: Path, member: tarfile.TarInfo, content: bytes = b"") -> None:
    member.size = len(content)
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(member, io.BytesIO(content))


def _link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (tarfile.TarInfo("../outside"), "'../outside', a path outside of it"),
        (tarfile.TarInfo("/etc/passwd"), "'/etc/passwd', a path outside of it"),
        (_link("code", "/etc", tarfile.SYMTYPE), "a link or a device"),
        (_link("code", "encoder.json", tarfile.LNKTYPE), "a link or a device"),
        (_link("pipe", "", tarfile.FIFOTYPE), "a link or a device"),
        (tarfile.TarInfo("encoder.json"), "no code/inference.py"),
    ],
)
def test_an_artifact_is_unpacked_safely(copied: Chain, member: tarfile.TarInfo, words: str) -> None:
    _tar(copied.root / "artifact" / "model.tar.gz", member)
    assert copied.evaluate() == 1
    assert words in copied.last_words


def test_an_artifact_that_is_no_archive_is_refused(copied: Chain) -> None:
    (copied.root / "artifact" / "model.tar.gz").write_bytes(b"no gzip")
    assert copied.evaluate() == 1
    assert "cannot be unpacked" in copied.last_words


def test_a_challenger_whose_code_fails_is_refused_with_its_error(copied: Chain) -> None:
    _tar(
        copied.root / "artifact" / "model.tar.gz", tarfile.TarInfo("code/inference.py"), b"raise RuntimeError('broken')"
    )
    assert copied.evaluate() == 1
    assert copied.last_words == "the challenger cannot answer the held-out rows: broken"


def test_runs_as_a_process_with_nothing_but_the_files_beside_it(copied: Chain, tmp_path: Path) -> None:
    beside = [f"evaluate/{name}.py" for name in ("artifact", "bias", "delong", "roc", "rules")]
    script = container(tmp_path, "evaluate/evaluate.py", *beside, "preprocess/facets.py")
    command = [sys.executable, "-E", "-s", str(script), *copied.evaluate_arguments()]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert copied.report["gate"]["passed"] is True
