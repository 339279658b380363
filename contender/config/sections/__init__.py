"""What contender.yaml may hold: its sections, their defaults, and what is refused.

section.py      what every section is
training.py     data, training, processing
checks.py       gates, checks
rollout.py      rollout: steps, goal, guardrails, hooks
experiment.py   experiment: strategy, sample ratio
inference.py    inference: files to predictions
monitoring.py   monitoring: schedules, alarms, automatic scaling
delivery.py     delivery: branch, repository
stages.py       endpoint, stages, dimensions
stacks.py       stacks: encryption, log_days
settings.py     all of it
"""

from contender.config.sections.checks import Bias, BiasLimit, Checks, Gates
from contender.config.sections.delivery import Delivery
from contender.config.sections.experiment import Design, Experiment, SampleRatio, Strategy
from contender.config.sections.inference import Inference
from contender.config.sections.monitoring import Alarms, Autoscaling, Monitoring
from contender.config.sections.rollout import Goal, Guardrail, Hooks, Rollout, Step
from contender.config.sections.section import Section
from contender.config.sections.settings import Settings
from contender.config.sections.stacks import Stacks
from contender.config.sections.stages import Dimension, Endpoint, Instance, Stage
from contender.config.sections.training import Data, Processing, Training

__all__ = [
    "Alarms",
    "Autoscaling",
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
    "Inference",
    "Instance",
    "Monitoring",
    "Processing",
    "Rollout",
    "SampleRatio",
    "Section",
    "Settings",
    "Stacks",
    "Stage",
    "Step",
    "Strategy",
    "Training",
]
