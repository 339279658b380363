"""Score challenger and champion on the same held-out raw rows, compare them, and say whether the challenger may pass.

    test/test.csv (raw, with header and label) ┐
    challenger/model.tar.gz                    ├─► evaluation.json
    champion/model.tar.gz                      ┘

Each model answers through its own artifact's `code/inference.py`, exactly as an endpoint would, so what is judged is
what will serve. The two AUCs are compared by DeLong's test (DeLong et al. 1988, Biometrics 44:837) in O(n log n) (Sun &
Xu 2014, doi:10.1109/LSP.2014.2337313). The report has the shape of SageMaker's model quality metrics, plus `champion`,
`difference` and `gate`.
Needs numpy, and whatever the artifacts' code imports.
"""

import argparse
import csv
import importlib.util
import io
import json
import math
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

NO_CHAMPION = "0"
MIN_CLASS_ROWS = 2
MAX_UNPACKED_BYTES = 4 * 1024**3


class CannotEvaluate(Exception):
    """A model or the rows cannot be used; the message says why."""


def main(argv=None):
    options = parse_arguments(argv)
    try:
        report = evaluate(options)
    except CannotEvaluate as error:
        return fail(str(error), options.last_words)
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
    parser.add_argument("--max-auc-drop", type=float, required=True)
    parser.add_argument("--alpha", type=float, default=0.05, help="1 - alpha is the confidence of the intervals")
    parser.add_argument("--test", type=Path, default=Path("/opt/ml/processing/input/test"))
    parser.add_argument("--challenger", type=Path, default=Path("/opt/ml/processing/input/challenger"))
    parser.add_argument("--champion", type=Path, default=Path("/opt/ml/processing/input/champion"))
    parser.add_argument("--evaluation", type=Path, default=Path("/opt/ml/processing/output/evaluation"))
    parser.add_argument("--last-words", type=Path, default=Path("/opt/ml/output"), help="for why the job failed")
    return parser.parse_args(argv)


def evaluate(options):
    body, labels = read_test(options.test / "test.csv", options.label, options.positive)
    challenger = answers(options.challenger / "model.tar.gz", body, len(labels), "challenger")
    champion = None
    problem = ""
    version = f"v{options.champion_version}"
    if options.champion_version != NO_CHAMPION:
        try:
            champion = answers(options.champion / "model.tar.gz", body, len(labels), f"champion {version}")
        except CannotEvaluate as error:
            # A champion that cannot read today's columns must not block every successor: it is compared with nothing.
            problem = str(error)
            print(f"No comparison: {problem}", file=sys.stderr)
    scores = [challenger] if champion is None else [challenger, champion]
    aucs, covariance = delong(labels, np.vstack(scores))
    report = {
        "version": 1,
        "dataset": {"item_count": len(labels), "positive_count": int(labels.sum())},
        "binary_classification_metrics": metrics(labels, challenger, aucs[0], covariance[0, 0]),
        "champion": None,
        "difference": None,
    }
    if champion is not None:
        report["champion"] = {
            "version": options.champion_version,
            **metrics(labels, champion, aucs[1], covariance[1, 1]),
        }
        report["difference"] = difference(aucs, covariance, options.alpha)
    elif problem:
        report["champion"] = {"version": options.champion_version, "problem": problem}
    report["gate"] = judge(aucs, options, problem)
    return report


def read_test(path, label, positive):
    """The rows as a request body (header first, without the label) and their labels."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    if len(rows) < 2 or label not in rows[0]:
        raise CannotEvaluate(f"{path.name} needs a header with {label!r} and rows")
    position = rows[0].index(label)
    labels = np.array([row[position] == positive for row in rows[1:]], dtype=float)
    fewest = int(min(labels.sum(), (1 - labels).sum()))
    if fewest < MIN_CLASS_ROWS:
        raise CannotEvaluate(
            f"{path.name} has {fewest} of {len(labels)} rows of one class of {label!r}: "
            f"an AUC's variance needs {MIN_CLASS_ROWS} of each, upload more rows"
        )
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([row[:position] + row[position + 1 :] for row in rows])
    return text.getvalue().encode("utf-8"), labels


def answers(archive, body, rows, name):
    """The model's probabilities for the body's rows, asked through the artifact's own serving code."""
    with tempfile.TemporaryDirectory() as folder:
        unpack(archive, Path(folder), name)
        script = Path(folder) / "code" / "inference.py"
        if not script.is_file():
            raise CannotEvaluate(f"the {name}'s artifact has no code/inference.py")
        try:
            module = load(script, "inference_of_" + name.split()[0])
            model = module.model_fn(folder)
            matrix = module.input_fn(body, "text/csv")
            if isinstance(matrix, Exception):  # in AWS's image inference.py hands a refusal on instead of raising it
                raise matrix
            answer = module.output_fn(module.predict_fn(matrix, model), "text/csv")
        except Exception as error:
            raise CannotEvaluate(f"the {name} cannot answer the held-out rows: {error}") from error
    text = answer[0] if isinstance(answer, tuple) else answer
    text = text.decode("utf-8") if isinstance(text, bytes) else text
    probabilities = np.array(text.replace(",", " ").split(), dtype=float)
    if len(probabilities) != rows or not np.isfinite(probabilities).all():
        raise CannotEvaluate(f"the {name} gave {len(probabilities)} usable answers to {rows} rows")
    return probabilities


def load(script, name):
    spec = importlib.util.spec_from_file_location(name, script)
    module = importlib.util.module_from_spec(spec)
    wrote, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = wrote
    return module


def unpack(archive, folder, name):
    """Files and folders of a tar into `folder`; a link, a device or a path outside is refused."""
    if not archive.is_file():
        raise CannotEvaluate(f"the {name} has no {archive.name}")
    root = folder.resolve()
    size = 0
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                target = (root / member.name).resolve()
                if target != root and root not in target.parents:
                    raise CannotEvaluate(f"the {name}'s artifact holds {member.name!r}, a path outside of it")
                if member.isdir():
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                if not member.isfile():
                    raise CannotEvaluate(f"the {name}'s artifact holds {member.name!r}, which is a link or a device")
                size += member.size
                if size > MAX_UNPACKED_BYTES:
                    raise CannotEvaluate(f"the {name}'s artifact unpacks to more than {MAX_UNPACKED_BYTES} bytes")
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    shutil.copyfileobj(tar.extractfile(member), file)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise CannotEvaluate(f"the {name}'s {archive.name} cannot be unpacked: {error}") from error


def metrics(labels, probabilities, auc, variance):
    n = len(labels)
    right = (probabilities >= 0.5) == (labels == 1)
    accuracy = float(right.mean())
    clipped = np.clip(probabilities, 1e-15, 1 - 1e-15)
    losses = -(labels * np.log(clipped) + (1 - labels) * np.log1p(-clipped))
    return {
        "auc": measured(auc, math.sqrt(max(variance, 0.0))),
        "accuracy": measured(accuracy, math.sqrt(accuracy * (1 - accuracy) / n)),
        "log_loss": measured(losses.mean(), losses.std(ddof=1) / math.sqrt(n)),
    }


def measured(value, standard_deviation):
    return {"value": float(value), "standard_deviation": float(standard_deviation)}


def delong(labels, scores):
    """AUCs of the models (rows of `scores`) on the same labels, and the covariance matrix of those AUCs.

    Placements of positives among negatives come from midranks: Sun & Xu's equations (5) to (8).
    """
    positive = scores[:, labels == 1]
    negative = scores[:, labels == 0]
    m, n = positive.shape[1], negative.shape[1]
    among_positive = np.array([midranks(row) for row in positive])
    among_negative = np.array([midranks(row) for row in negative])
    among_all = np.array([midranks(row) for row in np.hstack([positive, negative])])
    aucs = among_all[:, :m].sum(axis=1) / (m * n) - (m + 1) / (2 * n)
    v_positive = (among_all[:, :m] - among_positive) / n
    v_negative = 1 - (among_all[:, m:] - among_negative) / m
    covariance = np.atleast_2d(np.cov(v_positive)) / m + np.atleast_2d(np.cov(v_negative)) / n
    return aucs, covariance


def midranks(values):
    """Ranks from 1; ties share the mean of their ranks."""
    order = np.argsort(values, kind="mergesort")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    ends = np.concatenate([starts[1:], [len(values)]])
    ranks = np.empty(len(values))
    ranks[order] = np.repeat((starts + ends + 1) / 2, ends - starts)
    return ranks


def difference(aucs, covariance, alpha):
    """Challenger's AUC minus champion's, with DeLong's standard error, two-sided p-value and confidence interval."""
    gap = float(aucs[0] - aucs[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    error = math.sqrt(max(variance, 0.0))
    p_value = math.erfc(abs(gap) / error / math.sqrt(2)) if error > 0 else float(gap == 0)
    reach = normal_quantile(1 - alpha / 2) * error
    return {
        "auc": gap,
        "standard_error": error,
        "p_value": p_value,
        "confidence": 1 - alpha,
        "lower": gap - reach,
        "upper": gap + reach,
    }


def normal_quantile(probability):
    """The inverse of the normal distribution function, by bisection of erfc: containers may lack scipy."""
    low, high = -40.0, 40.0
    for _ in range(100):
        middle = (low + high) / 2
        if 0.5 * math.erfc(-middle / math.sqrt(2)) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def judge(aucs, options, problem):
    """The figures the Gate step compares, and in words which rule failed and by how much."""
    auc = float(aucs[0])
    drop = float(aucs[1] - aucs[0]) if len(aucs) > 1 else 0.0
    reasons = []
    if not auc >= options.min_auc:
        short = options.min_auc - auc
        reasons.append(f"AUC {auc:.4f} is {short:.4f} below the floor of {options.min_auc:g} (gates.min_auc)")
    if not drop <= options.max_auc_drop:
        reasons.append(
            f"AUC {auc:.4f} is {drop:.4f} below champion v{options.champion_version}'s {aucs[1]:.4f}, "
            f"{drop - options.max_auc_drop:.4f} more than the {options.max_auc_drop:g} allowed (gates.max_auc_drop)"
        )
    if reasons:
        reason = "Refused: " + "; ".join(reasons)
    elif len(aucs) > 1:
        reason = f"Passed: AUC {auc:.4f} against champion v{options.champion_version}'s {aucs[1]:.4f}"
    elif problem:
        reason = f"Passed: AUC {auc:.4f}; not compared, since {problem}"
    else:
        reason = f"Passed: AUC {auc:.4f}; the dimension has no champion yet"
    return {
        "passed": not reasons,
        "reason": reason,
        "auc": auc,
        "auc_drop": drop,
        "min_auc": options.min_auc,
        "max_auc_drop": options.max_auc_drop,
    }


def fail(message, folder):
    """Say why in the log, and where SageMaker reads a job's last words (`message`: processing, `failure`: training)."""
    line = " ".join(message.split())[:1000]
    print(f"Refused: {line}", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("message", "failure"):
        (folder / name).write_text(line, encoding="utf-8")
    return 1


if __name__ == "__main__":
    sys.exit(main())
