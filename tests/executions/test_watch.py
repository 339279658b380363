"""Following executions: which ones a word means, what is said of each step, and the lists and stops beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contender.cli import pipeline
from contender.cli.executions import duration, shortened
from contender.cli.watching import Screen
from contender.errors import ContenderError
from contender.executions import violations
from contender.executions.snapshot import ANY_FAILURE, Watcher
from contender.executions.watch import STARTS_WITHIN, Uploads, Watch
from contender.naming import Names
from tests.lambdas.fakes import Fake, FakeDynamoDB, client_error, operation
from tests.pipelines.fakes import FakeCloudFormation, FakeS3
from tests.pipelines.full_definition import full_definition

NAMES = Names("contender")
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
BUCKET = "contender-data"
JOB = "arn:aws:sagemaker:us-east-1:000000000000:processing-job/check-1"
REPORT = "s3://contender-artifacts/report/constraint_violations.json"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class FakeExecutions(Fake):
    """Executions of the full definition, each with the steps that a test gives it."""

    service = "sagemaker"

    def __init__(self) -> None:
        super().__init__()
        self.executions: list[dict[str, Any]] = []
        self.deployed = {NAMES.pipeline}
        self.interrupted = False

    def add(self, name: str, status: str, started: datetime = START, **more: Any) -> str:
        """Of the training pipeline unless `pipeline` says another; `steps` are the service's own records."""
        owner = more.get("pipeline", NAMES.pipeline)
        identity = f"{len(self.executions):012d}"
        arn = f"arn:aws:sagemaker:us-east-1:000000000000:pipeline/{owner}/execution/{identity}"
        self.executions.append({"arn": arn, "name": name, "status": status, "started": started, "of": owner, **more})
        return arn

    def get_paginator(self, name: str) -> Any:
        fake = self

        class Paginator:
            @staticmethod
            def paginate(**request: Any) -> Iterator[dict[str, Any]]:
                yield getattr(fake, name)(**request)

        return Paginator()

    @operation
    def list_pipeline_executions(self, *, PipelineName: str, **request: Any) -> dict[str, Any]:
        if PipelineName not in self.deployed:
            raise client_error("ListPipelineExecutions", "ResourceNotFound", "Pipeline does not exist.")
        mine = [each for each in self.executions if each["of"] == PipelineName]
        return {
            "PipelineExecutionSummaries": [
                {
                    "PipelineExecutionArn": each["arn"],
                    "PipelineExecutionDisplayName": each["name"],
                    "PipelineExecutionStatus": each["status"],
                    "StartTime": each["started"],
                }
                for each in sorted(mine, key=lambda each: each["started"], reverse=True)
            ]
        }

    @operation
    def describe_pipeline_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        if self.interrupted:
            raise KeyboardInterrupt
        each = self._find(PipelineExecutionArn)
        reason = {"FailureReason": each["reason"]} if "reason" in each else {}
        return {
            "PipelineExecutionArn": each["arn"],
            "PipelineExecutionDisplayName": each["name"],
            "PipelineExecutionStatus": each["status"],
            "CreationTime": each["started"],
            "LastModifiedTime": each["started"] + timedelta(seconds=90),
            **reason,
        }

    @operation
    def describe_pipeline_definition_for_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        return {"PipelineDefinition": json.dumps(full_definition())}

    @operation
    def list_pipeline_parameters_for_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        given = self._find(PipelineExecutionArn).get("parameters", {})
        return {"PipelineParameters": [{"Name": name, "Value": value} for name, value in given.items()]}

    @operation
    def list_pipeline_execution_steps(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        return {"PipelineExecutionSteps": self._find(PipelineExecutionArn).get("steps", [])}

    @operation
    def stop_pipeline_execution(self, *, PipelineExecutionArn: str, ClientRequestToken: str) -> dict[str, Any]:
        self._find(PipelineExecutionArn)["status"] = "Stopping"
        return {"PipelineExecutionArn": PipelineExecutionArn}

    @operation
    def retry_pipeline_execution(self, *, PipelineExecutionArn: str, ClientRequestToken: str) -> dict[str, Any]:
        self._find(PipelineExecutionArn)["status"] = "Executing"
        return {"PipelineExecutionArn": PipelineExecutionArn}

    def _find(self, arn: str) -> dict[str, Any]:
        return next(each for each in self.executions if each["arn"] == arn)


class FakeLogs:
    """Every stream of every group has the same lines."""

    lines = tuple(f"line {number}" for number in range(40))

    def get_paginator(self, name: str) -> Any:
        class Paginator:
            @staticmethod
            def paginate(*, logGroupName: str, logStreamNamePrefix: str, **request: Any) -> list[dict[str, Any]]:
                assert logGroupName == "/aws/sagemaker/ProcessingJobs"
                events = [
                    {"timestamp": number, "message": text, "logStreamName": f"{logStreamNamePrefix}algo-1"}
                    for number, text in enumerate(FakeLogs.lines)
                ]
                return [{"events": events}]

        return Paginator()


def step(name: str, status: str = "Succeeded", ended: float = 1.5, **more: Any) -> dict[str, Any]:
    times: dict[str, Any] = {"StartTime": START}
    if status != "Executing":
        times["EndTime"] = at(ended)
    return {"StepName": name, "StepStatus": status, **times, **more}


def check(**said: Any) -> dict[str, Any]:
    return {"QualityCheck": {"CheckType": "DATA_QUALITY", "CheckJobArn": JOB, **said}}


@pytest.fixture
def sagemaker() -> FakeExecutions:
    return FakeExecutions()


@pytest.fixture
def s3() -> FakeS3:
    found = FakeS3()
    said = {
        "violations": [
            {"feature_name": "Day Mins", "constraint_check_type": "baseline_drift_check", "description": "moved\nfar"},
            {"feature_name": "State", "constraint_check_type": "data_type_check"},
        ]
    }
    found.put_object(
        Bucket="contender-artifacts", Key="report/constraint_violations.json", Body=json.dumps(said).encode()
    )
    return found


Run = Callable[..., Result]


@pytest.fixture
def dynamodb() -> FakeDynamoDB:
    return FakeDynamoDB()


@pytest.fixture
def run(
    sagemaker: FakeExecutions, s3: FakeS3, dynamodb: FakeDynamoDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.chdir(tmp_path)
    clients = {
        "sagemaker": sagemaker,
        "s3": s3,
        "cloudformation": FakeCloudFormation(),
        "dynamodb": dynamodb,
        "logs": FakeLogs(),
    }

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(pipeline.command, words, obj=lambda service, region: clients[service])

    return invoke


def refusal(result: Result) -> str:
    assert isinstance(result.exception, ContenderError), result.exception
    return str(result.exception)


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


def watching(sagemaker: FakeExecutions, s3: FakeS3, *words: str, now: datetime = START) -> Watch:
    watch = Watch(sagemaker, NAMES, Uploads(s3, BUCKET, "data/"))
    watch.begin(words, now)
    return watch


def followed(watch: Watch) -> list[str]:
    return [snapshot.name for snapshot in watch.look()]


def upload(s3: FakeS3, key: str, when: datetime) -> str:
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    s3.modified = when
    return f"s3://{BUCKET}/{key}"


def test_right_after_an_upload_its_execution_is_meant_and_not_the_one_before(
    sagemaker: FakeExecutions, s3: FakeS3
) -> None:
    sagemaker.add("A-00000001", "Succeeded", START)
    uri = upload(s3, "data/A/new.csv", at(60))
    watch = watching(sagemaker, s3, "A", now=at(61))
    assert followed(watch) == []
    assert watch.awaited["A"].uri == uri
    sagemaker.add("B-00000001", "Executing", at(62))
    assert followed(watch) == [], "another dimension's is not awaited"
    sagemaker.add("A-00000002", "Executing", at(63), parameters={"InputDataUri": uri, "DataVersion": "0123abcd"})
    assert followed(watch) == ["A-00000002"]
    assert watch.awaited == {}


def test_an_upload_that_has_started_its_execution_is_not_awaited(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    """S3's whole seconds may make the two look simultaneous."""
    uri = upload(s3, "data/A/new.csv", START)
    sagemaker.add("A-00000001", "Succeeded", at(0.4), parameters={"InputDataUri": uri, "DataVersion": "0123abcd"})
    watch = watching(sagemaker, s3, "A", now=at(1))
    assert (followed(watch), watch.awaited) == (["A-00000001"], {})


def test_an_upload_waiting_behind_a_running_execution_is_followed_too(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    sagemaker.add("A-00000001", "Executing", START, parameters={"InputDataUri": "s3://b/old.csv"})
    upload(s3, "data/A/new.csv", at(5))
    watch = watching(sagemaker, s3, "A", now=at(3600))
    assert followed(watch) == ["A-00000001"]
    assert list(watch.awaited) == ["A"]


def test_an_upload_that_started_nothing_for_long_is_told_and_not_awaited(
    run: Run, sagemaker: FakeExecutions, s3: FakeS3
) -> None:
    sagemaker.add("A-00000001", "Succeeded", START)
    uri = upload(s3, "data/A/new.csv", at(60))
    watch = watching(sagemaker, s3, "A", now=at(61) + STARTS_WITHIN)
    assert (followed(watch), watch.awaited) == (["A-00000001"], {})
    assert f"{uri} was uploaded at 12:01:00 and has started nothing" in run("watch", "A").stderr


class Forbidden(FakeS3):
    def get_paginator(self, name: str) -> Any:
        raise client_error("ListObjectsV2", "AccessDenied", "no", 403)


def test_who_may_not_list_uploads_may_watch_all_the_same(sagemaker: FakeExecutions) -> None:
    sagemaker.add("A-00000001", "Succeeded", START)
    assert followed(watching(sagemaker, Forbidden(), "A")) == ["A-00000001"]


def test_what_has_ended_is_not_asked_for_again(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    sagemaker.add("A-00000001", "Succeeded", START)
    watch = watching(sagemaker, s3, "A")
    assert followed(watch) == followed(watch) == ["A-00000001"]
    assert len(sagemaker.made("ListPipelineExecutionSteps")) == 1


def test_files_that_start_nothing_are_not_awaited(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    sagemaker.add("A-00000001", "Succeeded", START)
    upload(s3, "data/A/notes.txt", at(60))
    assert watching(sagemaker, s3, "A", now=at(61)).awaited == {}


def test_no_word_means_all_that_runs_and_all_that_starts_meanwhile(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    sagemaker.add("A-00000001", "Executing", START)
    sagemaker.add("B-00000001", "Executing", at(1))
    sagemaker.add("C-00000001", "Succeeded", at(2))
    watch = watching(sagemaker, s3, now=at(60))
    assert sorted(followed(watch)) == ["A-00000001", "B-00000001"]
    sagemaker.add("D-00000001", "Executing", at(3))
    assert sorted(followed(watch)) == ["A-00000001", "B-00000001", "D-00000001"]


def test_no_word_means_what_was_over_before_anybody_watched_too(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    sagemaker.add("C-00000001", "Succeeded", at(-100))
    sagemaker.add("A-00000001", "Succeeded", at(-3))
    sagemaker.add("A-00000002", "Executing", at(1))
    sagemaker.add("B-00000001", "Succeeded", START)
    sagemaker.add("B-00000002", "Failed", at(2))
    assert sorted(followed(watching(sagemaker, s3, now=at(3)))) == ["A-00000002", "B-00000002"]


def test_where_nothing_runs_the_latest_is_meant(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    sagemaker.add("A-00000001", "Succeeded", START)
    sagemaker.add("B-00000001", "Failed", at(1))
    assert followed(watching(sagemaker, s3, now=at(60))) == ["B-00000001"]
    assert followed(watching(sagemaker, s3, "000000000000")) == ["A-00000001"]
    assert followed(watching(sagemaker, s3, "A-00000001")) == ["A-00000001"]


def test_scoring_a_file_is_no_answer_to_an_upload(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    sagemaker.deployed.add(NAMES.batch_pipeline)
    sagemaker.add("A-00000001", "Succeeded", START)
    upload(s3, "data/A/new.csv", at(60))
    sagemaker.add("A-00000002", "Succeeded", at(120), pipeline=NAMES.batch_pipeline)
    watch = watching(sagemaker, s3, "A", now=at(121))
    assert (followed(watch), list(watch.awaited)) == ([], ["A"])


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


@pytest.mark.parametrize(
    ("violation", "said"),
    [
        ({"feature_name": "Age", "description": "Age is gone"}, "Age is gone"),
        ({"metric_name": "auc", "description": "0.5 is below 0.7"}, "auc: 0.5 is below 0.7"),
        ({"facet": "Plan", "facet_value": "yes", "metric_name": "DI", "description": "0.2"}, "DI of Plan = yes: 0.2"),
        (
            {
                "facet": "Plan",
                "facet_value": "yes",
                "metric_name": "RD",
                "description": "Value 0.2 does not meet the constraint requirement: Recall Difference (RD) rose to 0.2",
            },
            "Recall Difference (RD) rose to 0.2",
        ),
        ({"label": "1", "metric_name": "shap", "description": "0.2"}, "shap of label 1: 0.2"),
        ({}, "no description"),
    ],
)
def test_a_violation_in_words(violation: dict[str, str], said: str) -> None:
    assert violations.sentence(violation) == said


def test_a_report_that_cannot_be_read_says_so(s3: FakeS3) -> None:
    s3.put_object(Bucket="b", Key="k", Body=b"[]")
    assert violations.read(s3, "s3://b/k") == ("s3://b/k is no report of violations",)
    assert violations.read(s3, "s3://b/none") == ("s3://b/none cannot be read: NoSuchKey",)


def test_durations_and_reasons_are_short() -> None:
    assert [duration(timedelta(seconds=each)) for each in (-1, 8.54, 200, 7500)] == [
        "0.0 s",
        "8.5 s",
        "3 min 20 s",
        "2 h 5 min",
    ]
    assert len(shortened("x" * 1000)) == 161
