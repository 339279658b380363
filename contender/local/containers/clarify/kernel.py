"""Kernel SHAP on the columns as the model is sent them, text and missing values included.

The explainer of the `shap` library calculates with numbers. It gets the places of cells instead of the cells: 0 to
k - 1 for those of the k baseline rows, k for that of the row being explained.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shap

from contender.local.containers.clarify.answers import Scores
from contender.local.containers.clarify.errors import ClarifyError
from contender.local.containers.clarify.payloads import Cells

logger = logging.getLogger(__name__)

Values = npt.NDArray[np.float64]
Score = Callable[[Cells], Scores]

PROGRESS_S = 10.0

MARGIN = 1e-7
"""Probabilities of 0 and 1 are moved by this before the logit, which has no finite value for them."""


@dataclass(frozen=True, slots=True)
class Explained:
    """`values` has rows, features and outputs; a row's values and `expected` sum to the output that was explained."""

    values: Values
    expected: Values
    method: str


def explain(
    score: Score, rows: Cells, baseline: Cells, num_samples: int | None, use_logit: bool, seed: int
) -> Explained:
    """`score` answers rows of rendered cells; `num_samples` None leaves the number to the library."""
    width = rows.shape[1]
    places = np.arange(width)
    table = np.vstack([baseline, baseline[:1]])  # the last line is the row being explained
    codes = _codes(baseline)

    def model(synthetic: Values) -> Scores:
        scores = score(table[synthetic.astype(int), places])
        if not use_logit:
            return scores
        if scores.min() < 0 or scores.max() > 1:
            raise ClarifyError(
                f"use_logit needs probabilities, but the model scores from {scores.min():g} to {scores.max():g}"
            )
        return np.clip(scores, MARGIN, 1 - MARGIN)

    explainer = shap.KernelExplainer(model, codes, link="logit" if use_logit else "identity")
    np.random.seed(seed)  # the library draws coalitions from numpy's global generator
    found = []
    told = time.monotonic()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for number, row in enumerate(rows):
            if time.monotonic() - told > PROGRESS_S:
                told = time.monotonic()
                logger.info("SHAP: %d of %d rows", number, len(rows))
            table[-1] = row
            known = np.argmax(baseline == row, axis=0)
            own = np.where((baseline == row).any(axis=0), codes[known, places], len(baseline))
            # no feature selection: every column gets its Shapley value
            found.append(
                explainer.shap_values(own.astype(float), nsamples=num_samples or "auto", l1_reg=0, silent=True)
            )
    if any("singular" in str(each.message) for each in warned):
        logger.warning("SHAP: num_samples %s is too few for %d features, so values are rough", num_samples, width)
    values = np.stack(found).reshape(len(rows), width, -1)
    return Explained(values, np.atleast_1d(explainer.expected_value).astype(float), "Kernel SHAP")


def _codes(baseline: Cells) -> Values:
    """Every cell's place in its column; equal cells share the first one's."""
    codes = np.empty(baseline.shape, dtype=float)
    for column in range(baseline.shape[1]):
        first: dict[str, int] = {}
        codes[:, column] = [first.setdefault(cell, number) for number, cell in enumerate(baseline[:, column])]
    return codes
