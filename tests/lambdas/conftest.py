"""What tests of the Lambdas on the laptop share."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost


@pytest.fixture(scope="module")
def booster(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("booster") / "xgboost-model"
    rows = np.random.default_rng(0).normal(size=(50, 2))
    parameters = {"objective": "binary:logistic", "nthread": 1, "max_depth": 2}
    xgboost.train(parameters, xgboost.DMatrix(rows, rows[:, 0] > 0), 2).save_model(path.with_suffix(".ubj"))
    return path.with_suffix(".ubj").read_bytes()
