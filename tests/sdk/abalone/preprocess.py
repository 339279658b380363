"""Abalones of the table in /opt/ml/processing/input to train, validation and test files, the label first."""

import pathlib

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

BASE = "/opt/ml/processing"
MEASURES = ["length", "diameter", "height", "whole_weight", "shucked_weight", "viscera_weight", "shell_weight"]

if __name__ == "__main__":
    table = pd.read_csv(f"{BASE}/input/abalone.csv", header=None, names=["sex", *MEASURES, "rings"])
    print(f"{len(table)} rows read")
    numbers = Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    words = Pipeline(
        [
            ("impute", SimpleImputer(strategy="constant", fill_value="missing")),
            ("onehot", OneHotEncoder(handle_unknown="ignore")),
        ]
    )
    label = table.pop("rings")
    features = ColumnTransformer([("numbers", numbers, MEASURES), ("words", words, ["sex"])]).fit_transform(table)
    rows = np.column_stack([label, features])
    np.random.default_rng(0).shuffle(rows)
    parts = np.split(rows, [int(0.7 * len(rows)), int(0.85 * len(rows))])
    for name, part in zip(["train", "validation", "test"], parts, strict=True):
        pathlib.Path(f"{BASE}/{name}").mkdir(parents=True, exist_ok=True)
        pd.DataFrame(part).to_csv(f"{BASE}/{name}/{name}.csv", header=False, index=False)
