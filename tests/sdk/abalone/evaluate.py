"""The mean squared error of the model in /opt/ml/processing/model on the test rows."""

import json
import pathlib
import tarfile

import numpy as np
import pandas as pd
import xgboost
from sklearn.metrics import mean_squared_error

if __name__ == "__main__":
    with tarfile.open("/opt/ml/processing/model/model.tar.gz") as tar:
        tar.extractall(path=".")
    model = xgboost.Booster()
    model.load_model("xgboost-model")

    test = pd.read_csv("/opt/ml/processing/test/test.csv", header=None)
    label = test.pop(0).to_numpy()
    predictions = model.predict(xgboost.DMatrix(test.to_numpy()))
    report = {
        "regression_metrics": {
            "mse": {
                "value": mean_squared_error(label, predictions),
                "standard_deviation": np.std(label - predictions),
            },
        },
    }
    output = pathlib.Path("/opt/ml/processing/evaluation")
    output.mkdir(parents=True, exist_ok=True)
    (output / "evaluation.json").write_text(json.dumps(report))
