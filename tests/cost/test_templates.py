"""What is taken for granted of the stacks stands so in their templates."""

from __future__ import annotations

import pytest

from contender.cost import experiments, pipelines, rollouts
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
    assert len(of_type(template, "AWS::CloudWatch::Alarm")) == experiments.ALARMS
    assert len(of_type(template, "AWS::ApiGateway::Method")) * 5 == experiments.API_METRICS
