"""One analysis from its configuration to its files."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contender.local.containers.clarify.bias import BiasAnalysis
from contender.local.containers.clarify.config import load_config
from contender.local.containers.clarify.dataset import load_dataset

logger = logging.getLogger(__name__)

VERSION = "1.0"
CONFIG_NAME = "analysis_config.json"


@dataclass(frozen=True, slots=True)
class Places:
    """Directories of the job's inputs and output."""

    config: Path
    data: Path
    output: Path


def run(places: Places, environment: Mapping[str, str]) -> None:
    """Write the results into `places.output`. Raises ClarifyError."""
    config = load_config(places.config / CONFIG_NAME, environment.get("model_name", ""))
    dataset = load_dataset(config, places.data)
    analysis: dict[str, Any] = {"version": VERSION}
    if config.pre_training:
        analysis["pre_training_bias_metrics"] = BiasAnalysis(config, dataset).pre_training()
    write_json(places.output / "analysis.json", analysis)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=4, allow_nan=False) + "\n")
