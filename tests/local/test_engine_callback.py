"""Callback steps: a message with a token, an answer from outside, and what a stop, a kill and a retry make of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contender.local.api.errors import ConflictException, ResourceNotFound
from tests.local.small_sagemaker import Sagemaker, get, lambda_step, parameter, refused

QUEUE = "http://127.0.0.1:4566/000000000000/work"
NUMBERS = {"rows": "Integer", "share": "Float", "ok": "Boolean", "uri": "String"}


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Sagemaker]:
    sagemaker = Sagemaker(tmp_path)
    yield sagemaker
    sagemaker.close()


def callback(name: str, arguments: Any = None, outputs: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "Callback",
        "Arguments": arguments or {},
        "SqsQueueUrl": QUEUE,
        "OutputParameters": [{"OutputName": key, "OutputType": kind} for key, kind in (outputs or {}).items()],
        **fields,
    }


def succeed(sagemaker: Sagemaker, token: str, request_token: str | None = None, **values: str) -> str:
    given = [{"Name": name, "Value": value} for name, value in values.items()]
    answer = sagemaker(
        "SendPipelineExecutionStepSuccess",
        CallbackToken=token,
        OutputParameters=given,
        ClientRequestToken=request_token or sagemaker.token(),
    )
    return str(answer["PipelineExecutionArn"])


def give_up(sagemaker: Sagemaker, token: str, **reason: str) -> None:
    sagemaker("SendPipelineExecutionStepFailure", CallbackToken=token, **reason)


def stop(sagemaker: Sagemaker, arn: str) -> None:
    sagemaker("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken=sagemaker.token())


def test_goes_on_with_what_was_answered(sagemaker: Sagemaker) -> None:
    read = {name: get(f"Steps.Ask.OutputParameters['{name}']") for name in NUMBERS}
    sagemaker.create(
        callback("Ask", {"n": 5, "data": get("Parameters.Data")}, NUMBERS),
        lambda_step("Tell", read),
        parameters=[parameter("Data", DefaultValue="s3://data/a.csv")],
    )
    arn = sagemaker.begin()
    message = sagemaker.aws.queue.next()
    token = message["token"]
    assert message == {
        "QueueUrl": QUEUE,
        "token": token,
        "pipelineExecutionArn": arn,
        "arguments": {"n": 5, "data": "s3://data/a.csv"},
        "status": "Executing",
    }
    assert len(token) == 10
    assert sagemaker.steps(arn)["Ask"]["Metadata"] == {"Callback": {"CallbackToken": token, "SqsQueueUrl": QUEUE}}
    assert succeed(sagemaker, token, rows="3", share="0.5", ok="true", uri="s3://out") == arn
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert sagemaker.aws.function.payloads == [{"rows": 3, "share": 0.5, "ok": True, "uri": "s3://out"}]
    metadata = sagemaker.steps(arn)["Ask"]["Metadata"]["Callback"]
    assert metadata["OutputParameters"][0] == {"Name": "rows", "Value": "3"}


def test_a_failure_fails_the_step_with_its_reason_and_a_retry_asks_again(sagemaker: Sagemaker) -> None:
    sagemaker.create(callback("Ask"))
    arn = sagemaker.begin()
    first = sagemaker.aws.queue.next()["token"]
    give_up(sagemaker, first, FailureReason="the cluster is gone")
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Failed"
    assert sagemaker.steps(arn)["Ask"]["FailureReason"] == "the cluster is gone"
    sagemaker("RetryPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken=sagemaker.token())
    second = sagemaker.aws.queue.next()["token"]
    assert second != first
    succeed(sagemaker, second)
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_refuses_outputs_that_are_not_as_declared_and_goes_on_waiting(sagemaker: Sagemaker) -> None:
    sagemaker.create(callback("Ask", outputs={"rows": "Integer", "uri": "String"}))
    arn = sagemaker.begin()
    token = sagemaker.aws.queue.next()["token"]
    assert refused(lambda: succeed(sagemaker, token, rows="many")) == (
        "OutputParameters of step Ask: 'rows': 'many' is not of type Integer; 'uri': it is declared, and not given"
    )
    succeed(sagemaker, token, rows="3", uri="s3://out", more="x")
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_a_token_is_answered_once(sagemaker: Sagemaker) -> None:
    sagemaker.create(callback("Ask"))
    arn = sagemaker.begin()
    token, request_token = sagemaker.aws.queue.next()["token"], sagemaker.token()
    assert succeed(sagemaker, token, request_token) == succeed(sagemaker, token, request_token) == arn
    with pytest.raises(ConflictException, match=r"Step Ask of .* is already in a terminal status"):
        give_up(sagemaker, token)
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Succeeded"
    with pytest.raises(ResourceNotFound, match="Callback token '0123456789' does not exist"):
        succeed(sagemaker, "0123456789")


def test_a_queue_that_is_not_there_fails_the_step(sagemaker: Sagemaker) -> None:
    answer: Any = {
        "Error": {"Code": "AWS.SimpleQueueService.NonExistentQueue", "Message": "no such queue"},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    sagemaker.aws.queue.refusals = [ClientError(answer, "SendMessage")]
    execution = sagemaker.run(callback("Ask"))
    assert execution["PipelineExecutionStatus"] == "Failed"
    reason = sagemaker.steps(execution)["Ask"]["FailureReason"]
    assert reason.startswith(f"ClientError: no message can be sent to {QUEUE}: ")
    assert "no such queue" in reason


def test_a_throttled_queue_is_asked_again_with_the_same_token(sagemaker: Sagemaker) -> None:
    answer: Any = {"Error": {"Code": "Throttling"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    sagemaker.aws.queue.refusals = [ClientError(answer, "SendMessage")]
    sagemaker.create(callback("Ask"))
    arn = sagemaker.begin()
    succeed(sagemaker, sagemaker.aws.queue.next()["token"])
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert sagemaker.steps(arn)["Ask"]["AttemptCount"] == 2


@pytest.mark.parametrize(("ok", "status"), [(True, "Succeeded"), (False, "Stopped")])
def test_a_stop_asks_to_clean_up_and_waits_for_the_answer(sagemaker: Sagemaker, ok: bool, status: str) -> None:
    sagemaker.create(callback("Ask", {"n": 1}), lambda_step("Then", DependsOn=["Ask"]))
    arn = sagemaker.begin()
    asked = sagemaker.aws.queue.next()
    stop(sagemaker, arn)
    told = sagemaker.aws.queue.next()
    assert told == {**asked, "status": "Stopping"}
    assert sagemaker("DescribePipelineExecution", PipelineExecutionArn=arn)["PipelineExecutionStatus"] == "Stopping"
    if ok:
        succeed(sagemaker, told["token"])
    else:
        give_up(sagemaker, told["token"], FailureReason="cleaned up")
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Stopped"
    assert sagemaker.statuses(arn) == {"Ask": status}


def test_a_retry_after_a_kill_waits_for_the_token_that_is_out(sagemaker: Sagemaker) -> None:
    sagemaker.create(callback("Ask", outputs={"n": "Integer"}))
    arn = sagemaker.begin()
    token = sagemaker.aws.queue.next()["token"]
    sagemaker.restart()
    assert sagemaker.statuses(arn) == {"Ask": "Failed"}
    sagemaker("RetryPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken=sagemaker.token())
    succeed(sagemaker, token, n="3")
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert sagemaker.aws.queue.messages.empty()


def test_an_answer_that_comes_while_the_execution_is_interrupted_is_kept(sagemaker: Sagemaker) -> None:
    sagemaker.create(
        callback("Ask", outputs={"n": "Integer"}), lambda_step("Tell", {"N": get("Steps.Ask.OutputParameters['n']")})
    )
    arn = sagemaker.begin()
    token = sagemaker.aws.queue.next()["token"]
    sagemaker.restart()
    assert succeed(sagemaker, token, n="3") == arn
    assert sagemaker.retry(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert sagemaker.aws.function.payloads == [{"N": 3}]
    assert sagemaker.aws.queue.messages.empty()


def test_a_kill_while_it_stops_makes_the_retry_ask_anew(sagemaker: Sagemaker) -> None:
    sagemaker.create(callback("Ask"))
    arn = sagemaker.begin()
    first = sagemaker.aws.queue.next()["token"]
    stop(sagemaker, arn)
    sagemaker.aws.queue.next()
    sagemaker.restart()
    sagemaker("RetryPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken=sagemaker.token())
    second = sagemaker.aws.queue.next()
    assert (second["token"] != first, second["status"]) == (True, "Executing")
    succeed(sagemaker, second["token"])
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_is_taken_from_the_cache(sagemaker: Sagemaker) -> None:
    sagemaker.create(callback("Ask", {"n": 1}, CacheConfig={"Enabled": True}))
    arn = sagemaker.begin()
    succeed(sagemaker, sagemaker.aws.queue.next()["token"])
    sagemaker.finish(arn)
    second = sagemaker.finish(sagemaker.begin())
    assert "CacheHitResult" in sagemaker.steps(second)["Ask"]
    assert sagemaker.aws.queue.messages.empty()


def test_a_deleted_pipeline_takes_its_tokens_with_it(sagemaker: Sagemaker) -> None:
    sagemaker.create(callback("Ask"))
    arn = sagemaker.begin()
    token = sagemaker.aws.queue.next()["token"]
    sagemaker.restart()
    assert sagemaker.statuses(arn) == {"Ask": "Failed"}
    sagemaker("DeletePipeline", PipelineName="p", ClientRequestToken=sagemaker.token())
    with pytest.raises(ResourceNotFound):
        succeed(sagemaker, token)
