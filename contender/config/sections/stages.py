"""What serves: the endpoint's instances, by stage and by dimension."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from contender.config.sections.experiment import Design, Experiment
from contender.config.sections.rollout import COUNTED_WITHOUT_API, MAX_CHALLENGERS, Rollout
from contender.config.sections.section import InstanceType, Section
from contender.naming import is_dimension, is_stage

INSTANCE_TYPE = "ml.m5.large"

VersionNumber = Annotated[int, Field(ge=1, le=999_999_999)]


class Endpoint(Section):
    """What serves a dimension. An endpoint takes a change over when nothing is rolled out, or with the next version."""

    instance_type: InstanceType = INSTANCE_TYPE
    """Of each variant; dimensions.<dimension>.instances says otherwise for a version."""
    instance_count: int = Field(default=1, ge=1, le=100)
    """Instances of each variant."""
    data_capture_percent: int = Field(default=0, ge=0, le=100)
    """Requests and answers of a hundred that SageMaker writes to the artifacts bucket, under capture/; 0: none."""


class Instance(Section):
    """What one version's variant runs on."""

    type: InstanceType = INSTANCE_TYPE
    """Instance type."""
    count: int = Field(default=1, ge=1, le=100)
    """Instances."""


class Dimension(Section):
    """What a person decided about one dimension."""

    champion: VersionNumber | None = None
    """Version that is champion whatever any test says; null: rollouts decide."""
    challengers: Annotated[tuple[VersionNumber, ...], Field(strict=False, max_length=MAX_CHALLENGERS)] = ()
    """Versions that stay beside the champion whatever any test says."""
    instances: dict[VersionNumber, Instance] = Field(default={})
    """Instance type and count of single versions; the others run on the endpoint's."""

    @model_validator(mode="after")
    def _a_version_is_pinned_once(self) -> Dimension:
        for version in self.challengers:
            if version == self.champion:
                raise ValueError(f"champion and challengers both hold version {version}: pin it as one of them")
            if self.challengers.count(version) > 1:
                raise ValueError(f"challengers hold version {version} twice")
        return self


def checked_dimensions(dimensions: dict[str, Dimension]) -> dict[str, Dimension]:
    """The dimensions themselves, or ValueError for a key that cannot be one."""
    for name in dimensions:
        if not is_dimension(name):
            raise ValueError(f"cannot have the key {name!r}: use up to 40 letters, digits and inner hyphens")
    return dimensions


class Stage(Section):
    """One place a version serves in before it goes on to the next; what it leaves out is as above it in the file."""

    approval: Literal["automatic", "manual"] = "automatic"
    """How a version goes on to the next stage: when it has become champion in this one, or when a person says so
    (`contender models approve DIMENSION VERSION --stage STAGE`)."""
    instance_type: InstanceType = INSTANCE_TYPE
    """As in endpoint, for this stage."""
    instance_count: int = Field(default=1, ge=1, le=100)
    """As in endpoint, for this stage."""
    data_capture_percent: int = Field(default=0, ge=0, le=100)
    """As in endpoint, for this stage."""
    rollout: Rollout = Rollout()
    """Keys of rollout that are different in this stage."""
    experiment: Design = Design()
    """Keys of experiment that are different in this stage; enabled, access and cache_s are the same in all."""
    dimensions: dict[str, Dimension] = Field(default={})
    """What is pinned in this stage."""

    _checked_dimensions = field_validator("dimensions")(checked_dimensions)


def inherited(values: dict[str, Any]) -> dict[str, Any]:
    """The file's values with each stage filled up from the sections above: what a stage names, wins, key by key."""
    stages = values.get("stages")
    if not isinstance(stages, dict):
        return values
    above: dict[str, Any] = {key: values[key] for key in ("rollout", "dimensions") if key in values}
    if isinstance(endpoint := values.get("endpoint"), dict):
        above |= {key: value for key, value in endpoint.items() if key in Endpoint.model_fields}
    if isinstance(experiment := values.get("experiment"), dict):
        above["experiment"] = {key: value for key, value in experiment.items() if key in Design.model_fields}
    return {**values, "stages": {name: _merged(above, {} if own is None else own) for name, own in stages.items()}}


def _merged(above: Any, own: Any) -> Any:
    if not (isinstance(above, dict) and isinstance(own, dict)):
        return own
    return {**above, **{key: _merged(above[key], value) if key in above else value for key, value in own.items()}}


def checked_stages(stages: dict[str, Stage]) -> dict[str, Stage]:
    """The stages themselves, or ValueError for a name that cannot be one."""
    for name in stages:
        if not is_stage(name):
            raise ValueError(f"cannot have the key {name!r}: use 1 to 10 lower-case letters and digits, a letter first")
    if stages and "approval" in (last := list(stages.items())[-1])[1].model_fields_set:
        raise ValueError(
            f"{last[0]}.approval says how a version leaves {last[0]}, which is the last stage: "
            "the stage before says how one enters"
        )
    return stages


def problems(stage: Stage, experiment: Experiment) -> Iterator[str]:
    """What cannot be together in one stage."""
    rollout, strategy = stage.rollout, stage.experiment.strategy
    if not experiment.enabled:
        yield from _judged_without_api(stage)
        return
    for name, time_s in (("drain_s", rollout.drain_s), ("bake_time_s", rollout.bake_time_s)):
        if time_s < experiment.cache_s:
            yield (
                f"rollout.{name} is {time_s}, less than experiment.cache_s, {experiment.cache_s}: "
                "the API would still send requests to a variant that is gone"
            )
    if strategy.name != "Weighted":
        if rollout.goal is None:
            yield f"experiment.strategy.name is {strategy.name}, which needs rollout.goal to know what is better"
        if strategy.floor * (rollout.max_challengers + 1) >= 1:
            yield (
                f"experiment.strategy.floor is {strategy.floor:g}, which {rollout.max_challengers + 1} variants "
                "(rollout.max_challengers and the champion) cannot all have"
            )


def _judged_without_api(stage: Stage) -> Iterator[str]:
    """What asks for rewards or times of answers, which only the API tells; as a default it is left out silently."""
    rollout = stage.rollout
    given = rollout.model_fields_set
    metrics = [each.metric for each in rollout.guardrails if each.metric not in COUNTED_WITHOUT_API]
    wrong = [
        *(["set goal: null"] if "goal" in given and rollout.goal else []),
        *([f"take guardrails of {', '.join(metrics)} out"] if "guardrails" in given and metrics else []),
    ]
    if wrong:
        yield f"rollout is judged on what nobody counts while experiment.enabled is false: {', '.join(wrong)}"
    if (strategy := stage.experiment.strategy.name) != "Weighted":
        yield f"experiment.strategy.name is {strategy}, which learns nothing while experiment.enabled is false"
