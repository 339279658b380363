"""Writes the record of an execution into SageMaker Experiments: one component, in the execution's trial.

Written again it is replaced, so it does not matter how often it is asked for, nor where it was interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from contender.trials.gathering import Gathering
from contender.trials.record import Record, component_name, content


@dataclass(frozen=True, slots=True)
class Recorder:
    gathering: Gathering

    def write(self, arn: str) -> Record | None:
        """The record that was written; None, and nothing is, while the execution runs."""
        found = self.gathering.record(arn)
        if found is None:
            return None
        record, trial = found
        name = component_name(self.gathering.names, arn)
        self._put(name, record)
        if trial:
            self.gathering.sagemaker.associate_trial_component(TrialComponentName=name, TrialName=trial)
        return record

    def _put(self, name: str, record: Record) -> None:
        sagemaker, wanted = self.gathering.sagemaker, content(record)
        kept = find(sagemaker, name)
        if kept is None:
            tags = {"project": self.gathering.names.project, "dimension": record.dimension}
            try:
                sagemaker.create_trial_component(
                    TrialComponentName=name,
                    Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                    **wanted,
                )
                return
            except ClientError:
                # The same event, delivered twice at once: the other one was first.
                kept = find(sagemaker, name)
                if kept is None:
                    raise
        gone = {
            f"{field}ToRemove": stale
            for field in ("Parameters", "InputArtifacts", "OutputArtifacts")
            if (stale := sorted(kept.get(field, {}).keys() - wanted[field].keys()))
        }
        sagemaker.update_trial_component(TrialComponentName=name, **wanted, **gone)


def find(sagemaker: Any, name: str) -> dict[str, Any] | None:
    """A described component, or None."""
    try:
        found: dict[str, Any] = sagemaker.describe_trial_component(TrialComponentName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        return None
    return found
