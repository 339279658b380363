"""The rows that explanations compare with: those of the configuration, or the middles of clusters of the dataset."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jmespath
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from contender.local.containers.clarify.columns import is_numeric, typed
from contender.local.containers.clarify.config import CSV, PARQUET, AnalysisConfig, ShapConfig
from contender.local.containers.clarify.dataset import Dataset, load_rows
from contender.local.containers.clarify.errors import ClarifyError
from contender.local.containers.clarify.storage import download

logger = logging.getLogger(__name__)

MOST_CLUSTERS = 12
"""AWS's image looks for the best number between 1 and 12, too."""

CLEAR_CLUSTERS = 0.25
"""Below this silhouette there is no structure worth a second row [Kaufman and Rousseeuw, Finding Groups in Data]."""

SAMPLE = 1000
MANY_CATEGORIES = 50


def given_baseline(config: AnalysisConfig, shap: ShapConfig, dataset: Dataset) -> pd.DataFrame | None:
    """The baseline that the configuration names, with the dataset's features as columns. Raises ClarifyError."""
    baseline = shap.baseline
    if baseline is None:
        return None
    names = dataset.features
    if isinstance(baseline, str):
        folder = Path(tempfile.mkdtemp(prefix="clarify-baseline-"))
        download(baseline, folder, "the SHAP baseline")
        if config.dataset_type in (CSV, PARQUET):
            return load_rows(config, folder, names, f"the SHAP baseline {baseline}")
        contents = [path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()]
        try:
            baseline = [json.loads(line) for content in contents for line in content.splitlines() if line.strip()]
        except ValueError as error:
            raise ClarifyError(f"the SHAP baseline {shap.baseline} is not JSON lines: {error}") from error
    if isinstance(baseline, dict):
        found = jmespath.search(config.features, baseline) if config.features else None
        baseline = found if isinstance(found, list) and found and isinstance(found[0], list) else [baseline]
    rows = [_row(config, each, names) for each in baseline]
    return pd.DataFrame(rows, columns=pd.Index(names), dtype=object)


def _row(config: AnalysisConfig, given: Any, names: Sequence[str]) -> list[Any]:
    row = given
    if isinstance(given, dict):
        if config.features:
            row = jmespath.search(config.features, given)
        else:
            row = given.get("features", [given.get(name) for name in names])
    if not isinstance(row, list):
        raise ClarifyError(f"a row of the SHAP baseline must be a list of values, not {given!r:.80}")
    if len(row) != len(names):
        raise ClarifyError(
            f"a row of the SHAP baseline has {len(row)} values, but the dataset has {len(names)} features "
            f"({', '.join(names[:5])}, …)"
        )
    return row


def computed_baseline(dataset: Dataset, clusters: int | None, seed: int) -> pd.DataFrame:
    """The middles of clusters: means of numbers, most frequent values of everything else.

    With no number of clusters asked for, the one from 1 to 12 with the best silhouette, and 1 where no clustering is
    clear. Numbers are standardised, other values one-hot encoded, as k-prototypes weighs them against each other.
    """
    cells = dataset.cells[list(dataset.features)]
    columns = {name: typed(cells[name]) for name in cells}
    points = _points(list(columns.values()))
    sample = points[np.linspace(0, len(points) - 1, min(SAMPLE, len(points))).astype(int)]
    most = len(np.unique(sample, axis=0))
    labels = np.zeros(len(points), dtype=int)
    best = min(clusters, most) if clusters else 1
    if clusters is None:
        clearest = CLEAR_CLUSTERS
        for count in range(2, min(MOST_CLUSTERS, most - 1) + 1):
            found = KMeans(count, n_init=1, random_state=seed).fit_predict(sample)
            if (score := silhouette_score(sample, found)) > clearest:
                best, clearest = count, score
    if best > 1:
        labels = KMeans(best, n_init=3, random_state=seed).fit_predict(points)
    logger.info("SHAP baseline: %d row(s), the middles of the dataset's clusters", best)
    rows = [[_middle(columns[name][labels == label]) for name in cells] for label in sorted(set(labels))]
    return pd.DataFrame(rows, columns=cells.columns, dtype=object)


def _points(columns: Sequence[pd.Series[Any]]) -> npt.NDArray[np.float64]:
    parts: list[npt.NDArray[np.float64]] = []
    for column in columns:
        if is_numeric(column):
            values = column.fillna(column.mean()).to_numpy(dtype=float)
            spread = np.nanstd(values) if len(values) else 0.0
            parts.append(((values - np.nanmean(values)) / spread if spread > 0 else np.zeros(len(values)))[:, None])
        elif column.nunique() <= MANY_CATEGORIES:  # names and telephone numbers tell clusters nothing
            parts.append(pd.get_dummies(column.astype(str)).to_numpy(dtype=float))
    return np.hstack(parts) if parts else np.zeros((len(columns[0]), 1))


def _middle(column: pd.Series[Any]) -> Any:
    if not is_numeric(column):
        modes = column.mode()
        return None if modes.empty else modes.iloc[0]
    mean = column.mean()
    if pd.isna(mean):
        return None
    return round(float(mean)) if pd.api.types.is_integer_dtype(column) else float(mean)
