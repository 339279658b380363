"""How files of rows are scored that are dropped into a bucket."""

from __future__ import annotations

from pydantic import Field

from contender.config.sections.section import Section


class Inference(Section):
    """Files of rows to predictions: docs/inference.md."""

    enabled: bool = True
    """Whether the bucket for such files, its queues, Lambdas and table are deployed."""
    max_file_mb: float = Field(default=50, gt=0, le=500)
    """Megabytes: larger files are scored by the batch pipeline instead of the endpoint."""
    rows_per_message: int = Field(default=1000, ge=1, le=5000)
    """Rows that are asked for in one request."""
    keep_days: int = Field(default=365, ge=0, le=3650)
    """How long predictions stay in the table; 0 is for good."""
