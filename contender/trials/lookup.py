"""Finds the records to compare: of a version by the execution that registered it, of refused challengers by search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from contender import evaluation
from contender.naming import Names
from contender.registry import PAGE, Version
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
    return of_package(sagemaker, s3, names, version, sagemaker.describe_model_package(ModelPackageName=version.arn))


def of_package(sagemaker: Any, s3: Any, names: Names, version: Version, package: Mapping[str, Any]) -> Compared:
    """The same of a package that is described already."""
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
    wanted = (
        _equals("Tags.project", names.project),
        _equals("Tags.dimension", dimension),
        _equals("Parameters.outcome", Outcome.REFUSED),
    )
    return [Compared(None, record) for record in islice(_records(sagemaker, names, wanted, "Descending"), most)]


def since(sagemaker: Any, names: Names, moment: datetime, most: int) -> list[Record]:
    """What came of the first executions that ended after a moment, in the order in which they did."""
    wanted = (
        _equals("Tags.project", names.project),
        {"Name": "Parameters.outcome", "Operator": "Exists"},
        {
            "Name": "CreationTime",
            "Operator": "GreaterThanOrEqualTo",
            "Value": f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
        },
    )
    return list(islice(_records(sagemaker, names, wanted, "Ascending"), most))


def _records(sagemaker: Any, names: Names, wanted: Sequence[Mapping[str, str]], order: str) -> Iterator[Record]:
    """By when they were written. Jobs of ours have the same tags, and components of their own."""
    pages = sagemaker.get_paginator("search").paginate(
        Resource="ExperimentTrialComponent",
        SearchExpression={"Filters": list(wanted)},
        SortBy="CreationTime",
        SortOrder=order,
        MaxResults=PAGE,
    )
    for component in (result["TrialComponent"] for page in pages for result in page["Results"]):
        execution = component.get("Parameters", {}).get("execution", {}).get("StringValue", "")
        if component["TrialComponentName"] == component_name(names, execution):
            yield read(component)


def _equals(name: str, value: str) -> dict[str, str]:
    return {"Name": name, "Operator": "Equals", "Value": str(value)}
