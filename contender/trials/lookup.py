"""Finds the records to compare: of a version by the execution that registered it, of refused challengers by search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from contender import evaluation
from contender.naming import Names
from contender.registry import Version
from contender.trials.comparison import Column
from contender.trials.record import ORIGIN, Outcome, Record, component_name, read
from contender.trials.recorder import find

SHORT = 10
"""Characters of a digest or a version of a file that tell it from others."""
PASSES = ("passed", "not compared")
"""Verdicts of a rule that let a challenger through, see `steps/evaluate/rules.py`."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A version, or a refused challenger without one; `recorded` is false where only the registry tells of it."""

    version: Version | None
    record: Record
    recorded: bool = True

    def column(self) -> Column:
        record, version = self.record, self.version
        about: dict[str, str | datetime] = {}
        if version is not None:
            about = {"role": version.role.value, "status": version.status.value, "registered": version.created_at}
        else:
            about = {"role": "refused", "registered": record.ended}
        if record.verdicts:
            broken = [rule for rule, verdict in record.verdicts.items() if verdict not in PASSES]
            about["gate"] = f"refused: {', '.join(broken)}" if broken else "passed"
        about["data"] = record.data.rpartition("/")[2]
        about |= {name: record.origin[name][:SHORT] for name in ORIGIN if record.origin.get(name)}
        head = f"v{version.number}" if version else record.execution.rpartition("/")[2]
        return Column(head, about, record.parameters if self.recorded else None, record.metrics)

    def document(self) -> dict[str, Any]:
        """All that is known, for --json."""
        standing = {}
        if self.version is not None:
            standing = {
                "role": self.version.role.value,
                "status": self.version.status.value,
                "approval": self.version.approval,
                "registered": self.version.created_at,
            }
        return {**asdict(self.record), **standing, "recorded": self.recorded}


def of_version(sagemaker: Any, s3: Any, names: Names, version: Version) -> Compared:
    """With the record of its execution, or what the registry itself keeps of it."""
    package = sagemaker.describe_model_package(ModelPackageName=version.arn)
    properties = package.get("CustomerMetadataProperties", {})
    execution = properties.get("executionArn", "")
    if execution and (component := find(sagemaker, component_name(names, execution))) is not None:
        return Compared(version, read(component))
    report = evaluation.read(s3, package)
    known = Record(
        execution=execution,
        dimension=properties.get("dimension", ""),
        outcome=Outcome.REGISTERED,
        started=version.created_at,
        ended=version.created_at,
        version=version.number,
        data=properties.get("dataUri", ""),
        origin={name: properties[name] for name in ORIGIN if name in properties},
        metrics=evaluation.figures(report),
        verdicts=evaluation.verdicts(report),
        package=version.arn,
    )
    return Compared(version, known, recorded=False)


def refusals(sagemaker: Any, names: Names, dimension: str, most: int) -> list[Compared]:
    """The dimension's latest refused challengers, newest first."""
    wanted = {"project": names.project, "dimension": dimension}
    filters = [{"Name": f"Tags.{key}", "Operator": "Equals", "Value": value} for key, value in wanted.items()]
    pages = sagemaker.get_paginator("search").paginate(
        Resource="ExperimentTrialComponent",
        SearchExpression={"Filters": filters},
        SortBy="CreationTime",
        SortOrder="Descending",
    )
    found: list[Compared] = []
    for component in (result["TrialComponent"] for page in pages for result in page["Results"]):
        if _is_refusal(names, component):
            found.append(Compared(None, read(component)))
        if len(found) == most:
            break
    return found


def _is_refusal(names: Names, component: Mapping[str, Any]) -> bool:
    """Jobs of ours have the same tags, and components of their own."""
    parameters = component.get("Parameters", {})
    execution = parameters.get("execution", {}).get("StringValue", "")
    ours = component["TrialComponentName"] == component_name(names, execution)
    return bool(ours and parameters.get("outcome", {}).get("StringValue") == Outcome.REFUSED)
