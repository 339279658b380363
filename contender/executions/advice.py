"""What to do about an execution that did not succeed, or whose version waits, in one line."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from contender.baselines import CHECKS, Check
from contender.executions.snapshot import Snapshot, Step

OF_ITS_OWN = ("AlgorithmError", "ClientError")
"""How SageMaker's reasons begin where a script, its data or a parameter was wrong."""


def advice(snapshot: Snapshot) -> str:
    """How to accept what its checks found, or to go on with it; empty where the same would only fail again."""
    if snapshot.status == "Succeeded":
        waits = any(step.roll_out.endswith("waiting") for step in snapshot.steps)
        see = f"contender models list --dimension {snapshot.dimension}"
        return f"why it waits: {see}; for an approval: contender models approve {snapshot.dimension}" if waits else ""
    failed = [step for step in snapshot.steps if step.status == "Failed"]
    violated = list(_violated(failed))
    uri = snapshot.parameters.get("InputDataUri")
    if not violated or not uri or not snapshot.dimension:
        hopeless = any(step.type == "Fail" or step.reason.startswith(OF_ITS_OWN) for step in failed)
        return "" if hopeless else f"to go on with it: contender pipeline retry {snapshot.name}"
    options = " ".join(f"--set {name}=true" for check in violated for name in (check.skip, check.register))
    start = f"contender pipeline start --dimension {snapshot.dimension} --data {shlex.quote(uri)} {options}"
    return f"if that is as it should be, to make it the new baseline: {start}"


def _violated(failed: Sequence[Step]) -> Iterator[Check]:
    """The checks whose violations ended the execution."""
    reports = [step.check for step in failed if step.check and step.check.get("ViolationReport")]
    types = {str(report.get("CheckType")) for report in reports}
    # DATA_QUALITY is the check named DataQuality
    names = {kind.replace("_", "").lower() for kind in types}
    return (check for check in CHECKS if check.name.lower() in names)
