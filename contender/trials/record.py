"""The record of one execution, and the trial component that holds it.

Every figure is a parameter of the component, with a prefix that says whose it is, so that Studio's table and Search
have it as a number. SageMaker's own metrics would be another service's series of points, to which an event that comes
twice adds a second time; parameters are only replaced.

    outcome registered   version 3   dataVersion …   codeVersion …   commit …
    evaluation.auc   champion.auc   difference.auc   gate.latency_ms   training.validation:auc
    verdict.auc passed   hyperparameter.eta   pipeline.SkipDataQualityCheck
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any

from contender.naming import Names
from contender.registry import one_line

MOST_PARAMETERS = 300
"""Of one component; what matters least comes last."""
LONGEST_TEXT = 2500
LONGEST_MESSAGE = 1024
METRICS = ("evaluation", "champion", "difference", "gate", "training")
CHOSEN = ("hyperparameter", "pipeline")
ORIGIN = ("dataVersion", "codeVersion", "commit")

Value = str | float

_NUMBER = re.compile(r"[+-]?(\d{1,17}\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
"""Not all that float() takes: 2024_01 and infinity are words here."""


class Outcome(StrEnum):
    REGISTERED = "registered"
    REFUSED = "refused"
    FAILED = "failed"
    STOPPED = "stopped"


PRIMARY_STATUS = {
    Outcome.REGISTERED: "Completed",
    Outcome.REFUSED: "Completed",
    Outcome.FAILED: "Failed",
    Outcome.STOPPED: "Stopped",
}


@dataclass(frozen=True, slots=True)
class Record:
    """What went into an execution and what came of it; keys of `parameters` and `metrics` begin with their prefix."""

    execution: str
    dimension: str
    outcome: Outcome
    started: datetime
    ended: datetime
    reason: str = ""
    version: int | None = None
    data: str = ""
    origin: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Value] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    verdicts: Mapping[str, str] = field(default_factory=dict)
    report: str = ""
    package: str = ""

    @property
    def title(self) -> str:
        """What Studio shows: SM-1-v3, SM-1-refused."""
        return f"{self.dimension}-{f'v{self.version}' if self.version else self.outcome}"


def component_name(names: Names, execution_arn: str) -> str:
    """One execution, one component."""
    return names.component(execution_arn.rpartition("/")[2])


def content(record: Record) -> dict[str, Any]:
    """What CreateTrialComponent and UpdateTrialComponent take of a record, beside the name."""
    return {
        "DisplayName": record.title,
        "Status": {
            "PrimaryStatus": PRIMARY_STATUS[record.outcome],
            "Message": one_line(record.reason or record.outcome, LONGEST_MESSAGE),
        },
        "StartTime": record.started,
        "EndTime": record.ended,
        "Parameters": {name: _written(value) for name, value in islice(_parameters(record), MOST_PARAMETERS)},
        "InputArtifacts": {"data": {"Value": record.data}} if record.data else {},
        "OutputArtifacts": {
            name: {"Value": value}
            for name, value in (("evaluation", record.report), ("modelPackage", record.package))
            if value
        },
    }


def read(component: Mapping[str, Any]) -> Record:
    """The record that a described component holds."""
    parameters = {
        name: value.get("NumberValue", value.get("StringValue", ""))
        for name, value in component.get("Parameters", {}).items()
    }
    outputs = component.get("OutputArtifacts", {})
    return Record(
        execution=str(parameters["execution"]),
        dimension=str(parameters["dimension"]),
        outcome=Outcome(str(parameters["outcome"])),
        started=component["StartTime"],
        ended=component["EndTime"],
        reason=str(parameters.get("reason", "")),
        version=int(parameters["version"]) if "version" in parameters else None,
        data=component.get("InputArtifacts", {}).get("data", {}).get("Value", ""),
        origin={name: str(parameters[name]) for name in ORIGIN if name in parameters},
        parameters={name: value for name, value in parameters.items() if _prefix(name) in CHOSEN},
        metrics={name: float(value) for name, value in parameters.items() if _prefix(name) in METRICS},
        verdicts={
            name.partition(".")[2]: str(value) for name, value in parameters.items() if _prefix(name) == "verdict"
        },
        report=outputs.get("evaluation", {}).get("Value", ""),
        package=outputs.get("modelPackage", {}).get("Value", ""),
    )


def number_or_text(text: str) -> Value:
    """A parameter that reads as a number is one, so that it can be sorted and compared as such."""
    return float(text) if _NUMBER.fullmatch(text) else text


def _parameters(record: Record) -> Iterator[tuple[str, Value]]:
    yield from (("execution", record.execution), ("dimension", record.dimension), ("outcome", record.outcome.value))
    if record.reason:
        yield "reason", record.reason
    if record.version is not None:
        yield "version", float(record.version)
    yield from record.origin.items()
    yield from sorted(record.metrics.items())
    yield from ((f"verdict.{rule}", verdict) for rule, verdict in sorted(record.verdicts.items()))
    yield from sorted(record.parameters.items())


def _written(value: Value) -> dict[str, Any]:
    return {"StringValue": one_line(value, LONGEST_TEXT)} if isinstance(value, str) else {"NumberValue": value}


def _prefix(name: str) -> str:
    return name.partition(".")[0]
