"""What contender.yaml may hold: its sections, their defaults, and what is refused.

section.py      what every section is
training.py     data, training, processing
checks.py       gates, checks
rollout.py      rollout: steps, goal, guardrails, hooks
experiment.py   experiment: strategy, sample ratio
delivery.py     delivery: branch, repository
stages.py       endpoint, stages, dimensions
settings.py     all of it
"""

from contender.config.sections.checks import Bias, BiasLimit, Checks, Gates
from contender.config.sections.delivery import Delivery
from contender.config.sections.experiment import Design, Experiment, SampleRatio, Strategy
from contender.config.sections.rollout import Goal, Guardrail, Hooks, Rollout, Step
from contender.config.sections.section import Section
from contender.config.sections.settings import Settings
from contender.config.sections.stages import Dimension, Endpoint, Instance, Stage
from contender.config.sections.training import Data, Processing, Training

__all__ = [
    "Bias",
    "BiasLimit",
    "Checks",
    "Data",
    "Delivery",
    "Design",
    "Dimension",
    "Endpoint",
    "Experiment",
    "Gates",
    "Goal",
    "Guardrail",
    "Hooks",
    "Instance",
    "Processing",
    "Rollout",
    "SampleRatio",
    "Section",
    "Settings",
    "Stage",
    "Step",
    "Strategy",
    "Training",
]
