"""What contender.yaml may hold: its sections, their defaults, and what is refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from contender.config.hyperparameters import HYPERPARAMETERS, INTEGERS, OURS
from contender.config.nearest import nearest

OUR_TAGS = ("project", "dimension")


def _number_or_word(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("should be a number or a word")
    return value


def _number_or_text(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or value == "":
        raise ValueError(f"should be a number or text, not {value!r}: write text in quotes, as the data spells it")
    return value


Share = Annotated[float, Field(gt=0, lt=1)]
Columns = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)]
Range = Annotated[tuple[float, float], Field(strict=False)]
Hyperparameter = Annotated[int | float | str, BeforeValidator(_number_or_word)]
FacetValue = Annotated[int | float | str, BeforeValidator(_number_or_text)]
FacetValues = Annotated[tuple[FacetValue, ...], Field(strict=False)]
TagKey = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\w .:/=+@-]+$")]
TagValue = Annotated[str, Field(max_length=256, pattern=r"^[\w .:/=+@-]*$")]


class Section(BaseModel):
    """Keys with values; one that it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


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
    hyperparameters: dict[str, Hyperparameter] = {
        "max_depth": 5,
        "eta": 0.2,
        "min_child_weight": 1,
        "subsample": 0.8,
        "seed": 0,
    }
    """The algorithm's own names and values."""
    tuning_trials: int = Field(default=0, ge=0, le=500)
    """Trainings to search with; 0 trains once with the hyperparameters above."""
    tuning_parallel: int = Field(default=2, ge=1, le=100)
    """Trainings of a search at the same time."""
    tuning_ranges: dict[str, Range] = {"eta": (0.05, 0.5), "max_depth": (3.0, 9.0), "subsample": (0.5, 1.0)}
    """Lowest and highest value of each hyperparameter that is searched."""
    warm_start: bool = True
    """Whether a search begins from what the dimension's previous one found."""
    instance_type: str = Field(default="ml.m5.large", pattern=r"^ml\.")
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


class BiasLimit(Section):
    """How differently a challenger may answer a group of the held-out rows and everyone else."""

    limit: float | None = Field(default=None, ge=0, lt=1)
    """How far the metric may be from none, either way: 0.1 of a difference is 10 points; of DI, 0.2 asks that the
    smaller share of yes is at least four fifths of the larger. null: no rule."""
    metric: Literal["DPPL", "DI", "AD", "RD"] = "DPPL"
    """Clarify's: difference of the shares of yes, their ratio, difference of accuracy, or of recall."""
    facet: str | None = Field(default=None, min_length=1)
    """Column that tells the group apart; null takes column and values of checks.bias."""
    facet_values: FacetValues = ()
    """The group's values, or the one number above which a row belongs to it."""

    @model_validator(mode="after")
    def _facet_and_values_come_together(self) -> BiasLimit:
        if bool(self.facet) != bool(self.facet_values):
            raise ValueError("facet and facet_values go together: name the column and the group's values, or neither")
        return self


class Gates(Section):
    """What a challenger must reach on the held-out rows to be registered."""

    min_auc: float = Field(default=0.75, ge=0, le=1)
    margin: float = Field(default=0.02, gt=0, le=1)
    """AUC that it may lose against the champion: one that may have lost more is refused, also if that is for want of
    rows. By default an equally good one passes nine times in ten from about 300 held-out rows on where models have an
    AUC of 0.97, and from about 600 on at 0.9."""
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """How often one that loses the whole margin passes by chance."""
    max_latency_ms: float | None = Field(default=None, gt=0)
    """Median time in which the artifact's own code answers one row, on the processing instance, warm, without network.
    null: not measured."""
    max_size_mb: float | None = Field(default=None, gt=0)
    """Of the packed artifact; a megabyte has 1,000,000 bytes. null: no rule."""
    bias: BiasLimit = BiasLimit()


class QualityCheck(Section):
    """One check against the baseline of the last approved version."""

    fail_on_violation: bool
    """Whether a violation ends the execution; otherwise it is reported with the version."""


class DataQuality(QualityCheck):
    """The training rows' columns: types, missing values, categories, distributions."""

    fail_on_violation: bool = True


class ModelQuality(QualityCheck):
    """The challenger's figures on the test rows. The Gate is their judge: the constraint that Model Monitor suggests is
    the baseline's own figure, which an equally good model misses as often as not."""

    fail_on_violation: bool = False


class BiasViolations(Section):
    """Which of the two bias checks end the execution. Clarify calls every step farther from balance a violation, and
    in another sample of the same people half of all metrics take one."""

    data: bool = False
    """Bias in the training rows, before any model."""
    model: bool = False
    """Bias in the challenger's answers to the test rows."""


class Bias(Section):
    """How rows and answers differ between a facet's group and everyone else."""

    facet: str | None = Field(default=None, min_length=1)
    """Column that tells the groups apart; null leaves the bias steps out. It may be one that data.drop lists."""
    facet_values: FacetValues = ()
    """The group's values, or for a column of numbers the one number above which a row belongs to it; empty: each value
    is compared with all others."""
    group: str | None = Field(default=None, min_length=1)
    """Column of strata for the conditional metrics (CDDL, CDDPL); null leaves those out."""
    fail_on_violation: BiasViolations = BiasViolations()

    @model_validator(mode="after")
    def _values_belong_to_a_facet(self) -> Bias:
        if self.facet is None and (self.facet_values or self.group):
            raise ValueError("facet is not set, so facet_values and group say nothing: name the column")
        if self.facet is not None and self.facet == self.group:
            raise ValueError(f"facet and group are both {self.facet!r}: strata must be of another column")
        return self


class Explainability(QualityCheck):
    """Which columns the challenger's answers come from: SHAP values, and whether their order has changed."""

    fail_on_violation: bool = False
    rows: int = Field(default=100, ge=10, le=10_000)
    """Test rows that are explained."""
    samples: int = Field(default=256, ge=10, le=100_000)
    """Answers asked of the model for each of those rows."""


class Checks(Section):
    """The checks of data and model, and the jobs that do them."""

    data_quality: DataQuality = DataQuality()
    model_quality: ModelQuality = ModelQuality()
    bias: Bias = Bias()
    explainability: Explainability = Explainability()
    instance_type: str = Field(default="ml.m5.xlarge", pattern=r"^ml\.")
    model_instance_type: str = Field(default="ml.m5.large", pattern=r"^ml\.")
    """Where the challenger answers while it is checked: the batch transform, and Clarify's own short-lived endpoint."""
    max_runtime_s: int = Field(default=3600, ge=60, le=432_000)


class Processing(Section):
    """The jobs that prepare, pack and evaluate."""

    instance_type: str = Field(default="ml.m5.large", pattern=r"^ml\.")
    max_runtime_s: int = Field(default=3600, ge=60, le=432_000)


class Endpoint(Section):
    """What serves a dimension."""

    instance_type: str = Field(default="ml.m5.large", pattern=r"^ml\.")
    instance_count: int = Field(default=1, ge=1, le=100)
    """Instances of each variant."""
    challenger_share: Share = 0.1
    """A new challenger's first share of the traffic."""
    max_challengers: int = Field(default=3, ge=1, le=9)
    """Challengers beside a champion; one more and the oldest leaves."""


class Settings(Section):
    """Everything a project can set."""

    project: str = Field(default="contender", pattern=r"^[a-z][a-z0-9]{0,19}$")
    """First part of every name on AWS."""
    region: str = Field(default="us-east-1", pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    pipeline: str = Field(default="pipelines.train", pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")
    """The module, found from the project's folder, that compiles the pipeline."""
    batch_pipeline: str = Field(default="pipelines.batch", pattern=r"^([A-Za-z_]\w*(\.[A-Za-z_]\w*)*)?$")
    """The module that compiles the pipeline for scoring files; empty: the project has none."""
    approval: Literal["automatic", "manual"] = "automatic"
    """Whether a registered challenger is deployed at once or waits for someone's approval in the registry."""
    data: Data = Data()
    training: Training = Training()
    gates: Gates = Gates()
    checks: Checks = Checks()
    processing: Processing = Processing()
    endpoint: Endpoint = Endpoint()
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=40)] = {}
    """Tags of every job of the pipeline, beside `project` and `dimension`, which it sets itself."""

    @model_validator(mode="after")
    def _tags_are_not_ours(self) -> Settings:
        for key in self.tags:
            if key in OUR_TAGS or key.lower().startswith("aws:"):
                raise ValueError(f"tags.{key} is not yours to set")
        return self

    @model_validator(mode="after")
    def _the_label_is_nothing_else(self) -> Settings:
        columns = {
            "data.dimension_column": self.data.dimension_column,
            "checks.bias.facet": self.checks.bias.facet,
            "checks.bias.group": self.checks.bias.group,
            "gates.bias.facet": self.gates.bias.facet,
        }
        for setting, column in columns.items():
            if column == self.data.label:
                raise ValueError(f"{setting} is the label, {self.data.label!r}: name another column")
            if "bias" in setting and column and column == self.data.dimension_column:
                raise ValueError(f"{setting} is the dimension's column, {column!r}, which is the same in every row")
        for setting in ("drop", "categorical", "split_by"):
            if self.data.label in getattr(self.data, setting):
                raise ValueError(f"data.{setting} lists the label, {self.data.label!r}: take it out")
        return self

    @model_validator(mode="after")
    def _a_bias_limit_has_a_group(self) -> Settings:
        if self.gates.bias.limit is not None:
            column, values = self.gate_facet
            if column is None:
                raise ValueError("gates.bias.limit needs a facet: set checks.bias.facet, or gates.bias.facet")
            if not values:
                raise ValueError("gates.bias.limit is about one group: name its values in checks.bias.facet_values")
        return self

    @property
    def gate_facet(self) -> tuple[str | None, tuple[int | float | str, ...]]:
        """Column and values of the group that the gate's bias limit is about."""
        given: BiasLimit | Bias = self.gates.bias if self.gates.bias.facet else self.checks.bias
        return given.facet, given.facet_values
