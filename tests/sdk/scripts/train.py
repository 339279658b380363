"""A forest of scikit-learn's, as people write a training script: hyperparameters by argparse, folders by SM_*."""

import argparse
import json
import os
import pathlib

import joblib
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_squared_error

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--n-estimators", type=int, default=10)
    parser.add_argument("--max-depth", type=int, default=3)
    parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
    parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
    args = parser.parse_args()

    table = pd.read_csv(pathlib.Path(args.train) / "train.csv", header=None)
    label = table.pop(0)
    model = RandomForestRegressor(args.n_estimators, max_depth=args.max_depth, random_state=0)
    model.fit(table.to_numpy(), label)
    print(f"train:mse={mean_squared_error(label, model.predict(table.to_numpy())):.6f};")
    print(f"hyperparameters {json.loads(os.environ['SM_HPS'])} in {os.getcwd()}")
    joblib.dump(model, os.path.join(args.model_dir, "model.joblib"))
