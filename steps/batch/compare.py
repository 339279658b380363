"""The rows that champion and challenger scored, with both scores, and how far the two agree.

    <file>.csv                 ┐
    champion/rows.csv.out      ├─►  result/predictions.csv    the file's columns, `score` and `challenger_score`
    challenger/rows.csv.out    │    result/refused.csv        line and problem of rows that have none
    notes/                     ┘    result/summary.json

Where the file has the label, both are judged by it as well: AUC, and their difference by DeLong's method.
Beside it in the container: table.py, delong.py. Needs numpy.
"""

import argparse
import csv
import json
import shutil
import sys
from array import array
from pathlib import Path

import numpy as np
from delong import delong, difference
from last_words import fail
from table import CHALLENGER_SCORE, SCORE, YES, CannotScore, answered

UNKNOWN, NO, POSITIVE = -1, 0, 1
MIN_CLASS_ROWS = 2


def main(argv=None):
    options = parse_arguments(argv)
    try:
        summary = compare(options)
    except CannotScore as error:
        return fail(error, options.last_words)
    print(json.dumps(summary, sort_keys=True))
    return 0


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--champion-version", required=True)
    parser.add_argument("--challenger-version", required=True)
    parser.add_argument("--label", required=True, help="column to judge by, where the file has it")
    parser.add_argument("--positive", required=True)
    parser.add_argument("--alpha", type=float, default=0.05, help="of the limits of the difference")
    parser.add_argument("--data-uri", required=True, help="the file, to pick it among its neighbours")
    for name in ("data", "champion", "challenger", "notes"):
        parser.add_argument(f"--{name}", type=Path, default=Path("/opt/ml/processing/input", name))
    parser.add_argument("--result", type=Path, default=Path("/opt/ml/processing/output/result"))
    parser.add_argument("--last-words", type=Path, default=Path("/opt/ml/output"), help="for why the job failed")
    return parser.parse_args(argv)


def compare(options):
    options.result.mkdir(parents=True, exist_ok=True)
    champion, challenger, labels = array("d"), array("d"), array("b")
    with (
        answered(options, [options.champion, options.challenger]) as (header, rows),
        (options.result / "predictions.csv").open("w", encoding="utf-8", newline="") as file,
    ):
        position = header.index(options.label) if options.label in header else None
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*header, SCORE, CHALLENGER_SCORE])
        for row, scores in rows:
            writer.writerow([*row, *(scores or ["", ""])])
            if scores:
                champion.append(scores[0])
                challenger.append(scores[1])
                labels.append(UNKNOWN if position is None else label_of(row[position], options.positive))
    shutil.copyfile(options.notes / "refused.csv", options.result / "refused.csv")
    notes = json.loads((options.notes / "notes.json").read_text(encoding="utf-8"))
    one, other = np.array(champion), np.array(challenger)
    summary = {
        "version": 1,
        **notes,
        "champion": {"version": options.champion_version, **described(one)},
        "challenger": {"version": options.challenger_version, **described(other)},
        "agreement": float(((one >= YES) == (other >= YES)).mean()),
        "correlation": correlation(one, other),
        "mean_difference": float((other - one).mean()),
        "largest_difference": float(np.abs(other - one).max()),
        "labelled": judged(one, other, np.array(labels), options),
    }
    (options.result / "summary.json").write_text(json.dumps(summary, indent=2, allow_nan=False), encoding="utf-8")
    return summary


def label_of(value, positive):
    value = value.strip()
    return (POSITIVE if value == positive else NO) if value else UNKNOWN


def described(scores):
    return {"mean": float(scores.mean()), "yes_share": float((scores >= YES).mean())}


def correlation(one, other):
    """Pearson's; None where one of them always gives the same score."""
    if one.std() == 0 or other.std() == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def judged(champion, challenger, labels, options):
    """Both by the rows whose label is known, or why not."""
    known = labels != UNKNOWN
    counts = {"rows": int(known.sum()), "positives": int((labels == POSITIVE).sum())}
    if min(counts["positives"], counts["rows"] - counts["positives"]) < MIN_CLASS_ROWS:
        return {**counts, "problem": f"it takes {MIN_CLASS_ROWS} rows of each class of {options.label!r}"}
    truth = labels[known].astype(float)
    scores = np.vstack([challenger[known], champion[known]])
    aucs, _ = delong(truth, scores)
    return {
        **counts,
        "champion_auc": float(aucs[1]),
        "challenger_auc": float(aucs[0]),
        "difference": difference(truth, scores[0], scores[1], options.alpha),
    }


if __name__ == "__main__":
    sys.exit(main())
