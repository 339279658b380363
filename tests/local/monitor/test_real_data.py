"""The image on customer data that nobody here made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.local.monitor.image import Image


@pytest.fixture
def churn(real_data: Path) -> pd.DataFrame:
    (path,) = (real_data / "training" / "DummyDim1").glob("*.csv")
    return pd.read_csv(path)


def test_statistics_agree_with_pandas(image: Image, churn: pd.DataFrame) -> None:
    features = image.run(churn).features
    assert list(features) == list(churn.columns)
    for name, column in churn.items():
        if pd.api.types.is_numeric_dtype(column):
            numbers = features[name]["numerical_statistics"]
            expected = [column.mean(), column.std(ddof=0), column.min(), column.max(), column.sum()]
            assert [numbers[key] for key in ("mean", "std_dev", "min", "max", "sum")] == pytest.approx(expected)
        else:
            assert features[name]["string_statistics"]["distinct_count"] == column.nunique()


def test_one_half_of_the_customers_violates_nothing_of_the_other(image: Image, churn: pd.DataFrame) -> None:
    for seed in range(10):
        half = np.random.default_rng(seed).random(len(churn)) < 0.5
        first = image.run(churn[half])
        assert image.run(churn[half], against=first).violations == []
        assert image.run(churn[~half], against=first).violations == []


def test_shifted_customers_are_told_apart(image: Image, churn: pd.DataFrame) -> None:
    first = image.run(churn)
    shifted = churn.drop(columns=["Night Calls"])
    shifted["Day Mins"] += shifted["Day Mins"].std()
    shifted.loc[:400, "Int'l Plan"] = "perhaps"
    shifted.loc[400:900, "Eve Mins"] = np.nan
    found = image.run(shifted, against=first)
    assert found.checks == {
        ("Night Calls", "missing_column_check"),
        ("Day Mins", "baseline_drift_check"),
        ("Int'l Plan", "categorical_values_check"),
        ("Eve Mins", "completeness_check"),
    }
    assert "(+1.00 baseline standard deviations)" in found.said("Day Mins", "baseline_drift_check")
