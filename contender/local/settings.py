"""Where this SageMaker lives and what it may use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """Frozen settings of one server; ports are on 127.0.0.1.

    `aws_url` is where the rest of AWS answers (MiniStack); `max_executions` is AWS's default quota of pipeline
    executions at once; `job_slots` is how many job processes run at once.
    """

    home: Path
    aws_url: str
    port: int = 4567
    runtime_port: int = 4568
    account: str = "000000000000"
    region: str = "us-east-1"
    max_executions: int = 20
    job_slots: int = 2

    @property
    def database(self) -> Path:
        return self.home / "sagemaker.sqlite"
