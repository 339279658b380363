"""The whole of contender.yaml, and what its sections must be to one another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from contender.config.sections.checks import Bias, BiasLimit, Checks, Gates
from contender.config.sections.delivery import Delivery
from contender.config.sections.experiment import Experiment
from contender.config.sections.inference import Inference
from contender.config.sections.monitoring import Monitoring
from contender.config.sections.rollout import Rollout
from contender.config.sections.section import Section
from contender.config.sections.stacks import Stacks
from contender.config.sections.stages import (
    Dimension,
    Endpoint,
    Stage,
    checked_dimensions,
    checked_stages,
    inherited,
    problems,
)
from contender.config.sections.training import Data, Processing, Training
from contender.errors import NamingError, NotFoundError
from contender.naming import Names

OUR_TAGS = ("project", "dimension")

TagKey = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\w .:/=+@-]+$")]
TagValue = Annotated[str, Field(max_length=256, pattern=r"^[\w .:/=+@-]*$")]


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
    rollout: Rollout = Rollout()
    experiment: Experiment = Experiment()
    inference: Inference = Inference()
    monitoring: Monitoring = Monitoring()
    delivery: Delivery = Delivery()
    stages: dict[str, Stage] = Field(default={})
    """Where versions serve one after the other, in the order of the file; empty: in one stage, of the sections above.
    What a stage leaves out is as above. The last stage's endpoints are named as if there were only that one."""
    dimensions: dict[str, Dimension] = Field(default={})
    """What is pinned, in every stage."""
    tags: dict[TagKey, TagValue] = Field(default={}, max_length=40)
    """Tags of every stack and what it holds, beside `project`, and of every job of the pipeline, beside `project` and
    `dimension`, which Contender sets itself."""
    stacks: Stacks = Stacks()

    _checked_stages = field_validator("stages")(checked_stages)
    _checked_dimensions = field_validator("dimensions")(checked_dimensions)

    @model_validator(mode="before")
    @classmethod
    def _stages_take_what_is_above(cls, values: Any) -> Any:
        return inherited(values) if isinstance(values, dict) else values

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

    @model_validator(mode="after")
    def _rollouts_fit_what_they_are_judged_on(self) -> Settings:
        for name, stage in self.stages_in_order:
            for problem in (
                *problems(stage, self.experiment),
                *self._problems_of_hooks(stage),
                *self._problems_of_names(stage, "" if name == self.last_stage else name),
            ):
                raise ValueError(f"stages.{name}.{problem}" if name else problem)
        return self

    @model_validator(mode="after")
    def _truth_is_compared_with_answers_that_are_kept(self) -> Settings:
        """Data quality is on unless somebody says otherwise, so where nothing is captured it only rests."""
        wanted = self.monitoring.enabled and self.monitoring.model_quality
        if wanted and not self.data_captured:
            raise ValueError(
                "monitoring.model_quality compares answers that are captured, and none are: "
                "set endpoint.data_capture_percent above 0"
            )
        return self

    @property
    def data_captured(self) -> bool:
        """Whether the last stage's endpoints keep requests and answers, which is what monitoring compares."""
        return self.stages_in_order[-1][1].data_capture_percent > 0

    @property
    def monitoring_rests(self) -> str:
        """Why nothing is compared by these settings; "" where something is."""
        if not self.monitoring.enabled:
            return "monitoring rests: monitoring.enabled is false"
        if self.monitoring.data_quality and not self.data_captured:
            return "monitoring of data rests: endpoint.data_capture_percent is 0, so there is nothing to compare"
        return ""

    @property
    def last_stage(self) -> str:
        """Name of the stage whose endpoints carry no stage's name; "" where there is only one."""
        return next(reversed(self.stages), "")

    @property
    def stages_in_order(self) -> tuple[tuple[str, Stage], ...]:
        """Each stage with its name, the first one that a version enters first; one named "" where none is set."""
        return tuple(self.stages.items()) or (("", self._only_stage),)

    def stage_key(self, name: str | None) -> str:
        """What the stage of this name in the file is called in the names of its endpoints; the last if it is None."""
        if name is None or name == self.last_stage:
            return ""
        if name not in self.stages:
            known = f"it has {', '.join(self.stages)}" if self.stages else "contender.yaml has no stages"
            raise NotFoundError(f"project {self.project!r} has no stage {name!r}: {known}")
        return name

    @property
    def _only_stage(self) -> Stage:
        return Stage.model_construct(
            **dict(self.endpoint),
            rollout=self.rollout,
            experiment=self.experiment,
            dimensions=self.dimensions,
        )

    def _problems_of_hooks(self, stage: Stage) -> Iterator[str]:
        """The tick's role may invoke no others: a hook of another name would roll every challenger back."""
        prefix = f"{self.project}-hook-"
        for when, functions in (("before", stage.rollout.hooks.before), ("after", stage.rollout.hooks.after)):
            for function in functions:
                if not function.startswith(prefix):
                    yield f"rollout.hooks.{when} holds {function!r}: rollouts may only ask functions named {prefix}…"

    def _problems_of_names(self, stage: Stage, key: str) -> Iterator[str]:
        for dimension in stage.dimensions:
            try:
                Names(self.project, key).endpoint(dimension)
            except NamingError as error:
                yield f"dimensions: {error}"
