"""Records of executions go with a project's data; trials of somebody else in an experiment of the same name stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from contender.destroying.remover import Project, Thing
from contender.destroying.run import planned, remove
from contender.destroying.trials import EXPERIMENTS
from contender.local.api.errors import ApiError
from contender.local.experiments.operations import OPERATIONS as EXPERIMENT_OPERATIONS
from contender.naming import Names
from tests.local.small_sagemaker import ROLE, Sagemaker, definition, get, processing

OPERATIONS = {xform_name(name): name for name in EXPERIMENT_OPERATIONS}
CONFIG = {"ExperimentName": get("Execution.PipelineName"), "TrialName": get("Execution.PipelineExecutionId")}


class Client:
    """The small server behind boto3's names."""

    def __init__(self, server: Sagemaker) -> None:
        self._server = server

    def __getattr__(self, name: str) -> Any:
        operation = OPERATIONS[name]

        def call(**request: Any) -> dict[str, Any]:
            try:
                return self._server(operation, **request)
            except ApiError as error:
                raise ClientError({"Error": {"Code": error.code, "Message": error.message}}, operation) from error

        return call

    def get_paginator(self, name: str) -> Any:
        client = self

        class Paginator:
            @staticmethod
            def paginate(**request: Any) -> Iterator[dict[str, Any]]:
                answer = getattr(client, name)(**request)
                assert "NextToken" not in answer
                yield answer

        return Paginator()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sagemaker]:
    running = Sagemaker(tmp_path)
    yield running
    running.close()


@pytest.fixture
def project(server: Sagemaker) -> Project:
    return Project(
        Names("razed"), "000000000000", "us-east-1", lambda service: Client(server), (), lambda seconds: None
    )


def execute(server: Sagemaker, pipeline: str, times: int) -> None:
    step = processing("A", CacheConfig={"Enabled": True, "ExpireAfter": "P1D"})
    server(
        "CreatePipeline",
        PipelineName=pipeline,
        PipelineDefinition=definition(step, PipelineExperimentConfig=CONFIG),
        RoleArn=ROLE,
        ClientRequestToken=server.token(),
    )
    for _ in range(times):
        assert server.finish(server.begin(pipeline))["PipelineExecutionStatus"] == "Succeeded"


def left(server: Sagemaker) -> dict[str, list[str]]:
    """Trials of each experiment that is there."""
    experiments = [each["ExperimentName"] for each in server("ListExperiments")["ExperimentSummaries"]]
    return {
        name: [each["TrialName"] for each in server("ListTrials", ExperimentName=name)["TrialSummaries"]]
        for name in sorted(experiments)
    }


def test_trials_go_with_their_components_and_their_experiment(server: Sagemaker, project: Project) -> None:
    """Two executions share the component of the one job that did the work of both."""
    execute(server, "razed", 2)
    execute(server, "razed2", 1)
    assert planned(project, EXPERIMENTS) == [Thing("experiment", "razed", "2 executions")]
    assert remove(project, EXPERIMENTS, lambda line: None) == [Thing("experiment", "razed")]
    assert list(left(server)) == ["razed2"]
    assert len(server("ListTrialComponents")["TrialComponentSummaries"]) == 1
    assert planned(project, EXPERIMENTS) == []


def test_somebody_elses_experiment_of_the_same_name_stays(server: Sagemaker, project: Project) -> None:
    server("CreateExperiment", ExperimentName="razed")
    server("CreateTrial", TrialName="by-hand", ExperimentName="razed")
    assert planned(project, EXPERIMENTS) == []
    execute(server, "razed", 1)
    assert planned(project, EXPERIMENTS) == [Thing("experiment", "razed", "1 executions")]
    EXPERIMENTS.remove(project, "razed")
    assert left(server) == {"razed": ["by-hand"]}
    assert planned(project, EXPERIMENTS) == []


def test_a_trial_without_a_source_is_ours_by_its_component(server: Sagemaker, project: Project) -> None:
    server("CreateExperiment", ExperimentName="razed")
    server("CreateTrial", TrialName="abcdefghijkl", ExperimentName="razed")
    name = project.names.component("abcdefghijkl")
    server("CreateTrialComponent", TrialComponentName=name)
    server("AssociateTrialComponent", TrialName="abcdefghijkl", TrialComponentName=name)
    EXPERIMENTS.remove(project, "razed")
    assert left(server) == {}
