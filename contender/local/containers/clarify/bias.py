"""The bias sections of analysis.json: every metric for every facet."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from contender.local.containers.clarify import posttraining, pretraining
from contender.local.containers.clarify.columns import Group, Rows, among, each_value, is_continuous, select, typed
from contender.local.containers.clarify.config import AnalysisConfig, Facet
from contender.local.containers.clarify.counts import Undefined
from contender.local.containers.clarify.dataset import Dataset
from contender.local.containers.clarify.errors import ClarifyError

logger = logging.getLogger(__name__)

Section = dict[str, Any]


class BiasAnalysis:
    """A data set seen by its label and its facets. Raises ClarifyError for a label or a facet that cannot be used."""

    def __init__(self, config: AnalysisConfig, dataset: Dataset) -> None:
        if dataset.label is None:
            raise ClarifyError("the dataset has no label, which bias metrics need")
        self._config = config
        self.label_name = dataset.label
        self.label = _column(dataset, dataset.label, "label")
        self.positive = _positive(self.label, config)
        self._facets = [_facet(dataset, facet) for facet in config.facets]
        self._groups = _groups(config, dataset)
        self._features = list(dataset.features)
        self._cells = dataset.cells

    @property
    def regression(self) -> bool:
        """The label is a quantity: predictions are compared with the threshold, not with classes."""
        return is_continuous(self.label, self._config.label_values)

    def is_positive(self, labels: pd.Series[Any]) -> Rows:
        """Which of other labels, such as predicted ones, are positive by the same values."""
        if self.regression:
            return np.asarray(labels > float(self._config.label_values[0]), dtype=bool)
        return among(labels, self._config.label_values)

    def pre_training(self) -> Section:
        def compute(name: str, sensitive: Rows, facet: str) -> float:
            return pretraining.compute(name, sensitive, self.positive.rows, self._groups)

        return self._section(self._config.pre_training, pretraining.DESCRIPTIONS, compute)

    def post_training(self, predicted: Rows) -> Section:
        """`predicted` tells which rows the model predicts as positive."""
        if not predicted.any():
            raise ClarifyError(
                f"No Label values are present in the predicted Label Column: the model predicts none of the "
                f"{len(predicted)} rows as {self.label_name} {self.positive.name}"
            )
        frames: dict[str, pd.DataFrame] = {}

        def compute(name: str, sensitive: Rows, facet: str) -> float:
            if name == "FT" and facet not in frames:
                others = [each for each in self._features if each not in (facet, self.label_name)]
                frames[facet] = pd.DataFrame({each: typed(self._cells[each]) for each in others})
            features = frames.get(facet, pd.DataFrame())
            return posttraining.compute(name, sensitive, self.positive.rows, predicted, self._groups, features)

        return self._section(self._config.post_training, posttraining.DESCRIPTIONS, compute)

    def _section(
        self,
        metrics: Sequence[str],
        descriptions: Mapping[str, str],
        compute: Callable[[str, Rows, str], float],
    ) -> Section:
        facets: dict[str, list[Section]] = {}
        for facet, groups in self._facets:
            for group in groups:
                found = [_metric(name, descriptions[name], compute, group.rows, facet) for name in metrics]
                facets.setdefault(facet, []).append({"value_or_threshold": group.name, "metrics": found})
        return {"label": self.label_name, "facets": facets, "label_value_or_threshold": self.positive.name}


def _metric(name: str, description: str, compute: Callable[[str, Rows, str], float], rows: Rows, facet: str) -> Section:
    try:
        value = compute(name, rows, facet)
    except Undefined as error:
        return {"name": name, "description": description, "value": None, "error": str(error)}
    # JSON has no infinity; AWS writes it as text
    written: float | str = value if math.isfinite(value) else f"{'-' if value < 0 else ''}Infinity"
    return {"name": name, "description": description, "value": written}


def _column(dataset: Dataset, name: str, what: str) -> pd.Series[Any]:
    """Raises ClarifyError for a column without a value."""
    column = typed(dataset.cells[name])
    if column.isna().all():
        raise ClarifyError(f"the {what} {name!r} has no value in any row")
    return column


def _positive(label: pd.Series[Any], config: AnalysisConfig) -> Group:
    group = select(label, config.label_values)
    logger.info("label %s: positive is %s, %d of %d rows", label.name, group.name, group.rows.sum(), len(label))
    if missing := int(label.isna().sum()):
        logger.warning("label %s: %d rows without a value count as not positive", label.name, missing)
    if not group.rows.any():
        values = ", ".join(map(str, label.dropna().unique()[:10]))
        raise ClarifyError(
            f"the label {label.name!r} has no row that label_values_or_threshold {list(config.label_values)} calls "
            f"positive; its values are {values}"
        )
    if group.rows.all():
        raise ClarifyError(
            f"the label {label.name!r} has one class: all {len(label)} rows are positive ({group.name}), so there is "
            "no bias to measure"
        )
    return group


def _facet(dataset: Dataset, facet: Facet) -> tuple[str, list[Group]]:
    name = dataset.column(facet.column, "facet")
    if name == dataset.label:
        raise ClarifyError(f"the facet {name!r} is the label itself")
    column = _column(dataset, name, "facet")
    if not facet.values:
        if is_continuous(column, ()):
            raise ClarifyError(
                f"Threshold values must be provided for continuous features: the facet {name!r} holds "
                f"{column.nunique()} different numbers; give value_or_threshold"
            )
        return name, each_value(column)
    group = select(column, facet.values)
    logger.info("facet %s: sensitive is %s, %d of %d rows", name, group.name, group.rows.sum(), len(column))
    if missing := int(column.isna().sum()):
        logger.warning("facet %s: %d rows without a value count as not sensitive", name, missing)
    return name, [group]


def _groups(config: AnalysisConfig, dataset: Dataset) -> dict[str, Rows]:
    if config.group_variable is None:
        return {}
    column = typed(dataset.cells[dataset.column(config.group_variable, "group_variable")])
    return {str(value): np.asarray(column == value, dtype=bool) for value in column.dropna().unique()}
