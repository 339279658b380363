"""The `explanations` section of analysis.json: what each feature adds to the predictions, for each row and overall."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from contender.local.containers.clarify import kernel, tree
from contender.local.containers.clarify.baseline import computed_baseline, given_baseline
from contender.local.containers.clarify.config import AnalysisConfig, ShapConfig
from contender.local.containers.clarify.dataset import Dataset, find
from contender.local.containers.clarify.kernel import Explained, Values
from contender.local.containers.clarify.model_cells import ModelCells
from contender.local.containers.clarify.predictor import Predictor

logger = logging.getLogger(__name__)

FOLDER = "explanations_shap"
SEED = 0
"""Where none is asked for: the same data and model explain themselves the same way."""


def shap_values(
    config: AnalysisConfig, shap: ShapConfig, dataset: Dataset, predictor: Predictor, output: Path
) -> dict[str, Any]:
    """`{label: {global_shap_values, expected_value}}`, and the rows' own values into files. Raises ClarifyError."""
    started = time.monotonic()
    baseline = given_baseline(config, shap, dataset)
    explained = _explain(shap, dataset, predictor, baseline, output)
    labels = label_names(predictor, len(explained.expected))
    chosen = _chosen(shap, dataset)
    names = [dataset.features[place] for place in chosen]
    values = explained.values[:, chosen, :]
    if shap.save_local_shap_values:
        _save_local(dataset, names, labels, values, output / FOLDER / "out.csv")
    logger.info(
        "%s of %d rows and %d features in %.1f s, %d rows asked of the model in %d calls",
        explained.method,
        len(values),
        len(names),
        time.monotonic() - started,
        predictor.rows,
        predictor.calls,
    )
    return {
        label: {
            "global_shap_values": dict(zip(names, map(float, _aggregate(shap, values[:, :, place])), strict=True)),
            "expected_value": float(explained.expected[place]),
        }
        for place, label in enumerate(labels)
    }


def label_names(predictor: Predictor, count: int) -> list[str]:
    headers = predictor.config.label_headers
    return [str(header) for header in headers] if len(headers) == count else [f"label{n}" for n in range(count)]


def _explain(
    shap: ShapConfig, dataset: Dataset, predictor: Predictor, baseline: pd.DataFrame | None, output: Path
) -> Explained:
    booster = tree.margin_booster(predictor.model, shap.use_logit, os.environ)
    seed = SEED if shap.seed is None else shap.seed
    # trees remember what they were trained on, so only an explicit wish makes clusters their baseline
    if baseline is None and shap.num_clusters is not None:
        baseline = _computed(shap, dataset, seed, output)
    if booster is not None:
        cells = ModelCells(dataset, predictor, baseline)
        if explained := tree.explain(booster, cells.rows, cells.baseline):
            return explained
    if baseline is None:
        baseline = _computed(shap, dataset, seed, output)
    cells = ModelCells(dataset, predictor, baseline)
    assert cells.baseline is not None
    return kernel.explain(predictor.score, cells.rows, cells.baseline, shap.num_samples, shap.use_logit, seed)


def _computed(shap: ShapConfig, dataset: Dataset, seed: int, output: Path) -> pd.DataFrame:
    baseline = computed_baseline(dataset, shap.num_clusters, seed)
    path = output / FOLDER / "baseline.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    baseline.to_csv(path, index=False, lineterminator="\n")
    return baseline


def _chosen(shap: ShapConfig, dataset: Dataset) -> list[int]:
    if shap.features_to_explain is None:
        return list(range(len(dataset.features)))
    names = list(dataset.features)
    return [names.index(find(names, each, "features_to_explain")) for each in shap.features_to_explain]


def _aggregate(shap: ShapConfig, values: Values) -> Values:
    if shap.agg_method == "median":
        return np.asarray(np.median(values, axis=0))
    magnitudes = np.abs(values) if shap.agg_method == "mean_abs" else values**2
    return np.asarray(magnitudes.mean(axis=0))


def _save_local(dataset: Dataset, names: list[str], labels: list[str], values: Values, path: Path) -> None:
    columns: dict[str, Any] = {}
    if dataset.joinsource is not None:
        columns[dataset.joinsource] = dataset.cells[dataset.joinsource]
    for output, label in enumerate(labels):
        for place, name in enumerate(names):
            columns[f"{name}_{label}"] = values[:, place, output]
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_csv(path, index=False, lineterminator="\n")
