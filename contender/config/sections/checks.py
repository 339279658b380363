"""What a challenger must reach to be registered, and what is checked of data and models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from contender.config.sections.section import FacetValues, InstanceType, Section


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
    instance_type: InstanceType = "ml.m5.xlarge"
    model_instance_type: InstanceType = "ml.m5.large"
    """Where the challenger answers while it is checked: the batch transform, and Clarify's own short-lived endpoint."""
    max_runtime_s: int = Field(default=3600, ge=60, le=432_000)
