"""Partial dependence: how the mean prediction moves when one feature is given the same value in every row."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from contender.local.containers.clarify.columns import is_numeric, typed
from contender.local.containers.clarify.config import PdpConfig
from contender.local.containers.clarify.dataset import Dataset, find
from contender.local.containers.clarify.explanations import label_names
from contender.local.containers.clarify.model_cells import ModelCells
from contender.local.containers.clarify.predictor import Predictor

logger = logging.getLogger(__name__)

MOST_ROWS = 1000
"""The mean of more rows moves by less than one can see in a plot."""

FREE_TEXT = "Detected data type is not supported for PDP. PDP can only be computed for numerical or categorical columns"
MOST_CATEGORIES = 50


def partial_dependence(
    config: PdpConfig, dataset: Dataset, predictor: Predictor, ranking: Sequence[str]
) -> list[dict[str, Any]]:
    """One entry a feature: those of the configuration, or the first ones of `ranking`. Raises ClarifyError."""
    names = list(dataset.features)
    if config.features is None:
        chosen = list(ranking[: config.top_k_features])
    else:
        chosen = [find(names, each, "pdp feature") for each in config.features]
    rows = ModelCells(dataset, predictor).rows
    if len(rows) > MOST_ROWS:
        logger.info("pdp: %d of %d rows, evenly spaced", MOST_ROWS, len(rows))
        rows = rows[np.linspace(0, len(rows) - 1, MOST_ROWS).astype(int)]
    entries = []
    for name in chosen:
        entry = _grid(name, typed(dataset.cells[name]), config.grid_resolution)
        if "error" not in entry:
            means = []
            for value in entry["feature_values"]:
                varied = rows.copy()
                varied[:, names.index(name)] = predictor.payload.render(value)
                means.append(predictor.score(varied).mean(axis=0))
            entry["model_predictions"] = np.array(means).T.tolist()
            if predictor.config.label_headers:
                entry["label_headers"] = label_names(predictor, len(entry["model_predictions"]))
        entries.append(entry)
    return entries


def _grid(name: str, column: pd.Series[Any], resolution: int) -> dict[str, Any]:
    known = column.dropna()
    if is_numeric(column) and len(known):
        counts, edges = np.histogram(known.to_numpy(dtype=float), bins=1 if known.nunique() == 1 else resolution)
        return {
            "feature_name": name,
            "data_type": "numerical",
            "feature_values": ((edges[:-1] + edges[1:]) / 2).tolist(),
            "data_distribution": (counts / len(known)).tolist(),
        }
    shares = known.value_counts(normalize=True, sort=False)
    if len(shares) == 0 or (len(shares) > MOST_CATEGORIES and len(shares) > len(known) / 2):
        return {"feature_name": name, "data_type": "free_text", "error": FREE_TEXT}
    return {
        "feature_name": name,
        "data_type": "categorical",
        "feature_values": [value.item() if isinstance(value, np.generic) else value for value in shares.index],
        "data_distribution": shares.to_list(),
    }
