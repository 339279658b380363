"""Jobs: what a step costs above its script's own work, and a tuning against a bare loop that does the same fits."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import numpy as np
from botocore.config import Config

from bench.figure import Figure
from contender.local.launcher.laptop import Laptop, Ports

IMAGES = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
SKLEARN = f"{IMAGES}/sagemaker-scikit-learn:1.2-1-cpu-py3"
XGBOOST = f"{IMAGES}/sagemaker-xgboost:3.0-5"
ROLE = "arn:aws:iam::000000000000:role/bench"
BUCKET = "bench-jobs"
RESOURCES = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
STATIC = {"num_round": "100", "max_depth": "5", "objective": "binary:logistic", "eval_metric": "auc"}
ROWS, HELD_OUT, FEATURES = 3500, 700, 70
STEPS, ROUNDS, TRIALS, PARALLEL = 9, 5, 10, 2

SCRIPT = """
import time
began = time.perf_counter()
import pandas as pd
rows = pd.read_csv("/opt/ml/processing/input/data/train.csv", header=None)
rows.to_csv("/opt/ml/processing/output/rows.csv", index=False)
open("/opt/ml/output/message", "w").write(str(time.perf_counter() - began))
"""

BARE_LOOP = """
import json, multiprocessing, sys, time
import pandas, xgboost

train, held_out, static, parallel, etas = json.loads(sys.argv[1])

def matrix(path):
    rows = pandas.read_csv(path, header=None, dtype="float32").to_numpy()
    return xgboost.DMatrix(rows[:, 1:], label=rows[:, 0], nthread=1)

def read():
    global watched
    watched = [(matrix(train), "train"), (matrix(held_out), "validation")]

def fit(eta):
    parameters = {**static, "eta": eta, "nthread": 1}
    rounds = int(parameters.pop("num_round"))
    booster = xgboost.train(parameters, watched[0][0], rounds, evals=watched, verbose_eval=False)
    return len(booster.save_raw("ubj"))

if __name__ == "__main__":
    began = time.perf_counter()
    with multiprocessing.get_context("fork").Pool(parallel, read) as pool:
        pool.map(fit, etas, chunksize=1)
        print(time.perf_counter() - began)
"""


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as home:
        laptop = Laptop(Path(home) / "home")
        laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
        try:
            yield from _measure(Bench(laptop.env(), Path(home)))
        finally:
            laptop.down()


def _measure(bench: Bench) -> Iterator[Figure]:
    bench.process("warm-up")
    costs = [bench.process(f"step-{number}") for number in range(STEPS)]
    yield Figure("processing step above its script's own work (median)", statistics.median(costs), "s", bound=0.15)
    yield Figure("  the slowest of them", max(costs), "s")
    bench.train("warm-up-training")
    seconds = statistics.median(bench.train(f"training-{number}") for number in range(STEPS))
    fit = statistics.median(bench.bare_loop([0.2], 1) for _ in range(STEPS))
    yield Figure("training step above reading and fitting alone (median)", seconds - fit, "s", bound=0.15)
    pairs = [bench.tuning_and_bare_loop(f"tuning-{number}") for number in range(ROUNDS)]
    tuning, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
    yield Figure(f"tuning of {TRIALS} trials, {PARALLEL} at once (median)", tuning, "s")
    yield Figure("  bare loop with the same fits in as many processes (median)", bare, "s")
    yield Figure("  tuning / bare loop (median of pairs)", statistics.median(a / b for a, b in pairs), "×", bound=1.5)


class Bench:
    """Jobs on a laptop, timed by what the service itself says."""

    def __init__(self, env: Mapping[str, str], work: Path) -> None:
        self._sagemaker = _client("sagemaker", env["AWS_ENDPOINT_URL_SAGEMAKER"])
        self._s3 = _client("s3", env["AWS_ENDPOINT_URL"])
        self._s3.create_bucket(Bucket=BUCKET)
        self._train, self._held_out = work / "train.csv", work / "validation.csv"
        _write_rows(self._train, ROWS, 0)
        _write_rows(self._held_out, HELD_OUT, 1)
        for path in (self._train, self._held_out):
            self._s3.upload_file(str(path), BUCKET, f"data/{path.name}")
        self._s3.put_object(Bucket=BUCKET, Key="code/main.py", Body=SCRIPT)

    def process(self, name: str) -> float:
        """Seconds from the request to the job's end, without those that the script itself ran."""
        self._sagemaker.create_processing_job(
            ProcessingJobName=name,
            RoleArn=ROLE,
            AppSpecification={
                "ImageUri": SKLEARN,
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/main.py"],
            },
            ProcessingInputs=[_input("code", "code/main.py"), _input("data", "data/train.csv")],
            ProcessingOutputConfig={
                "Outputs": [
                    {
                        "OutputName": "rows",
                        "S3Output": {
                            "S3Uri": f"s3://{BUCKET}/out/{name}",
                            "LocalPath": "/opt/ml/processing/output",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ]
            },
            ProcessingResources={"ClusterConfig": RESOURCES},
        )
        job = self._wait("describe_processing_job", "ProcessingJob", name)
        return _seconds(job, "ProcessingEndTime") - float(job["ExitMessage"])

    def train(self, name: str) -> float:
        self._sagemaker.create_training_job(
            TrainingJobName=name, HyperParameters={**STATIC, "eta": "0.2"}, **self._definition()
        )
        return _seconds(self._wait("describe_training_job", "TrainingJob", name), "TrainingEndTime")

    def tuning_and_bare_loop(self, name: str) -> tuple[float, float]:
        """Seconds of a random search, and of the same fits without any system around them."""
        self._sagemaker.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name,
            HyperParameterTuningJobConfig={
                "Strategy": "Random",
                "RandomSeed": 1,
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": TRIALS, "MaxParallelTrainingJobs": PARALLEL},
                "ParameterRanges": {
                    "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.05", "MaxValue": "0.4"}]
                },
            },
            TrainingJobDefinition={"StaticHyperParameters": STATIC, **self._definition()},
        )
        job = self._wait("describe_hyper_parameter_tuning_job", "HyperParameterTuningJob", name)
        trials = self._sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name, MaxResults=TRIALS
        )["TrainingJobSummaries"]
        etas = [float(trial["TunedHyperParameters"]["eta"]) for trial in trials]
        return _seconds(job, "HyperParameterTuningEndTime"), self.bare_loop(etas, PARALLEL)

    def bare_loop(self, etas: Sequence[float], parallel: int) -> float:
        asked = json.dumps([str(self._train), str(self._held_out), STATIC, parallel, list(etas)])
        done = subprocess.run([sys.executable, "-c", BARE_LOOP, asked], check=True, stdout=subprocess.PIPE)
        return float(done.stdout)

    def _definition(self) -> dict[str, Any]:
        return {
            "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "InputDataConfig": [_channel("train"), _channel("validation")],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
            "ResourceConfig": RESOURCES,
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        }

    def _wait(self, operation: str, prefix: str, name: str) -> dict[str, Any]:
        while True:
            job: dict[str, Any] = getattr(self._sagemaker, operation)(**{f"{prefix}Name": name})
            status = job[f"{prefix}Status"]
            if status == "Completed":
                return job
            if status not in ("InProgress", "Stopping"):
                raise RuntimeError(f"{name}: {status}: {job.get('FailureReason')}")
            time.sleep(0.25)


def _seconds(job: Mapping[str, Any], end: str) -> float:
    seconds: float = (job[end] - job["CreationTime"]).total_seconds()
    return seconds


def _write_rows(path: Path, rows: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, FEATURES)).round(3)
    features[:, 20:] = features[:, 20:] > 1
    label = features[:, :5].sum(axis=1) + random.normal(size=rows) > 0
    np.savetxt(path, np.column_stack([label, features]), fmt="%g", delimiter=",")


def _input(name: str, key: str) -> dict[str, Any]:
    source = {"S3Uri": f"s3://{BUCKET}/{key}", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": {**source, "LocalPath": f"/opt/ml/processing/input/{name}"}}


def _channel(name: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data/{name}.csv"}
    return {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}


def _client(service: str, url: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )
