"""The whole pipeline with a search of ten trials: every check, the batch transform, the explanation, the roll-out.

For the share of time outside the scripts one dimension runs alone: what is left of an execution when the moments in
which a job's own process ran are taken away. The server's log says when each process ended, and after how long.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3

from bench.figure import Figure
from contender.local.launcher.laptop import Laptop, Ports

TRIALS = 10
DIMENSIONS = 3
SEED = 7
ENDED = re.compile(r"^(\S+ \S+) INFO contender\.local\.jobs\.process: .* after ([\d.]+) s$", re.MULTILINE)

Interval = tuple[datetime, datetime]


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as home:
        seconds, _, _ = play(Path(home), DIMENSIONS)
    for lap in ("first", "second"):
        each = seconds[f"{lap}_upload"] / DIMENSIONS
        yield Figure(f"every step, {TRIALS} trials, {DIMENSIONS} at once, {lap} upload: a dimension", each, "s")
    with tempfile.TemporaryDirectory() as home:
        seconds, executions, scripts = play(Path(home), 1)
    for lap, execution in zip(("first", "second"), executions, strict=True):
        whole, inside = length([execution]), length(clip(scripts, execution))
        yield Figure(f"one dimension alone, {lap} execution", whole, "s")
        yield Figure("of it outside the scripts", 100 * (1 - inside / whole), "%")


def play(home: Path, dimensions: int) -> tuple[Mapping[str, Any], list[Interval], list[Interval]]:
    """Seconds of the demo's parts, and when its executions and its jobs' processes ran, oldest first."""
    laptop = Laptop(home)
    laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
    try:
        words = ["demo", "--json", "--keep", "--home", str(home), "--dimensions", str(dimensions), "--seed", str(SEED)]
        env = {**os.environ, "CONTENDER_TRAINING_TUNING_TRIALS": str(TRIALS)}
        done = subprocess.run(
            [sys.executable, "-m", "contender.cli.main", *words], check=True, stdout=subprocess.PIPE, env=env
        )
        executions = sorted(executed(laptop.env()["AWS_ENDPOINT_URL_SAGEMAKER"]))
        log = (home / "logs" / "sagemaker.log").read_text(encoding="utf-8")
    finally:
        laptop.down()
    return json.loads(done.stdout)["seconds"], executions, sorted(processes(log))


def executed(url: str) -> Iterator[Interval]:
    sagemaker = boto3.client(
        "sagemaker", "us-east-1", endpoint_url=url, aws_access_key_id="test", aws_secret_access_key="test"
    )
    for pipeline in sagemaker.list_pipelines()["PipelineSummaries"]:
        answer = sagemaker.list_pipeline_executions(PipelineName=pipeline["PipelineName"])
        for summary in answer["PipelineExecutionSummaries"]:
            arn = summary["PipelineExecutionArn"]
            described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            yield described["CreationTime"], described["LastModifiedTime"]


def processes(log: str) -> Iterator[Interval]:
    for match in ENDED.finditer(log):
        ended = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S,%f").astimezone()
        yield ended - timedelta(seconds=float(match[2])), ended


def clip(intervals: Iterable[Interval], whole: Interval) -> list[Interval]:
    return [
        (max(start, whole[0]), min(end, whole[1])) for start, end in intervals if start < whole[1] and end > whole[0]
    ]


def length(intervals: Iterable[Interval]) -> float:
    """Seconds in which at least one of the intervals, sorted by their start, was under way."""
    total, covered = timedelta(), None
    for start, end in intervals:
        begin = start if covered is None else max(start, covered)
        if end > begin:
            total += end - begin
            covered = end
    return total.total_seconds()
