"""The list of executions, stopping them and going on with them."""

from __future__ import annotations

import json

from tests.executions.fakes import NAMES, START, FakeExecutions, Run, at, refusal
from tests.lambdas.fakes import FakeDynamoDB


def test_the_list_says_when_how_long_and_of_what_data(run: Run, sagemaker: FakeExecutions) -> None:
    sagemaker.add(
        "A-00000001", "Succeeded", START, parameters={"InputDataUri": "s3://b/x.csv", "DataVersion": "v" * 32}
    )
    sagemaker.add("B-00000001", "Failed", at(60), reason="Step failure: One or multiple steps failed. Train broke")
    header, failed, fine = run("list").stdout.splitlines()
    assert header.split() == ["dimension", "execution", "status", "started", "took", "version"]
    assert failed.startswith("B          000000000001  Failed     2026-01-01 ")
    assert failed.endswith("  Train broke")
    assert fine.endswith("  1 min 30 s  vvvvvvvv")
    (only,) = json.loads(run("list", "A", "--json").stdout)
    assert (only["version"], only["data"], only["pipeline"]) == ("v" * 32, "s3://b/x.csv", "contender")
    assert len(json.loads(run("list", "--limit", "1", "--json").stdout)) == 1


def test_the_list_names_the_pipeline_where_there_are_several(run: Run, sagemaker: FakeExecutions) -> None:
    sagemaker.deployed |= {NAMES.batch_pipeline, NAMES.warm_pipeline}
    sagemaker.add("A-00000001", "Succeeded", START)
    sagemaker.add("A-00000002", "Succeeded", at(1), pipeline=NAMES.batch_pipeline)
    assert "contender-batch" in run("list").stdout


def test_an_empty_list_says_that_it_is(run: Run) -> None:
    assert "there is no execution of dimension 'A'" in run("list", "A").stderr


def test_stop_stops_what_runs_and_nothing_else(run: Run, sagemaker: FakeExecutions) -> None:
    assert refusal(run("stop")) == "no execution runs: there is nothing to stop"
    arn = sagemaker.add("A-00000001", "Executing", START)
    assert json.loads(run("stop", "--dry-run", "--json").stdout) == [{"execution": arn, "status": "would be stopped"}]
    assert not sagemaker.made("StopPipelineExecution")
    sagemaker.add("B-00000001", "Executing", at(1))
    assert "say which one to stop (B-00000001, A-00000001)" in refusal(run("stop"))
    assert json.loads(run("stop", "A", "--json").stdout) == [{"execution": arn, "status": "Stopping"}]
    sagemaker.executions[0]["status"] = "Executing"
    sagemaker.deployed.add(NAMES.batch_pipeline)
    sagemaker.add("A-00000002", "Succeeded", at(2), pipeline=NAMES.batch_pipeline)
    assert json.loads(run("stop", "A", "--json").stdout)[0]["execution"] == arn, "the one that runs, not the latest"
    sagemaker.executions.pop()
    sagemaker.executions[0]["status"] = "Stopped"
    assert refusal(run("stop", "A")) == "execution 000000000000 has ended already: it is Stopped"


def test_retry_of_what_succeeded_is_refused(run: Run, sagemaker: FakeExecutions) -> None:
    sagemaker.add("A-00000001", "Succeeded")
    assert "there is nothing to go on with" in refusal(run("retry", "A"))


def test_retry_of_a_scoring_leaves_its_dimension_free(
    run: Run, sagemaker: FakeExecutions, dynamodb: FakeDynamoDB
) -> None:
    sagemaker.deployed.add(NAMES.batch_pipeline)
    arn = sagemaker.add("A-00000001", "Failed", pipeline=NAMES.batch_pipeline)
    assert json.loads(run("retry", arn, "--json").stdout) == [{"execution": arn}]
    assert dynamodb.calls == []
