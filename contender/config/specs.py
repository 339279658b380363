"""What the settings ask of rollouts, stage by stage, as the rollout controller reads it."""

from __future__ import annotations

from contender.config.sections import Dimension, Experiment, Rollout, Settings, Stage
from contender.config.sections.rollout import COUNTED_WITHOUT_API
from contender.experiments.verdict import Goal, Guardrail
from contender.rollout.spec import DimensionSpec, Follows, Hooks, Instance, Pins, Spec, Step, StrategySpec


def specs(settings: Settings) -> tuple[Spec, ...]:
    """One spec for each stage, in the order that versions go through them."""
    made: list[Spec] = []
    follows: Follows | None = None
    for name, stage in settings.stages_in_order:
        key = settings.stage_key(name or None)
        made.append(_spec(key, stage, settings.experiment, follows))
        follows = Follows(key, stage.approval)
    return tuple(made)


def _spec(key: str, stage: Stage, experiment: Experiment, follows: Follows | None) -> Spec:
    rollout, design = stage.rollout, stage.experiment
    return Spec(
        stage=key,
        instance=Instance(stage.instance_type, stage.instance_count),
        steps=tuple(Step(step.share, float(step.time_s), step.sample) for step in rollout.steps),
        strategy=StrategySpec(**dict(design.strategy)),
        goal=_goal(rollout) if experiment.enabled else None,
        guardrails=tuple(
            Guardrail(**dict(each))
            for each in rollout.guardrails
            if experiment.enabled or each.metric in COUNTED_WITHOUT_API
        ),
        sample_ratio_alpha=design.sample_ratio.alpha,
        sample_ratio_action=design.sample_ratio.action,
        approval=rollout.approval,
        dry_run=rollout.dry_run,
        bake_s=float(rollout.bake_time_s),
        drain_s=float(rollout.drain_s),
        newer=rollout.newer,
        max_challengers=rollout.max_challengers,
        weights_by_hand=rollout.weights_by_hand,
        hooks=Hooks(rollout.hooks.before, rollout.hooks.after, float(rollout.hooks.timeout_s)),
        reward_window_s=float(design.reward_window_s),
        bucket_s=float(design.bucket_s),
        sticky=design.sticky,
        data_capture_percent=stage.data_capture_percent,
        follows=follows,
        dimensions={name: _dimension(dimension) for name, dimension in stage.dimensions.items()},
    )


def _goal(rollout: Rollout) -> Goal | None:
    if rollout.goal is None:
        return None
    values = dict(rollout.goal)
    return Goal(**{**values, **{name: float(values[name]) for name in ("maximum_duration_s", "n_star")}})


def _dimension(dimension: Dimension) -> DimensionSpec:
    return DimensionSpec(
        Pins(dimension.champion, dimension.challengers),
        {version: Instance(each.type, each.count) for version, each in dimension.instances.items()},
    )
