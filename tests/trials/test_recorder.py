"""What the recorder writes of an execution that has ended, however it ended and however often it is asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contender.lambdas import record as function
from contender.trials.gathering import Gathering
from contender.trials.record import MOST_PARAMETERS, Outcome, Record, component_name, content, number_or_text, read
from contender.trials.recorder import Recorder
from tests.lambdas.fakes import client_error
from tests.trials.fakes import (
    ARN,
    EVALUATE,
    EXECUTION,
    NAMES,
    PACKAGE,
    REFUSED,
    REPORT,
    REPORT_URI,
    START,
    TRAIN,
    TUNE,
    FakeS3,
    FakeSageMaker,
    gate,
)

COMPONENT = "contender-abcdefghijkl"
EVENT = {
    "detail-type": "SageMaker Model Building Pipeline Execution Status Change",
    "detail": {"pipelineExecutionArn": EXECUTION, "currentPipelineExecutionStatus": "Succeeded"},
}


@pytest.fixture
def sagemaker() -> FakeSageMaker:
    return FakeSageMaker()


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


@pytest.fixture
def recorder(sagemaker: FakeSageMaker, s3: FakeS3) -> Recorder:
    return Recorder(Gathering(sagemaker, s3, NAMES))


def written(recorder: Recorder) -> Record:
    """What is read back of the component that was written."""
    record = recorder.write(EXECUTION)
    assert record is not None
    kept = read(recorder.gathering.sagemaker.components[COMPONENT])
    assert kept == record
    return kept


def test_a_registered_challenger(recorder: Recorder, sagemaker: FakeSageMaker) -> None:
    record = written(recorder)
    assert (record.outcome, record.version, record.package) == (Outcome.REGISTERED, 3, PACKAGE)
    assert (record.dimension, record.data) == ("A", "s3://data/data/A/march.csv")
    assert record.origin == {"dataVersion": "v1", "codeVersion": "c0de", "commit": "0123456789abcdef"}
    assert record.parameters == {
        "hyperparameter.eta": 0.2,
        "hyperparameter.objective": "binary:logistic",
        "pipeline.SkipDataQualityCheck": "true",
    }
    assert record.metrics == {
        "evaluation.auc": 0.91,
        "evaluation.log_loss": 0.4,
        "evaluation.rows": 500,
        "champion.version": 2,
        "champion.auc": 0.9,
        "difference.auc": 0.01,
        "difference.lower": -0.004,
        "difference.confidence": 0.95,
        "gate.possible_loss": 0.004,
        "training.validation:auc": 0.93,
    }
    assert record.verdicts == {"auc": "passed", "possible_loss": "passed"}
    component = sagemaker.components[COMPONENT]
    assert component["DisplayName"] == "A-v3"
    assert component["Status"]["PrimaryStatus"] == "Completed"
    assert component["EndTime"] - component["StartTime"] == timedelta(seconds=90)
    assert {"Key": "dimension", "Value": "A"} in sagemaker.tags[COMPONENT]
    assert sagemaker.trials == {"abcdefghijkl": {COMPONENT}}


def test_the_same_event_twice_is_one_component(recorder: Recorder, sagemaker: FakeSageMaker) -> None:
    assert function.answer(recorder, EVENT) == function.answer(recorder, EVENT)
    assert len(sagemaker.made("CreateTrialComponent")) == len(sagemaker.components) == 1
    (update,) = sagemaker.made("UpdateTrialComponent")
    assert not [name for name in update if name.endswith("ToRemove")]


def test_an_event_delivered_twice_at_once(recorder: Recorder, sagemaker: FakeSageMaker) -> None:
    sagemaker.comes_first = {"Parameters": {"execution": {"StringValue": EXECUTION}}}
    assert written(recorder).version == 3


def test_what_aws_refuses_is_an_error(recorder: Recorder, sagemaker: FakeSageMaker) -> None:
    def refuse(**request: Any) -> None:
        raise client_error("CreateTrialComponent", "AccessDeniedException", "no")

    sagemaker.create_trial_component = refuse  # type: ignore[method-assign]
    with pytest.raises(Exception, match="AccessDenied"):
        recorder.write(EXECUTION)


def test_a_refused_challenger_says_why(recorder: Recorder, sagemaker: FakeSageMaker, s3: FakeS3) -> None:
    sagemaker.status, sagemaker.reason = "Failed", "Step failure: One or multiple steps failed. Refuse: A: Refused"
    sagemaker.metadata = {"Train": TRAIN, "Evaluate": EVALUATE, "Gate": gate(False)}
    s3.objects[REPORT_URI] = {**REPORT, "gate": REFUSED}
    record = written(recorder)
    assert (record.outcome, record.version, record.reason) == (Outcome.REFUSED, None, REFUSED["reason"])
    assert record.metrics["evaluation.auc"] == 0.91
    assert sagemaker.components[COMPONENT]["DisplayName"] == "A-refused"


def test_an_execution_that_failed_before_anything_was_trained(recorder: Recorder, sagemaker: FakeSageMaker) -> None:
    sagemaker.status, sagemaker.metadata = "Failed", {}
    sagemaker.reason = "Step failure: One or multiple steps failed. Preprocess: no\nheader"
    record = recorder.write(EXECUTION)
    assert record is not None
    assert (record.outcome, record.reason) == (Outcome.FAILED, "Preprocess: no\nheader")
    assert record.parameters == {"pipeline.SkipDataQualityCheck": "true"}
    assert (record.metrics, record.verdicts) == ({}, {})
    assert sagemaker.components[COMPONENT]["Status"] == {"PrimaryStatus": "Failed", "Message": "Preprocess: no header"}


def test_a_registered_challenger_whose_roll_out_failed_keeps_that_reason(
    recorder: Recorder, sagemaker: FakeSageMaker
) -> None:
    sagemaker.status = "Failed"
    sagemaker.reason = "Step failure: One or multiple steps failed. Deploy: no room"
    assert written(recorder).reason == "Deploy: no room"


def test_a_stopped_execution(recorder: Recorder, sagemaker: FakeSageMaker) -> None:
    sagemaker.status, sagemaker.metadata = "Stopped", {"Train": TRAIN}
    assert written(recorder).outcome is Outcome.STOPPED


def test_a_report_and_jobs_that_are_gone(recorder: Recorder, sagemaker: FakeSageMaker, s3: FakeS3) -> None:
    s3.objects.clear()
    sagemaker.gone = {"train-1"}
    record = written(recorder)
    assert (record.outcome, record.report, record.metrics) == (Outcome.REGISTERED, "", {})
    sagemaker.gone |= {"evaluate-1", "tune-1"}
    sagemaker.metadata["Train"] = TUNE
    assert written(recorder).parameters == {"pipeline.SkipDataQualityCheck": "true"}


def test_of_a_search_the_best_training_counts(recorder: Recorder, sagemaker: FakeSageMaker) -> None:
    sagemaker.metadata = {"Tune": TUNE, **sagemaker.metadata}
    del sagemaker.metadata["Train"]
    record = written(recorder)
    assert record.parameters["hyperparameter.eta"] == 0.31
    assert record.parameters["hyperparameter.objective"] == "binary:logistic"
    assert sagemaker.made("DescribeTrainingJob") == [{"TrainingJobName": "tune-1-007"}]


def test_a_retry_takes_away_what_no_longer_holds(recorder: Recorder, sagemaker: FakeSageMaker) -> None:
    sagemaker.status, sagemaker.reason = "Stopped", "somebody stopped it"
    sagemaker.metadata = {"Train": TRAIN}
    written(recorder)
    sagemaker.status, sagemaker.reason = "Succeeded", ""
    sagemaker.metadata = {"Tune": TUNE, "Gate": gate(True), "Register": {"RegisterModel": {"Arn": PACKAGE}}}
    record = written(recorder)
    assert (record.outcome, record.reason) == (Outcome.REGISTERED, "")


def test_nothing_is_written_while_it_runs(recorder: Recorder, sagemaker: FakeSageMaker) -> None:
    sagemaker.status = "Executing"
    assert function.answer(recorder, EVENT)["outcome"] == "runs"
    assert sagemaker.components == {}


@pytest.mark.parametrize("pipeline", ["contender-batch", "other", "contenders"])
def test_executions_that_train_nothing_of_ours_are_left_alone(
    recorder: Recorder, sagemaker: FakeSageMaker, pipeline: str
) -> None:
    event = {"detail": {"pipelineExecutionArn": f"{ARN}:pipeline/{pipeline}/execution/abcdefghijkl"}}
    assert function.answer(recorder, event)["outcome"] == "not ours"
    assert sagemaker.calls == []


def test_an_execution_without_a_trial_has_a_component_all_the_same(
    recorder: Recorder, sagemaker: FakeSageMaker
) -> None:
    sagemaker.trial = None
    written(recorder)
    assert sagemaker.trials == {}


def test_a_commit_counts_only_if_the_execution_ran_it(recorder: Recorder, sagemaker: FakeSageMaker) -> None:
    sagemaker.pipeline_changed = START + timedelta(seconds=1)
    assert "commit" not in written(recorder).origin


def test_a_component_holds_what_sagemaker_takes() -> None:
    record = Record(
        execution=EXECUTION,
        dimension="A",
        outcome=Outcome.FAILED,
        started=START,
        ended=START,
        reason="long\n" * 2000,
        parameters={f"hyperparameter.{number:03d}": "x" * 3000 for number in range(400)},
    )
    body = content(record)
    assert len(body["Parameters"]) == MOST_PARAMETERS
    assert body["Parameters"]["outcome"] == {"StringValue": "failed"}
    assert max(len(value["StringValue"]) for value in body["Parameters"].values()) == 2500
    assert len(body["Status"]["Message"]) == 1024
    assert "\n" not in body["Status"]["Message"]
    FakeSageMaker().create_trial_component(TrialComponentName=component_name(NAMES, EXECUTION), Tags=[], **body)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("0.2", 0.2), ("-1e3", -1000.0), (".5", 0.5), ("5.", 5.0)),
        *((text, text) for text in ("nan", "inf", "", "2024_01", "1e400", " 5", "0x1")),
    ],
)
def test_what_reads_as_a_number_is_one(text: str, value: Any) -> None:
    assert number_or_text(text) == value
