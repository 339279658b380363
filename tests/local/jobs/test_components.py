"""The trial component of a job that ran: its metrics' figures, how it ended, and the trial that it names."""

from __future__ import annotations

import pytest

from contender.local.api.errors import ResourceNotFound, ValidationException
from tests.local.jobs.conftest import Machine, channel
from tests.local.jobs.test_training import HYPERPARAMETERS, csv, table

PROGRAM = "print('nothing to do')"


def test_a_training_leaves_the_figures_of_all_its_rounds(machine: Machine) -> None:
    uri = machine.put("component/train/data.csv", csv(table()))
    channels = [channel("train", uri), channel("validation", uri)]
    described = machine.train("component-train", HyperParameters=HYPERPARAMETERS, InputDataConfig=channels)
    component = machine.call("DescribeTrialComponent", TrialComponentName="component-train-aws-training-job")
    metrics = {metric["MetricName"]: metric for metric in component["Metrics"]}
    last = {metric["MetricName"]: metric["Value"] for metric in described["FinalMetricDataList"]}
    assert {name: metric["Last"] for name, metric in metrics.items()} == last
    loss = metrics["train:logloss"]
    assert loss["Count"] == 5
    assert loss["Min"] == loss["Last"] < loss["Avg"] < loss["Max"]
    assert loss["StdDev"] > 0
    assert (component["Status"]["PrimaryStatus"], component["EndTime"]) == ("Completed", described["TrainingEndTime"])
    assert component["OutputArtifacts"]["SageMaker.ModelArtifact"]["Value"].endswith("/model.tar.gz")
    assert "_Metrics" not in described


def test_a_job_that_fails_says_why(machine: Machine) -> None:
    described = machine.process("component-fails", "raise SystemExit('no rows')")
    component = machine.call("DescribeTrialComponent", TrialComponentName="component-fails-aws-processing-job")
    assert component["Status"] == {"PrimaryStatus": "Failed", "Message": described["FailureReason"]}


def test_a_job_joins_the_trial_that_it_names(machine: Machine) -> None:
    machine.call("CreateExperiment", ExperimentName="by-hand")
    machine.call("CreateTrial", TrialName="first", ExperimentName="by-hand")
    config = {"ExperimentName": "by-hand", "TrialName": "first", "TrialComponentDisplayName": "Count"}
    machine.process("component-joins", PROGRAM, ExperimentConfig=config)
    machine.process("component-alone", PROGRAM, ExperimentConfig={"ExperimentName": "by-hand"})
    (joined,) = machine.call("ListTrialComponents", TrialName="first")["TrialComponentSummaries"]
    assert (joined["TrialComponentName"], joined["DisplayName"]) == ("component-joins-aws-processing-job", "Count")
    trials = machine.call("ListTrials", ExperimentName="by-hand", SortBy="Name", SortOrder="Ascending")
    assert [each["TrialName"] for each in trials["TrialSummaries"]] == ["component-alone-aws-trial", "first"]


def test_a_trial_that_is_not_there_or_of_another_experiment_is_refused(machine: Machine) -> None:
    machine.call("CreateExperiment", ExperimentName="one")
    machine.call("CreateExperiment", ExperimentName="two")
    machine.call("CreateTrial", TrialName="of-one", ExperimentName="one")
    with pytest.raises(ResourceNotFound, match="experiment-trial/none"):
        machine.start_processing("component-refused", PROGRAM, ExperimentConfig={"TrialName": "none"})
    config = {"ExperimentName": "two", "TrialName": "of-one"}
    with pytest.raises(ValidationException, match="belongs to experiment one, not two"):
        machine.start_processing("component-refused", PROGRAM, ExperimentConfig=config)
    with pytest.raises(ValidationException, match="component-refused"):
        machine.call("DescribeProcessingJob", ProcessingJobName="component-refused")
