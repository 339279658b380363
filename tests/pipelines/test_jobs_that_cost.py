"""The jobs that `contender cost` counts are those of the definition, on the same instances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contender.config import Settings, load
from contender.cost.pipelines import VOLUME_GB, Job, jobs
from contender.pipeline.compiling import Compiled
from tests.conftest import REPOSITORY


def instances(listed: list[dict[str, Any]]) -> Iterator[tuple[str, str, int]]:
    """Name, instance type and jobs of each step that has any."""
    for step in listed:
        arguments = step.get("Arguments", {})
        match step["Type"]:
            case "Condition":
                yield from instances([*arguments["IfSteps"], *arguments["ElseSteps"]])
            case "Processing" | "QualityCheck" | "ClarifyCheck":
                cluster = arguments["ProcessingResources"]["ClusterConfig"]
                assert cluster["VolumeSizeInGB"] == VOLUME_GB
                yield step["Name"], cluster["InstanceType"], cluster["InstanceCount"]
            case "Training":
                resources = arguments["ResourceConfig"]
                yield step["Name"], resources["InstanceType"], resources["InstanceCount"]
            case "Tuning":
                trials = arguments["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"]
                training = arguments["TrainingJobDefinition"]
                yield step["Name"], training["ResourceConfig"]["InstanceType"], trials
            case "Transform":
                resources = arguments["TransformResources"]
                yield step["Name"], resources["InstanceType"], resources["InstanceCount"]


@pytest.mark.parametrize(("fixture", "trials"), [("compiled", 0), ("tuned", 10), ("warm", 10)])
def test_every_job_of_the_definition_is_counted_and_no_other(
    fixture: str, trials: int, request: pytest.FixtureRequest
) -> None:
    compiled: Compiled = request.getfixturevalue(fixture)
    found = load(REPOSITORY / "contender.yaml", environ={}, overrides={"training.tuning_trials": trials})
    counted = {(job.step, job.instance_type, job.count) for job in jobs(found)}
    assert set(instances(compiled.document["Steps"])) == counted


def test_clarifys_questions_to_a_model_are_asked_of_an_endpoint() -> None:
    settings = Settings.model_validate({"checks": {"bias": {"facet": "Plan"}, "model_instance_type": "ml.c5.large"}})
    asking: list[Job] = [job for job in jobs(settings) if job.endpoint]
    assert [(job.step, job.endpoint) for job in asking] == [
        ("ModelBias", "ml.c5.large"),
        ("Explainability", "ml.c5.large"),
    ]
