"""The repository's own project on a laptop of its own, driven by its commands: what tests from end to end share.

The laptop enforces roles: what a Lambda may not do fails in these stories as it would on AWS.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from contender.config import load
from contender.demo.main_job import Demo
from contender.naming import Names
from contender.sample_data import COLUMNS, generate
from tests.conftest import REPOSITORY, Clients

ROWS = 1200
PATIENCE_S = 90.0
NAMES = Names("contender")


class Project:
    """The project in `folder` on a laptop in `home`, driven by its commands."""

    def __init__(self, home: Path, folder: Path = REPOSITORY) -> None:
        self.home = home
        self.folder = folder
        # Small and quick: on so few held-out rows an equally good model cannot be shown to be within the usual margin.
        small = {"CONTENDER_TRAINING_ROUNDS": "20", "CONTENDER_GATES_MARGIN": "0.1"}
        self.env = {**os.environ, "CONTENDER_HOME": str(home), **small}
        self.up()

    def deploy(self) -> Project:
        """Stacks and pipelines, by hand."""
        self.contender("deploy")
        self.contender("pipeline", "upsert")
        return self

    @functools.cached_property
    def outputs(self) -> dict[str, str]:
        """Of all stacks that are deployed; their names differ."""
        stacks = self.clients("cloudformation").describe_stacks()["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for stack in stacks for each in stack.get("Outputs", ())}

    def up(self) -> None:
        flags = ["--aws-port", "0", "--sagemaker-port", "0", "--runtime-port", "0", "--enforce-iam", "--no-studio"]
        self.contender("local", "up", *flags)
        self.env |= json.loads(self.contender("local", "env", "--json"))
        self.clients = Clients(self.env)

    def contender(self, *words: str, env: dict[str, str] | None = None) -> str:
        """Run a command; what it printed. A failure shows what it said."""
        command = [sys.executable, "-m", "contender.cli.main", *words]
        done = subprocess.run(command, cwd=self.folder, env={**self.env, **(env or {})}, capture_output=True, text=True)
        assert done.returncode == 0, f"contender {' '.join(words)}: {done.stderr}"
        return done.stdout

    def upload(self, dimension: str, name: str, body: bytes) -> None:
        self.clients("s3").put_object(Bucket=self.outputs["DataBucket"], Key=f"data/{dimension}/{name}", Body=body)

    def keys(self, prefix: str) -> set[str]:
        """Of the bucket of artifacts."""
        pages = self.clients("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.outputs["ArtifactBucket"], Prefix=prefix)
        return {item["Key"] for page in found for item in page.get("Contents", ())}

    def serve(self, dimension: str, body: bytes, name: str) -> None:
        """Upload and wait until the version that comes of it serves."""
        demo = self.demo()
        before = demo.before([dimension])
        self.upload(dimension, name, body)
        assert not demo.serve_newer([dimension], before, PATIENCE_S).failures

    def demo(self) -> Demo:
        clients = self.clients
        return Demo(
            load(self.folder / "contender.yaml", environ={}),
            self.outputs["DataBucket"],
            clients("sagemaker"),
            clients("sagemaker-runtime"),
            clients("s3"),
            lambda line: None,
        )

    def executions(self, dimension: str) -> list[dict[str, Any]]:
        """Described executions of a dimension, oldest first."""
        sagemaker = self.clients("sagemaker")
        pages = sagemaker.get_paginator("list_pipeline_executions").paginate(
            PipelineName=NAMES.pipeline, SortOrder="Ascending"
        )
        found = [summary for page in pages for summary in page["PipelineExecutionSummaries"]]
        return [
            sagemaker.describe_pipeline_execution(PipelineExecutionArn=summary["PipelineExecutionArn"])
            for summary in found
            if summary["PipelineExecutionDisplayName"].rpartition("-")[0] == dimension
        ]

    def steps(self, execution: str) -> dict[str, dict[str, Any]]:
        answer = self.clients("sagemaker").list_pipeline_execution_steps(PipelineExecutionArn=execution)
        return {step["StepName"]: step for step in answer["PipelineExecutionSteps"]}

    def invoke(self, dimension: str, body: str, content_type: str = "text/csv", accept: str = "text/csv") -> str:
        answer = self.clients("sagemaker-runtime").invoke_endpoint(
            EndpointName=NAMES.endpoint(dimension), Body=body, ContentType=content_type, Accept=accept
        )
        return str(answer["Body"].read().decode())


def until(holds: Callable[[], Any], what: str) -> Any:
    """What `holds` answers as soon as that is true."""
    give_up = time.monotonic() + PATIENCE_S
    while not (found := holds()):
        assert time.monotonic() < give_up, f"waited {PATIENCE_S:.0f} s: {what}"
        time.sleep(0.1)
    return found


def table(dimension: str, seed: int, rows: int = ROWS) -> bytes:
    return as_csv([list(COLUMNS), *generate(dimension, rows, seed)])


def as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
