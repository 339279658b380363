"""What the data is, and how a model is made of it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from contender.config.hyperparameters import HYPERPARAMETERS, INTEGERS, OURS
from contender.config.nearest import nearest
from contender.config.sections.section import Columns, InstanceType, Section, Share


def _number_or_word(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("should be a number or a word")
    return value


Range = Annotated[tuple[float, float], Field(strict=False)]
Hyperparameter = Annotated[int | float | str, BeforeValidator(_number_or_word)]


class Data(Section):
    """What the uploaded CSV files hold."""

    prefix: str = Field(default="data/", pattern=r"^([A-Za-z0-9._-]+/)+$")
    """Where uploads go in the data bucket: `<prefix><dimension>/<file>.csv`."""
    label: str = Field(default="Churn?", min_length=1)
    """Column to predict; it has exactly two values."""
    positive: str = Field(default="True.", min_length=1)
    """The label's value that a model gives the probability of."""
    dimension_column: str | None = None
    """Column that names the dimension, if the files have one: constant within a file, so no feature."""
    drop: Columns = ()
    """Columns that are no features: identifiers, free text, what is known only afterwards."""
    categorical: Columns = ()
    """Columns of numbers that are codes. Columns of text are categories anyway."""
    split_by: Columns = ()
    """Rows alike in these columns stay in one split, in every upload; empty: the whole row decides."""
    validation_share: Share = 0.15
    """Share of rows that tuning looks at."""
    test_share: Share = 0.15
    """Share of rows that challenger and champion are compared on; no model is ever trained on them.

    Raise neither share while a champion serves: rows it was trained on would come to judge it.
    """

    @model_validator(mode="after")
    def _rows_are_left_to_train_on(self) -> Data:
        if self.validation_share + self.test_share >= 0.9:
            raise ValueError("validation_share and test_share together leave less than a tenth of the rows to train on")
        return self


class Training(Section):
    """How a model is made: XGBoost's built-in algorithm."""

    rounds: int = Field(default=100, ge=1, le=100_000)
    """Boosting rounds (the algorithm's num_round)."""
    hyperparameters: dict[str, Hyperparameter] = Field(
        default={"max_depth": 5, "eta": 0.2, "min_child_weight": 1, "subsample": 0.8, "seed": 0}
    )
    """The algorithm's own names and values."""
    tuning_trials: int = Field(default=0, ge=0, le=500)
    """Trainings to search with; 0 trains once with the hyperparameters above."""
    tuning_parallel: int = Field(default=2, ge=1, le=100)
    """Trainings of a search at the same time."""
    tuning_ranges: dict[str, Range] = Field(
        default={"eta": (0.05, 0.5), "max_depth": (3.0, 9.0), "subsample": (0.5, 1.0)}
    )
    """Lowest and highest value of each hyperparameter that is searched."""
    warm_start: bool = True
    """Whether a search begins from what the dimension's previous one found."""
    instance_type: InstanceType = "ml.m5.large"
    max_runtime_s: int = Field(default=3600, ge=60, le=432_000)
    """A training is stopped after this many seconds."""

    @model_validator(mode="after")
    def _hyperparameters_exist(self) -> Training:
        for place, names in (("hyperparameters", self.hyperparameters), ("tuning_ranges", self.tuning_ranges)):
            for name in names:
                if name in OURS:
                    raise ValueError(f"{place}.{name} is not yours to set: {OURS[name]}")
                if name not in HYPERPARAMETERS:
                    raise ValueError(f"{place}.{name} is no hyperparameter of XGBoost{nearest(name, HYPERPARAMETERS)}")
        for name, (low, high) in self.tuning_ranges.items():
            if not low < high:
                raise ValueError(f"tuning_ranges.{name} runs from {low:g} to {high:g}: the lower value comes first")
            if name in INTEGERS and not (low.is_integer() and high.is_integer()):
                raise ValueError(f"tuning_ranges.{name} needs whole numbers")
        if self.tuning_trials and not self.tuning_ranges:
            raise ValueError("tuning_trials needs tuning_ranges to search in")
        if self.tuning_trials and "auc" not in str(self.hyperparameters.get("eval_metric", "auc")).split(","):
            raise ValueError("hyperparameters.eval_metric lacks auc, which tuning_trials are compared by")
        return self


class Processing(Section):
    """The jobs that prepare, pack and evaluate."""

    instance_type: InstanceType = "ml.m5.large"
    max_runtime_s: int = Field(default=3600, ge=60, le=432_000)
