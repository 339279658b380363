"""Finding and reading logs: real CloudWatch Logs of MiniStack, a SageMaker that answers from lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contender.errors import NotFoundError
from contender.executions.logs import FUNCTIONS, Reader, Source, Target, find, finished, last_words, of_step, sources
from contender.naming import Names
from tests.infra.templates import of_type, read
from tests.local.running import MiniStack

NAMES = Names("contender")
PIPELINE = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/contender"
START = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)


LAMBDA_LINES = {
    5: '{"dimension": "SM-1", "when": "too early"}',
    15: '{"dimension": "SM-1", "champion": 3}',
    16: '{"dimension": "SM-10", "champion": 4}',
    17: "REPORT RequestId: 1",
    40: '{"dimension": "SM-1", "when": "too late"}',
}


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


class SageMaker:
    """One pipeline with three executions, the latest first; the second has steps."""

    executions = ("SM-10-aaaaaaaa", "SM-1-bbbbbbbb", "SM-1-cccccccc")

    def __init__(self, status: str = "Succeeded") -> None:
        self._status = status

    def describe_pipeline_execution(self, PipelineExecutionArn: str) -> dict[str, Any]:
        return {"PipelineExecutionStatus": self._status, "PipelineExecutionDisplayName": "SM-1-bbbbbbbb"}

    def get_paginator(self, operation: str) -> Any:
        pages = {
            "list_pipeline_executions": {
                "PipelineExecutionSummaries": [
                    {
                        "PipelineExecutionArn": f"{PIPELINE}/execution/execution00{number}",
                        "PipelineExecutionDisplayName": name,
                        "StartTime": START,
                    }
                    for number, name in enumerate(self.executions)
                ]
            },
            "list_pipeline_execution_steps": {
                "PipelineExecutionSteps": [
                    {"StepName": "Gate", "Metadata": {"Condition": {"Outcome": "True"}}},
                    {"StepName": "Preprocess", "Metadata": {"ProcessingJob": {"Arn": "arn:…:processing-job/prepare"}}},
                    {"StepName": "Tune", "Metadata": {"TuningJob": {"Arn": "arn:…:hyper-parameter-tuning-job/tune"}}},
                    {
                        "StepName": "Champion",
                        "StartTime": at(10),
                        "EndTime": at(20),
                        "Metadata": {"Lambda": {"Arn": "arn:aws:lambda:r:1:function:contender-champion"}},
                    },
                ]
            },
            "list_training_jobs_for_hyper_parameter_tuning_job": {
                "TrainingJobSummaries": [
                    {"TrainingJobName": "tune-001-f00", "TrainingJobStatus": "Failed", "CreationTime": START},
                    {"TrainingJobName": "tune-000-0ff", "TrainingJobStatus": "Completed", "CreationTime": START},
                ]
            },
        }[operation]

        class Pages:
            @staticmethod
            def paginate(**request: Any) -> list[dict[str, Any]]:
                return [pages]

        return Pages()


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    running = MiniStack(tmp_path_factory.mktemp("logs"))
    running.start()
    client = running.client("logs")
    for group, stream, lines in (
        ("/aws/sagemaker/ProcessingJobs", "prepare/algo-1-1", {1: "prepared", 4: "saved"}),
        ("/aws/sagemaker/ProcessingJobs", "prepare-2/algo-1-1", {1: "somebody else's"}),
        ("/aws/sagemaker/TrainingJobs", "tune-001-f00/algo-1-1", {2: "trained\n"}),
        ("/aws/lambda/contender-champion", "worker", LAMBDA_LINES),
    ):
        write(client, group, stream, lines)
    yield client
    running.close()


def write(client: Any, group: str, stream: str, lines: dict[int, str]) -> None:
    for create, named in (
        (client.create_log_group, {"logGroupName": group}),
        (client.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
    ):
        try:
            create(**named)
        except client.exceptions.ResourceAlreadyExistsException:
            continue
    events = [
        {"timestamp": int(at(second).timestamp() * 1000), "message": text} for second, text in sorted(lines.items())
    ]
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_an_executions_lines_come_from_all_its_steps_in_the_order_of_time(logs: Any) -> None:
    target = find(SageMaker(), logs, NAMES, f"{PIPELINE}/execution/execution001")
    lines = Reader(logs).read(sources(SageMaker(), target))
    assert [(line.label, line.text) for line in lines] == [
        ("Preprocess", "prepared"),
        ("Tune f00", "trained"),
        ("Preprocess", "saved"),
        ("Champion", '{"dimension": "SM-1", "champion": 3}'),
    ]


def test_a_failed_search_ends_with_the_words_of_the_trial_that_failed(logs: Any) -> None:
    tune = {"StepName": "Tune", "Metadata": {"TuningJob": {"Arn": "arn:…:hyper-parameter-tuning-job/tune"}}}
    assert [(line.label, line.text) for line in last_words(SageMaker(), logs, tune, "SM-1", 5)] == [
        ("Tune f00", "trained")
    ]


def test_last_words_are_only_the_last(logs: Any) -> None:
    step = {"StepName": "Preprocess", "Metadata": {"ProcessingJob": {"Arn": "arn:…:processing-job/prepare"}}}
    assert [line.text for line in last_words(SageMaker(), logs, step, "SM-1", 1)] == ["saved"]


@pytest.mark.parametrize("kind", ["QualityCheck", "ClarifyCheck"])
def test_a_check_speaks_through_its_processing_job(kind: str) -> None:
    step = {"StepName": "Bias", "Metadata": {kind: {"CheckJobArn": "arn:…:processing-job/check"}}}
    assert list(of_step(SageMaker(), step, "SM-1")) == [Source("Bias", "/aws/sagemaker/ProcessingJobs", "check/")]


def test_a_dimension_stands_for_its_latest_execution_and_its_endpoint(logs: Any) -> None:
    target = find(SageMaker(), logs, NAMES, "SM-1")
    assert target.execution_arn == f"{PIPELINE}/execution/execution001"
    assert [source.group for source in target.sources] == ["/aws/sagemaker/Endpoints/contender-SM-1"]


def test_an_id_names_an_execution(logs: Any) -> None:
    assert find(SageMaker(), logs, NAMES, "execution002").execution_arn == f"{PIPELINE}/execution/execution002"


def test_a_function_has_its_own_group(logs: Any) -> None:
    assert find(SageMaker(), logs, NAMES, "tick").sources == (Source("tick", "/aws/lambda/contender-tick"),)


def test_a_job_is_found_by_its_whole_name(logs: Any) -> None:
    target = find(SageMaker(), logs, NAMES, "prepare")
    assert [line.text for line in Reader(logs).read(target.sources)] == ["prepared", "saved"]
    with pytest.raises(NotFoundError, match="'prep' is no dimension, execution or job"):
        find(SageMaker(), logs, NAMES, "prep")


def test_following_reads_each_line_once_even_within_one_millisecond(logs: Any) -> None:
    group = "/aws/sagemaker/TransformJobs"
    write(logs, group, "followed/1", {1: "one"})
    reader, places = Reader(logs), [Source("job", group, "followed/")]
    assert [line.text for line in reader.read(places)] == ["one"]
    write(logs, group, "followed/2", {1: "at the same time", 2: "two"})
    assert [line.text for line in reader.read(places)] == ["at the same time", "two"]
    assert reader.read(places) == []


def test_a_group_that_is_not_there_yet_is_silent(logs: Any) -> None:
    assert Reader(logs).read([Source("endpoint", "/aws/sagemaker/Endpoints/none")]) == []


@pytest.mark.parametrize(("status", "over"), [("Executing", False), ("Stopping", False), ("Failed", True)])
def test_following_ends_with_the_execution(status: str, over: bool) -> None:
    assert finished(SageMaker(status), Target(execution_arn="any")) is over
    assert finished(SageMaker(status), Target(sources=(Source("any", "any"),))) is False


class Unnumbered:
    """CloudWatch Logs as MiniStack answers for Lambdas: lines without an id."""

    def __init__(self, *lines: tuple[int, str]) -> None:
        self.lines = list(lines)

    def get_paginator(self, operation: str) -> Any:
        events = [
            {"timestamp": int(at(second).timestamp() * 1000), "message": text, "logStreamName": "worker"}
            for second, text in self.lines
        ]

        class Pages:
            @staticmethod
            def paginate(startTime: int, **request: Any) -> list[dict[str, Any]]:
                return [{"events": [event for event in events if event["timestamp"] >= startTime]}]

        return Pages()


def test_lines_without_an_id_are_told_apart_by_how_often_they_were_said() -> None:
    logs = Unnumbered((1, "again"), (2, "again"), (2, "again"))
    reader, places = Reader(logs), [Source("tick", "group")]
    assert len(reader.read(places)) == 3
    logs.lines.append((2, "again"))
    assert [line.text for line in reader.read(places)] == ["again"]


def test_every_function_of_the_stacks_has_a_word_for_its_log() -> None:
    named = {
        properties["FunctionName"]["Fn::Sub"].removeprefix("${Project}-")
        for stack in ("core", "experiments", "inference", "monitoring")
        for properties in of_type(read(f"{stack}.yaml"), "AWS::Lambda::Function").values()
    }
    assert {name for name in named if not name.startswith("hook-")} == set(FUNCTIONS)
