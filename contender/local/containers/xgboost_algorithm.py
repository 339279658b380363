"""XGBoost's built-in algorithm, as AWS's image runs it: hyperparameters and channels in, `xgboost-model` out.

Reads `/opt/ml/input/config`, trains, prints one line of metrics a round, and writes the booster in XGBoost's own binary
format. What the user can put right ends up in `/opt/ml/output/failure` as a ClientError.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import xgboost as xgb

from contender.local.containers import xgboost_channels as channels
from contender.local.containers.xgboost_hyperparameters import HyperparameterError, parse
from contender.local.containers.xgboost_metrics import CUSTOM, MAXIMISED, custom_metric

MODEL_NAME = "xgboost-model"
NEVER_NEGATIVE = frozenset({"count:poisson", "reg:tweedie", "reg:gamma"})
OURS = ("num_round", "csv_weights", "early_stopping_rounds", "save_model_on_termination")
GONE_FROM_XGBOOST = ("silent", "predictor")
NOT_FOR_XGBOOST = frozenset({*OURS, *GONE_FROM_XGBOOST})
VERSION_VARIABLE = "CONTENDER_IMAGE_VERSION"


class AlgorithmError(Exception):
    """The data or the hyperparameters cannot be trained with."""


class UntilTerminated(xgb.callback.TrainingCallback):
    """Ends the training after the round in which SIGTERM came, so that the model so far can be saved."""

    def __init__(self) -> None:
        self._terminated = False
        signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        self._terminated = True

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        return self._terminated


def train(
    texts: Mapping[str, str],
    data_config: Mapping[str, Mapping[str, str]],
    data: Path,
    model_dir: Path,
    threads: int,
    version: str = "",
) -> None:
    """Train with hyperparameters `texts` on the channels of `data_config` below `data`; `version` is the image's.

    Raises:
        AlgorithmError, HyperparameterError, ChannelError: with a message for the user.
    """
    hyperparameters = parse(texts, version)
    if "train" not in data_config:
        raise AlgorithmError("Missing required channel: train")
    form = channels.format_of(data_config["train"].get("ContentType"))
    matrix = channels.load(data / "train", form, threads, weights=hyperparameters.get("csv_weights") == 1)
    watched = [(matrix, "train")]
    if "validation" in data_config:
        form = channels.format_of(data_config["validation"].get("ContentType"))
        held_out = channels.load(data / "validation", form, threads)
        if held_out.num_col() != matrix.num_col() and form != "libsvm":
            raise AlgorithmError(
                f"The train channel has {matrix.num_col()} features and the validation channel {held_out.num_col()}"
            )
        watched.append((held_out, "validation"))
    print(f"Train matrix has {matrix.num_row()} rows and {matrix.num_col()} columns")
    booster = fit(hyperparameters, watched, threads)
    (model_dir / MODEL_NAME).write_bytes(booster.save_raw("ubj"))


def fit(hyperparameters: Mapping[str, Any], watched: list[tuple[Any, str]], threads: int) -> Any:
    """The booster; `watched` are the matrices with their names, the one trained on first."""
    parameters = {name: value for name, value in hyperparameters.items() if name not in NOT_FOR_XGBOOST}
    tuned = [metric.rpartition(":")[2] for metric in parameters.pop("_tuning_objective_metric", ())]
    wanted = [*parameters.pop("eval_metric", ()), *tuned]
    metrics = list(dict.fromkeys(wanted))
    own = [metric for metric in metrics if metric not in CUSTOM]
    if own:
        parameters["eval_metric"] = own
    elif metrics:
        parameters["disable_default_eval_metric"] = True
    parameters.setdefault("nthread", threads)
    callbacks: list[Any] = []
    if hyperparameters.get("save_model_on_termination") == "true":
        callbacks.append(UntilTerminated())
    if rounds := hyperparameters.get("early_stopping_rounds"):
        metric = metrics[-1] if metrics else None
        callbacks.append(
            xgb.callback.EarlyStopping(
                rounds,
                metric_name=metric,
                data_name=watched[-1][1],
                maximize=metric.partition("@")[0] in MAXIMISED if metric else None,
                save_best=True,
            )
        )
    objective = str(parameters.get("objective", "reg:squarederror"))
    for matrix, channel in watched:
        check_labels(matrix.get_label(), channel, objective, parameters.get("num_class"))
    try:
        return xgb.train(
            parameters,
            watched[0][0],
            num_boost_round=hyperparameters["num_round"],
            evals=watched,
            custom_metric=custom_metric(metrics, objective),
            callbacks=callbacks,
            verbose_eval=True,
        )
    except (xgb.core.XGBoostError, ValueError) as error:
        raise AlgorithmError(f"XGB train call failed with exception: {_first_line(error)}") from error


def check_labels(labels: Any, channel: str, objective: str, classes: int | None) -> None:
    """Refuse labels the objective has no meaning for, before XGBoost does with a message about its own insides."""
    low, high = float(labels.min()), float(labels.max())
    if objective.startswith("binary:") or objective == "reg:logistic":
        wanted, good = "in [0, 1]", low >= 0 and high <= 1
    elif objective.startswith("multi:"):
        wanted, good = f"in [0, num_class = {classes})", low >= 0 and high < (classes or 0)
    elif objective in NEVER_NEGATIVE:
        wanted, good = "nonnegative", low >= 0
    else:
        return
    if not good:
        raise AlgorithmError(
            f"labels must be {wanted} for {objective}; those of channel {channel} are {low:g} to {high:g}"
        )


def main() -> int:
    root = Path(os.environ.get("SM_INPUT_DIR", "/opt/ml/input"))
    model_dir = Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model"))
    output = Path(os.environ.get("SM_OUTPUT_DIR", "/opt/ml/output"))
    threads = int(os.environ.get("SM_NUM_CPUS", "1"))
    hyperparameters = json.loads((root / "config" / "hyperparameters.json").read_text())
    data_config = json.loads((root / "config" / "inputdataconfig.json").read_text())
    try:
        train(hyperparameters, data_config, root / "data", model_dir, threads, os.environ.get(VERSION_VARIABLE, ""))
    except (AlgorithmError, HyperparameterError, channels.ChannelError) as error:
        print(f"ClientError: {error}", file=sys.stderr)
        (output / "failure").write_text(f"ClientError: {error}")
        return 1
    return 0


def _first_line(error: BaseException) -> str:
    """XGBoost's messages start with the time and the source's line, and end with a stack trace."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("Stack trace")]
    return (lines[0].partition("Check failed: ")[2] or lines[0]) if lines else type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
