"""Score challenger and champion on the same held-out raw rows, compare them, and say whether the challenger may pass.

    test/test.csv (raw, with header and label) ┐
    challenger/model.tar.gz                    ├─► evaluation.json
    champion/model.tar.gz                      ┘

Beside it in the container: artifact.py asks the models, delong.py compares them, bias.py measures what a group of rows
gets, facets.py says which rows those are, roc.py draws, rules.py judges. The report has the shape of SageMaker's model
quality metrics, plus `champion`, `difference` and `gate`. Needs numpy, and whatever the artifacts' code imports.
"""

import argparse
import csv
import io
import json
import math
import sys
from pathlib import Path

import bias
import numpy as np
import rules
from artifact import CannotEvaluate, opened
from delong import delong, difference
from last_words import fail
from roc import confusion_matrix, roc_curve

NO_CHAMPION = "0"
MIN_CLASS_ROWS = 2
YES = 0.5


def main(argv=None):
    options = parse_arguments(argv)
    try:
        report = evaluate(options)
    except CannotEvaluate as error:
        return fail(error, options.last_words)
    options.evaluation.mkdir(parents=True, exist_ok=True)
    (options.evaluation / "evaluation.json").write_text(json.dumps(report, indent=2, allow_nan=False), encoding="utf-8")
    print(json.dumps(report["gate"], sort_keys=True))
    return 0


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--label", required=True)
    parser.add_argument("--positive", required=True)
    parser.add_argument("--champion-version", default=NO_CHAMPION, help="0: the dimension has no champion yet")
    parser.add_argument("--min-auc", type=float, required=True)
    parser.add_argument("--margin", type=float, required=True, help="AUC that may be lost against the champion")
    parser.add_argument("--alpha", type=float, default=0.05, help="chance of passing one that loses the margin")
    parser.add_argument("--max-latency-ms", type=float, help="left out: not measured")
    parser.add_argument("--max-size-mb", type=float, help="left out: no rule")
    parser.add_argument("--bias-metric", help="DPPL, DI, AD or RD; left out: not measured")
    parser.add_argument("--bias-limit", type=float)
    parser.add_argument("--facet", help="raw column that tells the group apart")
    parser.add_argument("--facet-value", action="append", default=[], help="of the group, or the number it is above")
    parser.add_argument("--test", type=Path, default=Path("/opt/ml/processing/input/test"))
    parser.add_argument("--challenger", type=Path, default=Path("/opt/ml/processing/input/challenger"))
    parser.add_argument("--champion", type=Path, default=Path("/opt/ml/processing/input/champion"))
    parser.add_argument("--evaluation", type=Path, default=Path("/opt/ml/processing/output/evaluation"))
    parser.add_argument("--last-words", type=Path, default=Path("/opt/ml/output"), help="for why the job failed")
    return parser.parse_args(argv)


def evaluate(options):
    rows = HeldOut(options.test / "test.csv", options.label, options.positive)
    group = rows.group(options.facet, options.facet_value) if options.bias_metric else None
    latency_ms = None
    with opened(options.challenger / "model.tar.gz", "challenger") as model:
        challenger = model.answers(rows.body(), len(rows.labels))
        if options.max_latency_ms is not None:
            latency_ms = model.latency_ms(rows.single_rows())
    champion, problem = ask_champion(options, rows)
    report = compare(options, rows, challenger, champion, problem)
    judged = judge_by_auc(options, report, problem)
    if latency_ms is not None:
        judged["latency_ms"] = rules.latency(latency_ms, options.max_latency_ms)
    if options.max_size_mb is not None:
        megabytes = (options.challenger / "model.tar.gz").stat().st_size / 1e6
        judged["size_mb"] = rules.size(megabytes, options.max_size_mb)
    if group is not None:
        value = bias.measure(options.bias_metric, rows.labels, challenger >= YES, group)
        name = f"{options.facet} = {', '.join(options.facet_value)}"
        judged["bias"] = rules.bias(options.bias_metric, value, options.bias_limit, name)
    return {**report, "gate": rules.verdict(judged)}


def compare(options, rows, challenger, champion, problem):
    """The report without its verdict; `champion` is None where there is none or, says `problem`, it cannot answer."""
    scores = [challenger] if champion is None else [challenger, champion]
    aucs, covariance = delong(rows.labels, np.vstack(scores))
    report = {
        "version": 1,
        "dataset": {"item_count": len(rows.labels), "positive_count": int(rows.labels.sum())},
        "binary_classification_metrics": metrics(rows.labels, challenger, aucs[0], covariance[0, 0]),
        "champion": None,
        "difference": None,
    }
    if champion is not None:
        report["champion"] = {
            "version": options.champion_version,
            **metrics(rows.labels, champion, aucs[1], covariance[1, 1]),
        }
        report["difference"] = difference(rows.labels, challenger, champion, options.alpha)
    elif problem:
        report["champion"] = {"version": options.champion_version, "problem": problem}
    return report


def judge_by_auc(options, report, problem):
    """The rules that always hold: a floor, and no loss against the champion."""
    floor = rules.floor(report["binary_classification_metrics"]["auc"]["value"], options.min_auc)
    if report["difference"] is None:
        why = problem or "the dimension has no champion yet"
        return {"auc": floor, "possible_loss": rules.no_loss_possible(options.margin, why)}
    champion = f"champion v{options.champion_version}"
    auc, count = report["champion"]["auc"]["value"], report["dataset"]["item_count"]
    loss = rules.possible_loss(report["difference"], options.margin, champion, auc, count)
    return {"auc": floor, "possible_loss": loss}


def ask_champion(options, rows):
    """The champion's probabilities and "", or None and why there are none: "" where the dimension has no champion."""
    if options.champion_version == NO_CHAMPION:
        return None, ""
    try:
        with opened(options.champion / "model.tar.gz", f"champion v{options.champion_version}") as model:
            return model.answers(rows.body(), len(rows.labels)), ""
    except CannotEvaluate as error:
        # A champion that cannot read today's columns must not block every successor: it is compared with nothing.
        print(f"No comparison: {error}", file=sys.stderr)
        return None, str(error)


class HeldOut:
    """The raw rows that no model was trained on, and their labels (1 for the positive one)."""

    def __init__(self, path, label, positive):
        with path.open(encoding="utf-8", newline="") as file:
            self.header, *self.rows = list(csv.reader(file)) or [[]]
        self.name = path.name
        if not self.rows or label not in self.header:
            raise CannotEvaluate(f"{path.name} needs a header with {label!r} and rows")
        self._label = self.header.index(label)
        self.labels = np.array([row[self._label] == positive for row in self.rows], dtype=float)
        fewest = int(min(self.labels.sum(), (1 - self.labels).sum()))
        if fewest < MIN_CLASS_ROWS:
            raise CannotEvaluate(
                f"{path.name} has {fewest} of {len(self.labels)} rows of one class of {label!r}: "
                f"an AUC's variance needs {MIN_CLASS_ROWS} of each, upload more rows"
            )

    def body(self):
        """All rows as one request, header first."""
        return self._request(self.rows)

    def single_rows(self):
        """Each row as a request of its own; with the header, as the columns' order is the model's affair."""
        return [self._request([row]) for row in self.rows[:200]]

    def group(self, facet, values):
        """Which rows belong to the facet's group."""
        if facet not in self.header:
            raise CannotEvaluate(f"{self.name} has no column {facet!r}, whose bias is to be measured (gates.bias)")
        position = self.header.index(facet)
        return bias.in_group([row[position] for row in self.rows], values)

    def _request(self, rows):
        text = io.StringIO()
        skip = self._label
        csv.writer(text, lineterminator="\n").writerows([row[:skip] + row[skip + 1 :] for row in [self.header, *rows]])
        return text.getvalue().encode("utf-8")


def metrics(labels, probabilities, auc, variance):
    n = len(labels)
    right = (probabilities >= YES) == (labels == 1)
    accuracy = float(right.mean())
    clipped = np.clip(probabilities, 1e-15, 1 - 1e-15)
    losses = -(labels * np.log(clipped) + (1 - labels) * np.log1p(-clipped))
    return {
        "auc": measured(auc, math.sqrt(max(variance, 0.0))),
        "accuracy": measured(accuracy, math.sqrt(accuracy * (1 - accuracy) / n)),
        "log_loss": measured(losses.mean(), losses.std(ddof=1) / math.sqrt(n)),
        "confusion_matrix": confusion_matrix(labels, probabilities >= YES),
        "receiver_operating_characteristic_curve": roc_curve(labels, probabilities),
    }


def measured(value, standard_deviation):
    return {"value": float(value), "standard_deviation": float(standard_deviation)}


if __name__ == "__main__":
    sys.exit(main())
