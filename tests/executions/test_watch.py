"""What is said while an execution is followed: a line for each step, its violations, why it failed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from contender.cli.executions import shortened
from contender.cli.watching import Screen
from contender.durations import duration
from contender.executions.snapshot import ANY_FAILURE, Watcher
from tests.executions.fakes import JOB, REPORT, FakeExecutions, FakeLogs, Run, check, refusal, step, upload
from tests.pipelines.fakes import FakeS3


def test_a_line_for_each_step_that_ended_and_one_for_the_end(run: Run, sagemaker: FakeExecutions) -> None:
    sagemaker.add(
        "A-00000001",
        "Succeeded",
        steps=[
            step("Gate", ended=9, Metadata={"Condition": {"Outcome": "True"}}),
            step("Preprocess", CacheHitResult={"SourcePipelineExecutionArn": "arn"}),
            step("DataQuality", ended=2, Metadata=check(SkipCheck=True, RegisterNewBaseline=True)),
            step("DataBias", ended=3, Metadata={"ClarifyCheck": {"CheckJobArn": JOB}}),
            step("Train", ended=8),
        ],
    )
    result = run("watch", "A")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Preprocess      Succeeded             reused",
        "DataQuality     Succeeded      2.0 s  check skipped, baseline registered",
        "DataBias        Succeeded      3.0 s  no violations",
        "Train           Succeeded      8.0 s",
        "Gate            Succeeded      9.0 s  true",
        "A-00000001 Succeeded after 90.0 s: 5 steps, 1 of them reused, not run: 11",
    ]


def test_violations_are_told_in_words_whether_they_fail_the_step_or_not(run: Run, sagemaker: FakeExecutions) -> None:
    found = step("DataQuality", Metadata=check(ViolationReport=REPORT))
    sagemaker.add("A-00000001", "Succeeded", steps=[found])
    assert run("watch", "--log-lines", "0").stdout.splitlines()[:3] == [
        "DataQuality     Succeeded      1.5 s  2 violations",
        "    Day Mins: moved far",
        "    State: data_type_check",
    ]
    found |= {"StepStatus": "Failed", "FailureReason": f"ClientError: see {REPORT}"}
    sagemaker.executions[0] |= {"status": "Failed", "reason": "Step failure: One or multiple steps failed. Data"}
    result = run("watch", "A", "--log-lines", "2")
    assert result.stdout.splitlines()[:5] == [
        "DataQuality     Failed         1.5 s  2 violations",
        "    Day Mins: moved far",
        "    State: data_type_check",
        "  | line 38",
        "  | line 39",
    ]
    assert refusal(result) == "execution A-00000001 failed: Data"


def test_of_what_did_not_end_the_execution_only_the_first_violations_are_told(
    run: Run, sagemaker: FakeExecutions, s3: FakeS3
) -> None:
    found = {"violations": [{"metric_name": f"m{number}", "description": "fell"} for number in range(9)]}
    s3.put_object(Bucket="contender-artifacts", Key="report/many.json", Body=json.dumps(found).encode())
    report = "s3://contender-artifacts/report/many.json"
    sagemaker.add("A-00000001", "Succeeded", steps=[step("DataQuality", Metadata=check(ViolationReport=report))])
    assert run("watch", "A").stdout.splitlines()[:5] == [
        "DataQuality     Succeeded      1.5 s  9 violations",
        "    m0: fell",
        "    m1: fell",
        "    m2: fell",
        f"    and 6 more: {report}",
    ]
    (document,) = json.loads(run("watch", "A", "--json").stdout)
    assert sum(len(each["violations"]) for each in document["steps"]) == 9


def test_data_that_was_refused_can_be_accepted_in_one_line(run: Run, sagemaker: FakeExecutions) -> None:
    failed = step("DataQuality", "Failed", Metadata=check(ViolationReport=REPORT))
    reason = f"{ANY_FAILURE}DataQuality: ClientError: Quality check failed. See violation report {REPORT}. "
    given = {"InputDataUri": "s3://data/A/x y.csv"}
    sagemaker.add("A-00000001", "Failed", steps=[failed], reason=reason, parameters=given)
    result = run("watch", "A")
    assert (
        "contender pipeline start --dimension A --data 's3://data/A/x y.csv'"
        " --set SkipDataQualityCheck=true --set RegisterNewDataQualityBaseline=true"
    ) in result.stderr
    assert refusal(result) == "execution A-00000001 failed: DataQuality: ClientError: Quality check failed."


def test_only_what_may_go_better_is_to_be_tried_again(run: Run, sagemaker: FakeExecutions) -> None:
    sagemaker.add("A-00000001", "Failed", steps=[step("Train", "Failed", FailureReason="Interrupted: no power")])
    sagemaker.add("B-00000001", "Failed", steps=[step("Refuse", "Failed", Metadata={"Fail": {"ErrorMessage": "A"}})])
    sagemaker.add(
        "C-00000001", "Failed", steps=[step("Preprocess", "Failed", FailureReason="AlgorithmError: no label")]
    )
    sagemaker.add("D-00000001", "Stopped", steps=[step("Train", "Stopped")])
    for dimension, again in (("A", True), ("B", False), ("C", False), ("D", True)):
        assert (f"contender pipeline retry {dimension}-00000001" in run("watch", dimension).stderr) is again


def test_a_version_that_waits_is_told_with_what_lets_it_go_on(run: Run, sagemaker: FakeExecutions) -> None:
    outputs = [{"Name": "Action", "Value": "waiting"}, {"Name": "Variant", "Value": "v3"}]
    deployed = step("Deploy", Metadata={"Lambda": {"Arn": "arn", "OutputParameters": outputs}})
    sagemaker.add("A-00000001", "Succeeded", steps=[deployed])
    result = run("watch", "A")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "Deploy          Succeeded      1.5 s  v3 waiting")
    assert "contender models approve A" in result.stderr
    outputs[0]["Value"] = "updating"
    result = run("watch", "A")
    assert result.stdout.splitlines()[0] == "Deploy          Succeeded      1.5 s  v3 updating"
    assert result.stderr == ""


def test_a_failure_shows_its_reason_and_the_last_lines_of_its_log(run: Run, sagemaker: FakeExecutions) -> None:
    failed = step(
        "Evaluate", "Failed", FailureReason="AlgorithmError: it\nbroke", Metadata={"ProcessingJob": {"Arn": JOB}}
    )
    sagemaker.add("A-00000001", "Failed", reason="Evaluate broke", steps=[failed])
    result = run("watch", "A")
    lines = result.stdout.splitlines()
    assert lines[0] == "Evaluate        Failed         1.5 s  AlgorithmError: it broke"
    assert [line.strip(" |") for line in lines[1:16]] == list(FakeLogs.lines[-15:])
    assert refusal(result) == "execution A-00000001 failed: Evaluate broke"
    told = run("watch", "A", "--json")
    (document,) = json.loads(told.stdout)
    assert {each["name"]: each["log"] for each in document["steps"]}["Evaluate"] == list(FakeLogs.lines[-15:])
    assert "AlgorithmError" in told.stderr


def test_a_refusal_of_the_gate_has_a_reason_and_no_log(run: Run, sagemaker: FakeExecutions) -> None:
    refused = step(
        "Refuse", "Failed", FailureReason="A: AUC 0.6 is below 0.75", Metadata={"Fail": {"ErrorMessage": "A"}}
    )
    sagemaker.add("A-00000001", "Failed", reason="A: AUC 0.6 is below 0.75", steps=[refused])
    assert "Refuse          Failed         1.5 s  A: AUC 0.6 is below 0.75\nA-00000001" in run("watch", "A").stdout


def test_several_are_told_apart_and_one_failure_is_enough(run: Run, sagemaker: FakeExecutions) -> None:
    sagemaker.add("A-00000001", "Succeeded", steps=[step("Train")])
    sagemaker.add("B-00000001", "Failed", steps=[step("Train", "Failed", FailureReason="no")])
    result = run("watch", "A", "B")
    assert "A  Train           Succeeded" in result.stdout
    assert "B  Train           Failed" in result.stdout
    assert refusal(result) == "1 of 2 executions did not succeed: B-00000001 failed"
    assert [each["name"] for each in json.loads(run("watch", "A", "B", "--json").stdout)] == [
        "A-00000001",
        "B-00000001",
    ]


def test_ctrl_c_leaves_executions_running_and_says_so(run: Run, sagemaker: FakeExecutions) -> None:
    sagemaker.add("A-00000001", "Executing")
    sagemaker.interrupted = True
    result = run("watch", "A")
    assert result.exit_code == 130
    assert "what runs goes on, see it with `contender pipeline watch A`" in result.stderr
    assert "end it with `contender pipeline stop A`" in result.stderr
    assert not sagemaker.made("StopPipelineExecution")


def test_a_wait_that_lasts_too_long_fails(run: Run, sagemaker: FakeExecutions, s3: FakeS3) -> None:
    uri = upload(s3, "data/A/new.csv", datetime.now(UTC))
    result = run("watch", "A", "--timeout", "0")
    assert result.stdout == f"A: waiting for the execution that {uri} starts\n"
    assert refusal(result).startswith(f"{uri} has started nothing after 0 s")


def test_a_slow_step_gets_a_line_where_nothing_can_be_redrawn(
    sagemaker: FakeExecutions, s3: FakeS3, capsys: pytest.CaptureFixture[str]
) -> None:
    arn = sagemaker.add("A-00000001", "Executing", steps=[step("Train", "Executing")])
    with Screen(sagemaker, s3, FakeLogs, 0) as screen:
        for _ in range(3):
            screen.show([Watcher(sagemaker, arn).snapshot()], [])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Train           Executing  ")


def test_iterations_of_a_loop_are_told_by_their_own_names(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    arn = sagemaker.add("A-00000001", "Executing", steps=[step("Score-0"), step("Train")])
    names = [each.name for each in Watcher(sagemaker, arn).snapshot().steps]
    assert names[-1] == "Score-0"
    assert names.count("Train") == 1


def test_durations_and_reasons_are_short() -> None:
    assert [duration(timedelta(seconds=each)) for each in (-1, 8.54, 200, 7500)] == [
        "0.0 s",
        "8.5 s",
        "3 min 20 s",
        "2 h 5 min",
    ]
    assert len(shortened("x" * 1000)) == 161
