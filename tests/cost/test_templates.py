"""What is taken for granted of the stacks stands so in their templates."""

from __future__ import annotations

import pytest

from contender.cost import delivery, experiments, inference, monitoring, pipelines, rollouts
from tests.infra.templates import of_type, read


@pytest.mark.parametrize(
    ("stack", "function", "memory_mb"),
    [
        ("core.yaml", "StarterFunction", pipelines.LAMBDA_MB),
        ("core.yaml", "ChampionFunction", pipelines.LAMBDA_MB),
        ("core.yaml", "ModelFunction", pipelines.LAMBDA_MB),
        ("core.yaml", "DeployFunction", pipelines.LAMBDA_MB),
        ("core.yaml", "TickFunction", rollouts.TICK_MB),
        ("experiments.yaml", "InvocationFunction", experiments.INVOCATION_MB),
        ("experiments.yaml", "ConversionFunction", experiments.CONVERSION_MB),
        ("experiments.yaml", "CountFunction", experiments.COUNT_MB),
        ("inference.yaml", "IntakeFunction", inference.FILE_MB),
        ("inference.yaml", "ScoreFunction", inference.MESSAGE_MB),
        ("monitoring.yaml", "WatchFunction", monitoring.WATCH_MB),
        ("monitoring.yaml", "DriftFunction", monitoring.DRIFT_MB),
    ],
)
def test_a_function_has_the_memory_that_its_line_counts(stack: str, function: str, memory_mb: int) -> None:
    properties = of_type(read(stack), "AWS::Lambda::Function")[function]
    assert properties["MemorySize"] == memory_mb
    assert properties["Architectures"] == ["arm64"]


def test_the_tick_rings_once_a_minute_and_firehose_writes_once_a_minute() -> None:
    assert read("core.yaml")["Parameters"]["SweepRate"]["Default"] == "rate(1 minute)"
    assert read("experiments.yaml")["Parameters"]["EventDelaySeconds"]["Default"] == 60


def test_events_are_kept_and_watched_as_counted() -> None:
    template = read("experiments.yaml")
    assert template["Parameters"]["EventRetentionDays"]["Default"] // 30 == experiments.MONTHS_KEPT
    assert len(of_type(template, "AWS::ApiGateway::Method")) * 5 == experiments.API_METRICS


@pytest.mark.parametrize(
    ("stack", "alarms"),
    [
        ("monitoring.yaml", monitoring.ALARMS),
        ("inference.yaml", inference.ALARMS),
        ("delivery.yaml", delivery.ALARMS),
        ("experiments.yaml", experiments.ALARMS),
    ],
)
def test_alarms_of_a_stack_are_those_of_its_template(stack: str, alarms: int) -> None:
    assert len(of_type(read(stack), "AWS::CloudWatch::Alarm")) == alarms


def test_the_watcher_looks_and_captures_stay_as_counted() -> None:
    assert read("monitoring.yaml")["Parameters"]["WatchRate"]["Default"] == "rate(15 minutes)"
    assert monitoring.LOOKS == 730 * 60 / 15
    assert read("core.yaml")["Parameters"]["CaptureDays"]["Default"] == monitoring.CAPTURE_DAYS
