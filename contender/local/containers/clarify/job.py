"""One analysis from its configuration to its files."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contender.local.containers.clarify import drift
from contender.local.containers.clarify.bias import BiasAnalysis
from contender.local.containers.clarify.columns import Rows
from contender.local.containers.clarify.config import AnalysisConfig, ExtraDataset, Facet, PredictorConfig, load_config
from contender.local.containers.clarify.dataset import Dataset, load_dataset, with_extra
from contender.local.containers.clarify.errors import ClarifyError
from contender.local.containers.clarify.model_cells import ModelCells
from contender.local.containers.clarify.predictions import positive_in_answers, positive_in_column
from contender.local.containers.clarify.predictor import Predictor, open_model
from contender.local.containers.clarify.report import write_report
from contender.local.containers.clarify.storage import download
from contender.local.containers.inference import Model

logger = logging.getLogger(__name__)

VERSION = "1.0"
CONFIG_NAME = "analysis_config.json"
OpenModel = Callable[[PredictorConfig], Model]

BASELINE_VARIABLE = "baseline_constraints"
MODEL_VARIABLE = "model_name"


@dataclass(frozen=True, slots=True)
class Places:
    """Directories of the job's inputs and output."""

    config: Path
    data: Path
    output: Path


def run(places: Places, environment: Mapping[str, str], open_model: OpenModel = open_model) -> None:
    """Write the results into `places.output`. Raises ClarifyError.

    `environment` may name the model of a check, and the analysis.json that it compares with.
    """
    config = load_config(places.config / CONFIG_NAME, environment.get(MODEL_VARIABLE, ""))
    given = environment.get(BASELINE_VARIABLE)
    baseline = drift.load_baseline(Path(given)) if given else None
    dataset, config = _dataset(config, places.data)
    logger.info("dataset: %d rows, %d features", len(dataset.cells), len(dataset.features))
    bias = BiasAnalysis(config, dataset) if config.pre_training or config.post_training else None
    analysis: dict[str, Any] = {"version": VERSION}
    if bias is not None and config.pre_training:
        analysis["pre_training_bias_metrics"] = bias.pre_training()
    predictor = None
    if config.needs_model and config.predictor is not None:
        predictor = Predictor(config.predictor, open_model(config.predictor), dataset.features)
    if bias is not None and config.post_training:
        analysis["post_training_bias_metrics"] = bias.post_training(_predicted(config, dataset, bias, predictor))
    if predictor is not None and (config.shap or config.pdp):
        analysis["explanations"] = _explanations(config, dataset, predictor, places.output)
    write_json(places.output / "analysis.json", analysis)
    found = None if baseline is None else drift.violations(analysis, baseline)
    if found is not None:
        write_json(places.output / "constraint_violations.json", found)
        for violation in found["violations"]:
            logger.warning("violation: %s", violation["description"])
        logger.info("%d violation(s) of the baseline", len(found["violations"]))
    if config.report is not None:
        path = write_report(config.report, analysis, found, places.output)
        logger.info("report: %s (report.pdf and report.ipynb are not made on this machine)", path.name)


def _dataset(config: AnalysisConfig, data: Path) -> tuple[Dataset, AnalysisConfig]:
    """The dataset with the columns of the facets' and the predicted labels' own files, which are no features."""
    if config.dataset_uri:
        data = download(config.dataset_uri, Path(tempfile.mkdtemp(prefix="clarify-data-")), "dataset_uri")
    dataset = load_dataset(config, data)
    if config.facet_dataset:
        dataset, names = _extended(dataset, config.facet_dataset, "facet_dataset_uri")
        # an index counts the columns of the facets' own files
        facets = (
            Facet(names[each.column], each.values)
            if isinstance(each.column, int) and each.column < len(names)
            else each
            for each in config.facets
        )
        config = replace(config, facets=tuple(facets))
    if config.predicted_label_dataset:
        dataset, names = _extended(dataset, config.predicted_label_dataset, "predicted_label_dataset_uri")
        if len(names) != 1:
            raise ClarifyError(f"predicted_label_dataset_uri has {len(names)} columns; it must have the labels alone")
        dataset = replace(dataset, predicted_label=names[0])
    return dataset, config


def _extended(dataset: Dataset, extra: ExtraDataset, what: str) -> tuple[Dataset, list[str]]:
    folder = download(extra.uri, Path(tempfile.mkdtemp(prefix="clarify-data-")), what)
    return with_extra(dataset, extra, folder, what)


def _predicted(config: AnalysisConfig, dataset: Dataset, bias: BiasAnalysis, predictor: Predictor | None) -> Rows:
    if dataset.predicted_label is not None:
        return positive_in_column(bias, dataset.cells[dataset.predicted_label])
    assert predictor is not None
    return positive_in_answers(config, bias, predictor.predict(ModelCells(dataset, predictor).rows))


def _explanations(config: AnalysisConfig, dataset: Dataset, predictor: Predictor, output: Path) -> dict[str, Any]:
    # imported here: the SHAP library alone takes half a second, which an analysis of bias need not wait for
    from contender.local.containers.clarify.explanations import shap_values
    from contender.local.containers.clarify.pdp import partial_dependence

    explanations: dict[str, Any] = {}
    ranking: list[str] = []
    if config.shap is not None:
        found = explanations["kernel_shap"] = shap_values(config, config.shap, dataset, predictor, output)
        totals: dict[str, float] = {}
        for section in found.values():
            for name, value in section["global_shap_values"].items():
                totals[name] = totals.get(name, 0.0) + abs(value)
        ranking = sorted(totals, key=lambda name: -totals[name])
    if config.pdp is not None:
        explanations["pdp"] = partial_dependence(config.pdp, dataset, predictor, ranking)
    return explanations


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=4, allow_nan=False) + "\n")
