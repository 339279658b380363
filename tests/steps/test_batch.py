from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from contender.sample_data import COLUMNS, generate
from tests.steps.chain import STEPS, Chain, beside, load, to_csv

FEATURES = [name for name in COLUMNS if name not in ("Phone", "Dimension", "Churn?")]


@dataclass(frozen=True)
class Batch:
    """One file's way through the scripts of batch scoring, everything below `root`."""

    root: Path
    champion: Chain
    challenger: Chain | None = None

    def upload(self, rows: Sequence[Sequence[str]] | bytes, name: str = "march.csv") -> Batch:
        (self.root / "data").mkdir(parents=True, exist_ok=True)
        body = rows if isinstance(rows, bytes) else to_csv([list(row) for row in rows]).encode()
        (self.root / "data" / name).write_bytes(body)
        return self

    def prepare(self) -> int:
        challenger = self.challenger or self.champion
        return self._run(
            "prepare",
            "--champion-version=3",
            f"--challenger-version={4 if self.challenger else 0}",
            f"--champion-model={self.champion.root / 'artifact'}",
            f"--challenger-model={challenger.root / 'artifact'}",
            *(f"--{name}={self.root / 'prepared' / name}" for name in ("champion", "challenger", "notes")),
        )

    def answer(self) -> Batch:
        """What the transforms do between the scripts."""
        for role, chain in (("champion", self.champion), ("challenger", self.challenger)):
            if chain is not None:
                with (
                    beside(STEPS / "evaluate"),
                    load("evaluate/artifact.py").opened(chain.root / "artifact" / "model.tar.gz", role) as model,
                ):
                    body = (self.root / "prepared" / role / "rows.csv").read_text()
                    scores = model.answers(body, body.count("\n"))
                target = self.root / "answers" / role / "rows.csv.out"
                target.parent.mkdir(parents=True)
                target.write_text("".join(f"{score:.9g}\n" for score in scores))
        return self

    def finish(self) -> int:
        if self.challenger is None:
            return self._run("collect", "--champion-version=3", f"--answers={self.root / 'answers' / 'champion'}")
        return self._run(
            "compare",
            "--champion-version=3",
            "--challenger-version=4",
            "--label=Churn?",
            "--positive=True.",
            *(f"--{role}={self.root / 'answers' / role}" for role in ("champion", "challenger")),
        )

    def run(self) -> Batch:
        assert self.prepare() == 0, self.last_words
        assert self.answer().finish() == 0, self.last_words
        return self

    def _run(self, script: str, *arguments: str) -> int:
        places = [f"--data={self.root / 'data'}", "--data-uri=s3://any/where/march.csv"]
        if script != "prepare":
            places += [f"--notes={self.root / 'prepared' / 'notes'}", f"--result={self.root / 'result'}"]
        with beside(STEPS / "evaluate"):
            code: int = load(f"batch/{script}.py").main([*arguments, *places, f"--last-words={self.root / 'output'}"])
        return code

    @property
    def predictions(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO((self.root / "result" / "predictions.csv").read_text())))

    @property
    def refused(self) -> list[list[str]]:
        return list(csv.reader(io.StringIO((self.root / "result" / "refused.csv").read_text())))[1:]

    @property
    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = json.loads((self.root / "result" / "summary.json").read_text())
        return summary

    @property
    def last_words(self) -> str:
        return (self.root / "output" / "message").read_text()


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return trained(tmp_path_factory.mktemp("champion"), seed=1, rounds=30)


@pytest.fixture(scope="module")
def challenger(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return trained(tmp_path_factory.mktemp("challenger"), seed=2, rounds=60)


def trained(root: Path, seed: int, rounds: int) -> Chain:
    chain = Chain(root).upload(to_csv([list(COLUMNS), *generate("region-1", 1200, seed)]))
    assert chain.preprocess() == 0
    assert chain.train(rounds).package() == 0
    return chain


def table(count: int, columns: Sequence[str] = COLUMNS) -> list[list[str]]:
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in generate("region-1", 600, seed=5)[:count]]
    return [list(columns), *([row[name] for name in columns] for row in rows)]


def test_rows_come_back_as_they_were_with_their_scores(tmp_path: Path, champion: Chain) -> None:
    given = table(300)
    batch = Batch(tmp_path, champion).upload(given).run()
    rows = batch.predictions
    assert [list(row)[:-1] for row in rows[:1]] == [given[0]]
    assert [list(row.values())[:-1] for row in rows] == given[1:]
    scores = [float(row["score"]) for row in rows]
    assert roc_auc_score([row["Churn?"] == "True." for row in rows], scores) > 0.85
    summary = batch.summary
    assert (summary["rows"], summary["scored"], summary["refused"]) == (300, 300, 0)
    assert summary["champion"]["version"] == "3"
    assert summary["champion"]["mean"] == pytest.approx(np.mean(scores))


def test_columns_may_be_few_many_and_in_any_order(tmp_path: Path, champion: Chain) -> None:
    whole = Batch(tmp_path / "whole", champion).upload(table(50)).run()
    shuffled = FEATURES.copy()
    random.Random(0).shuffle(shuffled)
    rows = [[*row, f'said "{number}", left'] for number, row in enumerate(table(50, shuffled))]
    rows[0][-1] = "remark"
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    bare = Batch(tmp_path / "bare", champion).upload(("\ufeff" + text.getvalue()).encode()).run()
    assert [row["score"] for row in bare.predictions] == [row["score"] for row in whole.predictions]
    assert bare.predictions[6]["remark"] == 'said "7", left'


def test_a_refused_row_keeps_its_place_and_says_why(tmp_path: Path, champion: Chain, capsys: Any) -> None:
    rows = table(40)
    minutes, state = COLUMNS.index("Day Mins"), COLUMNS.index("State")
    rows[5][minutes] = "many"
    rows[17] = rows[17][:-3]
    rows[30][state] = '"Ohio\n"'
    rows.insert(20, [""])
    rows.insert(12, list(COLUMNS))
    batch = Batch(tmp_path, champion).upload(rows).run()
    assert batch.refused == [
        ["6", "column 'Day Mins': 'many' is not a number"],
        ["13", "the header again"],
        ["19", f"{len(COLUMNS) - 3} values under a header of {len(COLUMNS)} columns"],
        ["34", "a value holds a line break, and a batch's rows are lines"],
    ]
    empty = [number for number, row in enumerate(batch.predictions) if not row["score"]]
    assert empty == [4, 11, 17, 30]
    assert len(batch.predictions) == 41
    assert batch.summary["refused"] == 4
    assert "march.csv, line 6 is left out: column 'Day Mins'" in capsys.readouterr().err
    clean = Batch(tmp_path / "clean", champion).upload(table(40)).run().predictions
    assert [row["score"] for row in clean][18:29] == [row["score"] for row in batch.predictions][19:30]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (b"", "march.csv is empty: its first line must name its columns"),
        (to_csv(table(0)).encode(), "march.csv has a header but no rows"),
        (to_csv(table(5)[1:]).encode(), "its first line must name the columns as the training data does"),
        (to_csv(table(5, FEATURES[2:])).encode(), "lacks 2 of the 19 columns of champion v3: State, Account Length;"),
        (to_csv(table(2)).encode() + b"\xff\xfe,1\n", "march.csv, after line "),
        (to_csv(table(2, [*COLUMNS, "State"])).encode(), "march.csv has the column 'State' twice"),
        (to_csv([["score", *FEATURES], ["1", *table(1, FEATURES)[1]]]).encode(), "has a column 'score' already"),
        (to_csv([FEATURES, ["x"] * len(FEATURES)]).encode(), "no row can be scored; line 2: column "),
    ],
)
def test_a_file_that_cannot_be_scored_says_why(tmp_path: Path, champion: Chain, rows: bytes, said: str) -> None:
    batch = Batch(tmp_path, champion).upload(rows)
    assert batch.prepare() == 1
    assert said in batch.last_words


def test_a_missing_file_is_named(tmp_path: Path, champion: Chain) -> None:
    batch = Batch(tmp_path, champion).upload(table(3), "march.csv.bak")
    assert batch.prepare() == 1
    assert batch.last_words == "there is no file at s3://any/where/march.csv: give the address of one CSV file"


def test_a_file_that_changed_meanwhile_is_refused(tmp_path: Path, champion: Chain) -> None:
    for rows in (table(9), table(11)):
        batch = Batch(tmp_path / str(len(rows)), champion).upload(table(10))
        assert batch.prepare() == 0
        assert batch.answer().upload(rows).finish() == 1
        assert batch.last_words == "march.csv has other rows now than when they were scored: score it again"


def test_both_scores_side_by_side_and_how_far_they_agree(tmp_path: Path, champion: Chain, challenger: Chain) -> None:
    batch = Batch(tmp_path, champion, challenger).upload(table(500)).run()
    one, other = (np.array([float(row[name]) for row in batch.predictions]) for name in ("score", "challenger_score"))
    labels = np.array([row["Churn?"] == "True." for row in batch.predictions])
    summary = batch.summary
    assert summary["agreement"] == pytest.approx(((one >= 0.5) == (other >= 0.5)).mean())
    assert summary["correlation"] == pytest.approx(np.corrcoef(one, other)[0, 1])
    assert summary["mean_difference"] == pytest.approx((other - one).mean())
    assert summary["challenger"] == {
        "version": "4",
        "mean": pytest.approx(other.mean()),
        "yes_share": pytest.approx((other >= 0.5).mean()),
    }
    judged = summary["labelled"]
    assert judged["champion_auc"] == pytest.approx(roc_auc_score(labels, one))
    assert judged["challenger_auc"] == pytest.approx(roc_auc_score(labels, other))
    assert judged["difference"]["auc"] == pytest.approx(judged["challenger_auc"] - judged["champion_auc"])
    assert (judged["rows"], judged["positives"]) == (500, labels.sum())


def test_what_either_model_refuses_is_scored_by_neither(tmp_path: Path, champion: Chain, challenger: Chain) -> None:
    rows = table(20)
    rows[3][COLUMNS.index("Day Mins")] = "many"
    batch = Batch(tmp_path, champion, challenger).upload(rows).run()
    assert [(row["score"], row["challenger_score"]) for row in batch.predictions][2] == ("", "")
    assert len([row for row in batch.predictions if row["challenger_score"]]) == 19


def test_without_labels_the_models_are_not_judged(tmp_path: Path, champion: Chain, challenger: Chain) -> None:
    bare = Batch(tmp_path / "bare", champion, challenger).upload(table(20, FEATURES)).run()
    assert bare.summary["labelled"] == {
        "rows": 0,
        "positives": 0,
        "problem": "it takes 2 rows of each class of 'Churn?'",
    }
    rows = table(20)
    for row in rows[1:]:
        row[-1] = ""
    rows[1][-1] = "True."
    some = Batch(tmp_path / "some", champion, challenger).upload(rows).run()
    assert (some.summary["labelled"]["rows"], some.summary["labelled"]["positives"]) == (1, 1)
    same = Batch(tmp_path / "same", champion, champion).upload(table(60)).run()
    assert (same.summary["agreement"], same.summary["labelled"]["difference"]["auc"]) == (1.0, 0.0)
