"""Training jobs' metrics on their way to CloudWatch, under AWS's names, without holding up the jobs."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contender.local.jobs.metrics import Reading

logger = logging.getLogger(__name__)

NAMESPACE = "/aws/sagemaker/TrainingJobs"
PAUSE_S = 0.5
MAX_DATA = 1000
MAX_VALUES = 150
"""How many values one MetricDatum may hold."""

Datum = dict[str, Any]

TRAINED_ON = ("train", "validation")
BUILTIN = (
    "accuracy",
    "aucpr",
    "auc",
    "balanced_accuracy",
    "f1",
    "f1_binary",
    "f1_macro",
    "map",
    "ndcg",
    "precision",
    "precision_macro",
    "precision_micro",
    "r2",
    "recall",
    "recall_macro",
    "recall_micro",
    "aft-nloglik",
    "cox-nloglik",
    "error",
    "gamma-deviance",
    "gamma-nloglik",
    "interval-regression-accuracy",
    "logloss",
    "mae",
    "mape",
    "merror",
    "mlogloss",
    "mphe",
    "mse",
    "poisson-nloglik",
    "rmse",
    "rmsle",
    "tweedie-nloglik",
)

BUILTIN_DEFINITIONS = [
    {"Name": f"{channel}:{metric}", "Regex": rf".*\[[0-9]+\].*#011{channel}-{metric}:(\S+)"}
    for channel in TRAINED_ON
    for metric in BUILTIN
]
"""The built-in algorithm's MetricDefinitions, which AWS shows in the descriptions of jobs that gave none."""


class TrainingMetrics:
    """One thread that sends what jobs hand over, many jobs at a time. What CloudWatch does not take is logged."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client
        self._queue: queue.SimpleQueue[list[Datum]] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def put(self, job: str, readings: Sequence[Reading], now: datetime) -> None:
        if not readings:
            return
        self._queue.put(list(metric_data(job, readings, now)))
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="training-metrics", daemon=True)
                self._thread.start()

    def close(self, timeout_s: float = 3.0) -> None:
        """Send what is there, then stop."""
        self._closing.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            self._queue.put([])
            thread.join(timeout_s)

    def _run(self) -> None:
        while not self._closing.is_set():
            data = self._queue.get()
            self._closing.wait(PAUSE_S)
            while not self._queue.empty():
                data += self._queue.get()
            self._send(data)

    def _send(self, data: Sequence[Datum]) -> None:
        try:
            for start in range(0, len(data), MAX_DATA):
                self._client().put_metric_data(Namespace=NAMESPACE, MetricData=data[start : start + MAX_DATA])
        except (ClientError, BotoCoreError) as error:
            logger.warning("metrics of training jobs are not in CloudWatch: %s", error)


def metric_data(job: str, readings: Iterable[Reading], now: datetime) -> Iterator[Datum]:
    """All values that a job logged, metric by metric, as MetricData of PutMetricData."""
    values: dict[str, list[float]] = {}
    for reading in readings:
        values.setdefault(reading.name, []).append(reading.value)
    for name, found in values.items():
        for start in range(0, len(found), MAX_VALUES):
            yield {
                "MetricName": name,
                "Dimensions": [{"Name": "TrainingJobName", "Value": job}],
                "Timestamp": now,
                "Values": found[start : start + MAX_VALUES],
            }
