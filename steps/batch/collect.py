"""The rows that were scored, as they came, each with its score.

    <file>.csv              ┐
    answers/rows.csv.out    ├─►  result/predictions.csv    the file's columns and `score`, empty for a refused row
    notes/                  ┘    result/refused.csv        line and problem of those
                                 result/summary.json

Beside it in the container: table.py. Needs nothing beyond the standard library.
"""

import argparse
import csv
import json
import shutil
import sys
from pathlib import Path

from last_words import fail
from table import SCORE, YES, CannotScore, answered


def main(argv=None):
    options = parse_arguments(argv)
    try:
        summary = collect(options)
    except CannotScore as error:
        return fail(error, options.last_words)
    print(json.dumps(summary, sort_keys=True))
    return 0


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--champion-version", required=True)
    parser.add_argument("--data-uri", required=True, help="the file, to pick it among its neighbours")
    for name in ("data", "answers", "notes"):
        parser.add_argument(f"--{name}", type=Path, default=Path("/opt/ml/processing/input", name))
    parser.add_argument("--result", type=Path, default=Path("/opt/ml/processing/output/result"))
    parser.add_argument("--last-words", type=Path, default=Path("/opt/ml/output"), help="for why the job failed")
    return parser.parse_args(argv)


def collect(options):
    options.result.mkdir(parents=True, exist_ok=True)
    total, yes = 0.0, 0
    with (
        answered(options, [options.answers]) as (header, rows),
        (options.result / "predictions.csv").open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*header, SCORE])
        for row, scores in rows:
            writer.writerow([*row, *(scores or [""])])
            if scores:
                total += scores[0]
                yes += scores[0] >= YES
    shutil.copyfile(options.notes / "refused.csv", options.result / "refused.csv")
    notes = json.loads((options.notes / "notes.json").read_text(encoding="utf-8"))
    champion = {
        "version": options.champion_version,
        "mean": total / notes["scored"],
        "yes_share": yes / notes["scored"],
    }
    summary = {"version": 1, **notes, "champion": champion}
    (options.result / "summary.json").write_text(json.dumps(summary, indent=2), encoding="utf-8")
    return summary


if __name__ == "__main__":
    sys.exit(main())
