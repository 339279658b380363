"""Which pipelines a project has: their names on AWS, and the modules that compile them."""

from __future__ import annotations

from dataclasses import dataclass

from contender.config import Settings
from contender.naming import Names


@dataclass(frozen=True, slots=True)
class Target:
    """One of the project's pipelines: its name on AWS, and the module that compiles it."""

    name: str
    module: str
    description: str
    function: str = "compile"


def training(settings: Settings) -> Target:
    """The pipeline that an upload starts."""
    return Target(
        Names(settings.project).pipeline, settings.pipeline, "Trains, judges and rolls out one dimension's model."
    )


def warm(settings: Settings) -> Target:
    """The same for a dimension's second search and all after it."""
    return Target(
        Names(settings.project).warm_pipeline,
        settings.pipeline,
        "Trains as the other pipeline does, and continues the dimension's previous search.",
        "compile_warm",
    )


def training_targets(settings: Settings) -> tuple[Target, ...]:
    """What it takes to train: the pipeline, and before it the one that continues searches, if there are any.

    Before, because the first one's definition tells whoever starts an execution that the other is there.
    """
    continued = settings.training.tuning_trials and settings.training.warm_start
    return (warm(settings), training(settings)) if continued else (training(settings),)


def batch(settings: Settings) -> Target:
    """The pipeline that scores a file by who serves."""
    return Target(
        Names(settings.project).batch_pipeline,
        settings.batch_pipeline,
        "Scores a file by one dimension's champion, on request beside its challenger.",
    )


def targets(settings: Settings) -> tuple[Target, ...]:
    """All that the project has, in the order to deploy them."""
    scoring = (batch(settings),) if settings.batch_pipeline else ()
    return (*training_targets(settings), *scoring)
