"""The dataset's features, and a baseline's, as one predictor is sent them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from contender.local.containers.clarify.columns import typed
from contender.local.containers.clarify.config import CSV
from contender.local.containers.clarify.dataset import Dataset
from contender.local.containers.clarify.payloads import Cells
from contender.local.containers.clarify.predictor import Predictor


class ModelCells:
    """Rendered cells. A CSV model gets every cell as it stands in the file, a JSON model numbers as numbers."""

    def __init__(self, dataset: Dataset, predictor: Predictor, baseline: pd.DataFrame | None = None) -> None:
        cells = dataset.cells[list(dataset.features)]
        together = cells if baseline is None else pd.concat([cells, baseline], ignore_index=True)
        if predictor.config.content_type != CSV:
            together = pd.DataFrame({name: _json_values(together[name]) for name in together}, dtype=object)
        rendered = predictor.render(together.to_numpy(dtype=object))
        self.rows: Cells = rendered[: len(cells)]
        self.baseline: Cells | None = None if baseline is None else rendered[len(cells) :]


def _json_values(cells: pd.Series[Any]) -> pd.Series[Any]:
    if not any(isinstance(cell, str) for cell in cells):
        return cells
    column = typed(cells)
    values = column.astype(object).where(column.notna(), None)
    return values.map(lambda value: value.item() if isinstance(value, np.generic) else value)
