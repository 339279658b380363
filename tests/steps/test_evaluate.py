"""Evaluate: the same rows for both, DeLong's test, and a verdict in words."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from contender.sample_data import COLUMNS, generate
from tests.steps.chain import STEPS, Chain, load, to_csv

evaluate = load("evaluate/evaluate.py")


@pytest.fixture
def copied(chain: Chain, trained: Chain) -> Chain:
    for name in ("artifact", "test"):
        shutil.copytree(trained.root / name, chain.root / name)
    return chain


def scores(seed: int, rows: int = 400, models: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Labels and correlated scores with ties."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, rows).astype(float)
    common = labels + random.normal(0, 1.2, rows)
    return labels, np.round(np.vstack([common + random.normal(0, 0.5, rows) for _ in range(models)]), 1)


def slow_delong(labels: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DeLong et al. 1988 by its definition: every positive against every negative."""
    positive, negative = values[:, labels == 1], values[:, labels == 0]
    wins = (positive[:, :, None] > negative[:, None, :]) + 0.5 * (positive[:, :, None] == negative[:, None, :])
    v10, v01 = wins.mean(axis=2), wins.mean(axis=1)
    return wins.mean(axis=(1, 2)), np.cov(v10) / positive.shape[1] + np.cov(v01) / negative.shape[1]


@pytest.mark.parametrize("seed", range(5))
def test_delong_agrees_with_its_definition_and_auc_with_scikit_learn(seed: int) -> None:
    labels, values = scores(seed)
    aucs, covariance = evaluate.delong(labels, values)
    expected, expected_covariance = slow_delong(labels, values)
    assert aucs == pytest.approx(expected)
    assert aucs == pytest.approx([roc_auc_score(labels, row) for row in values])
    assert covariance == pytest.approx(expected_covariance)


def test_delong_of_the_sign_turned_is_the_other_way_round() -> None:
    labels, values = scores(1)
    there, back = evaluate.delong(labels, values), evaluate.delong(labels, -values)
    assert there[0] == pytest.approx(1 - back[0])
    assert there[1] == pytest.approx(back[1])


def test_the_difference_is_antisymmetric_and_agrees_with_the_normal_distribution() -> None:
    aucs, covariance = evaluate.delong(*scores(2))
    there = evaluate.difference(aucs, covariance, 0.05)
    back = evaluate.difference(aucs[::-1], covariance[::-1, ::-1], 0.05)
    assert there["auc"] == pytest.approx(-back["auc"])
    assert there["lower"] == pytest.approx(-back["upper"])
    assert there["p_value"] == pytest.approx(2 * stats.norm.sf(abs(there["auc"]) / there["standard_error"]))
    assert there["upper"] - there["auc"] == pytest.approx(stats.norm.ppf(0.975) * there["standard_error"])


def test_the_test_holds_its_level_when_models_are_equally_good() -> None:
    rejected = 0
    for seed in range(400):
        aucs, covariance = evaluate.delong(*scores(seed + 1000, rows=200))
        rejected += evaluate.difference(aucs, covariance, 0.05)["p_value"] < 0.05
    assert rejected / 400 == pytest.approx(0.05, abs=0.035)


def test_a_model_does_not_differ_from_itself() -> None:
    labels, values = scores(3, models=1)
    aucs, covariance = evaluate.delong(labels, np.vstack([values, values]))
    result = evaluate.difference(aucs, covariance, 0.05)
    assert (result["auc"], result["p_value"]) == (0, 1)
    assert result["lower"] == result["upper"] == 0


@pytest.mark.parametrize("probability", [0.001, 0.3, 0.5, 0.975, 0.9999])
def test_normal_quantile_agrees_with_scipy(probability: float) -> None:
    assert evaluate.normal_quantile(probability) == pytest.approx(stats.norm.ppf(probability), abs=1e-9)


def test_midranks_agree_with_scipy() -> None:
    values = np.random.default_rng(4).integers(0, 20, 100).astype(float)
    assert evaluate.midranks(values) == pytest.approx(stats.rankdata(values))


def test_metrics_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(5)
    labels, probabilities = random.integers(0, 2, 300).astype(float), random.random(300)
    result = evaluate.metrics(labels, probabilities, 0.5, 0.0004)
    assert result["accuracy"]["value"] == pytest.approx(accuracy_score(labels, probabilities >= 0.5))
    assert result["log_loss"]["value"] == pytest.approx(log_loss(labels, probabilities))
    assert result["auc"] == {"value": 0.5, "standard_deviation": pytest.approx(0.02)}


def test_a_hundred_thousand_rows_fit() -> None:
    """By ranks, as Sun and Xu do it; comparing every pair would take 20 GB."""
    labels, values = scores(6, rows=100_000)
    evaluate.delong(labels, values)


def test_the_report_of_a_first_challenger(trained: Chain) -> None:
    report = trained.report
    assert report["champion"] is None
    assert report["difference"] is None
    assert report["dataset"]["item_count"] == len(trained.rows("test/test.csv")) - 1
    measured = report["binary_classification_metrics"]
    assert measured["auc"]["value"] > 0.85
    assert all(isinstance(value, float) for metric in measured.values() for value in metric.values())
    assert report["gate"]["passed"] is True
    assert report["gate"]["auc_drop"] == 0
    assert report["gate"]["reason"].endswith("the dimension has no champion yet")


def test_challenger_and_champion_are_compared_on_the_same_rows(chain: Chain, trained: Chain) -> None:
    chain.upload(to_csv([list(COLUMNS), *generate("region-1", 1500, seed=2)]))
    report = chain.run(champion=trained)
    assert report["champion"]["version"] == "3"
    gap = report["binary_classification_metrics"]["auc"]["value"] - report["champion"]["auc"]["value"]
    assert report["difference"]["auc"] == pytest.approx(gap)
    assert report["gate"]["auc_drop"] == pytest.approx(-gap)
    assert report["difference"]["lower"] < gap < report["difference"]["upper"]


def test_a_challenger_below_the_floor_is_refused_with_the_distance(copied: Chain) -> None:
    assert copied.evaluate(None, "--min-auc=0.999") == 0
    gate = copied.report["gate"]
    assert gate["passed"] is False
    assert f"{0.999 - gate['auc']:.4f} below the floor of 0.999 (gates.min_auc)" in gate["reason"]


def test_a_challenger_worse_than_the_champion_is_refused_with_both_figures(chain: Chain, trained: Chain) -> None:
    chain.upload((trained.root / "data" / "upload.csv").read_bytes())
    assert chain.preprocess() == 0
    chain.train(rounds=1)
    assert chain.package() == 0
    assert chain.evaluate(trained) == 0
    gate = chain.report["gate"]
    assert gate["passed"] is False
    assert gate["auc_drop"] > 0.01
    assert f"is {gate['auc_drop']:.4f} below champion v3's" in gate["reason"]
    assert f"{gate['auc_drop'] - 0.01:.4f} more than the 0.01 allowed (gates.max_auc_drop)" in gate["reason"]


def test_a_champion_that_cannot_read_todays_columns_does_not_block_its_successors(chain: Chain, trained: Chain) -> None:
    rows = generate("region-1", 1500, seed=1)
    keep = [place for place, column in enumerate(COLUMNS) if column != "Eve Mins"]
    chain.upload(to_csv([[row[place] for place in keep] for row in [list(COLUMNS), *rows]]))
    report = chain.run(champion=trained)
    assert report["difference"] is None
    assert "the header lacks 1 of 21 columns: Eve Mins" in report["champion"]["problem"]
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


def test_runs_alone_as_a_process(copied: Chain) -> None:
    command = [sys.executable, "-I", str(STEPS / "evaluate" / "evaluate.py"), *copied.evaluate_arguments()]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert copied.report["gate"]["passed"] is True
