"""Pipelines through boto3 on a running laptop: real jobs, a real function, real events, and a kill in between."""

from __future__ import annotations

import io
import json
import os
import signal
import time
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contender.local.launcher.laptop import SAGEMAKER, Laptop, Ports
from contender.local.launcher.processes import identify
from tests.conftest import Clients
from tests.local.running import eventually
from tests.local.small_sagemaker import (
    ROLE,
    compare,
    condition,
    definition,
    fail,
    get,
    join,
    json_get,
    lambda_step,
    processing,
)

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
REPORT = [{"PropertyFileName": "R", "OutputName": "result", "FilePath": "report.json"}]

EVALUATE = """
import json, pathlib
pathlib.Path("/opt/ml/processing/result/report.json").write_text(json.dumps({"auc": 0.9}))
"""
SLEEP = "import time\ntime.sleep(300)\n"
FUNCTION = """
import json

def handler(event, context):
    print(json.dumps(event))
    if "boom" in event:
        raise ValueError("no such endpoint")
    return {"Seen": event["Auc"], "Count": 3}
"""


class Pipelines:
    """Pipelines of one laptop, each under a name of its own."""

    def __init__(self, clients: Any, bucket: str) -> None:
        self.clients, self.bucket = clients, bucket
        self.sagemaker = clients("sagemaker")
        self._function_arn: str | None = None

    def script(self, text: str) -> str:
        """The folder on S3 that holds the script as run.py."""
        key = f"scripts/{uuid.uuid4()}"
        self.clients("s3").put_object(Bucket=self.bucket, Key=f"{key}/run.py", Body=text.encode())
        return f"s3://{self.bucket}/{key}/"

    def step(self, name: str, text: str, **fields: Any) -> dict[str, Any]:
        output = join(f"s3://{self.bucket}", get("Execution.PipelineExecutionId"), name, on="/")
        step = processing(name, inputs=[self.script(text)], output=output, **fields)
        step["Arguments"]["AppSpecification"] = {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/0/run.py"],
        }
        return step

    def function_step(self, name: str, arguments: dict[str, Any], **outputs: str) -> dict[str, Any]:
        if self._function_arn is None:
            archive = io.BytesIO()
            with zipfile.ZipFile(archive, "w") as file:
                file.writestr("function.py", FUNCTION)
            self._function_arn = self.clients("lambda").create_function(
                FunctionName=f"steps-{uuid.uuid4().hex[:8]}",
                Runtime="python3.11",
                Role="arn:aws:iam::000000000000:role/function",
                Handler="function.handler",
                Code={"ZipFile": archive.getvalue()},
            )["FunctionArn"]
        return {**lambda_step(name, arguments, outputs), "FunctionArn": self._function_arn}

    def start(self, *steps: dict[str, Any], name: str | None = None) -> str:
        name = name or f"p-{uuid.uuid4().hex[:8]}"
        self.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition(*steps), RoleArn=ROLE)
        arn: str = self.sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
        return arn

    def finish(self, arn: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            return None if found["PipelineExecutionStatus"] in ("Executing", "Stopping") else found

        return eventually(look, patience_s=60) or {}

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        found = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")
        return {step["StepName"]: step for step in found["PipelineExecutionSteps"]}

    def until(self, arn: str, step: str, status: str) -> None:
        eventually(lambda: self.steps(arn).get(step, {}).get("StepStatus") == status, patience_s=60)


@pytest.fixture(scope="module")
def pipelines(clients: Clients, bucket: str) -> Pipelines:
    return Pipelines(clients, bucket)


def test_runs_jobs_conditions_and_functions(pipelines: Pipelines) -> None:
    gate = condition(
        "Gate",
        compare(json_get("Evaluate", "R", "auc"), "GreaterThan", 0.5),
        then=[
            pipelines.function_step("Tell", {"Auc": json_get("Evaluate", "R", "auc")}, Seen="Float", Count="Integer")
        ],
        otherwise=[fail("Refuse")],
    )
    arn = pipelines.start(pipelines.step("Evaluate", EVALUATE, PropertyFiles=REPORT), gate)
    execution = pipelines.finish(arn)
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution
    steps = pipelines.steps(arn)
    assert list(steps) == ["Evaluate", "Gate", "Tell"]
    job = pipelines.sagemaker.describe_processing_job(
        ProcessingJobName=steps["Evaluate"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    )
    assert job["ProcessingJobStatus"] == "Completed"
    assert steps["Tell"]["Metadata"]["Lambda"]["OutputParameters"] == [
        {"Name": "Seen", "Value": "0.9"},
        {"Name": "Count", "Value": "3"},
    ]


def test_says_why_a_function_or_a_script_failed(pipelines: Pipelines) -> None:
    boom = pipelines.function_step("Boom", {"boom": True})
    arn = pipelines.start(boom, pipelines.step("Broken", "raise SystemExit('the label column is missing')"))
    assert pipelines.finish(arn)["PipelineExecutionStatus"] == "Failed"
    steps = pipelines.steps(arn)
    assert "no such endpoint" in steps["Boom"]["FailureReason"]
    assert "the label column is missing" in steps["Broken"]["FailureReason"]


def test_stops_a_script_that_runs(pipelines: Pipelines) -> None:
    arn = pipelines.start(pipelines.step("Sleep", SLEEP))
    pipelines.until(arn, "Sleep", "Executing")
    began = time.monotonic()
    pipelines.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    assert pipelines.finish(arn)["PipelineExecutionStatus"] == "Stopped"
    assert time.monotonic() - began < 60
    (step,) = pipelines.steps(arn).values()
    job = step["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    assert step["StepStatus"] == "Stopped"
    assert pipelines.sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] == "Stopped"


def test_a_bad_definition_is_a_validation_exception(pipelines: Pipelines) -> None:
    with pytest.raises(ClientError) as caught:
        pipelines.start(lambda_step("A", DependsOn=["B"]))
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert "Step 'A': DependsOn: there is no step 'B'" in caught.value.response["Error"]["Message"]


def test_status_changes_reach_eventbridge(pipelines: Pipelines) -> None:
    events, sqs = pipelines.clients("events"), pipelines.clients("sqs")
    queue = sqs.create_queue(QueueName=f"events-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = f"p-{uuid.uuid4().hex[:8]}"
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Building Pipeline Execution Status Change"],
        "detail": {"pipelineArn": [{"suffix": f"pipeline/{name}"}], "currentPipelineExecutionStatus": ["Succeeded"]},
    }
    rule = f"rule-{name}"
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": queue_arn}])
    arn = pipelines.start(pipelines.function_step("Tell", {"Auc": 1}), name=name)
    (message,) = eventually(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
    event = json.loads(message["Body"])
    assert event["resources"] == [arn.partition("/execution/")[0], arn]
    assert event["detail"]["previousPipelineExecutionStatus"] == "Executing"
    events.remove_targets(Rule=rule, Ids=["queue"])
    events.delete_rule(Name=rule)


@pytest.fixture
def own_laptop(tmp_path: Path) -> Iterator[Laptop]:
    laptop = Laptop(tmp_path / "home")
    laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
    yield laptop
    laptop.down()


def test_a_kill_interrupts_and_a_retry_goes_on(own_laptop: Laptop) -> None:
    clients = Clients(own_laptop.env())
    clients("s3").create_bucket(Bucket="own")
    pipelines = Pipelines(clients, "own")
    slow = f"""
import json, pathlib, sys, time
marker = pathlib.Path({str(own_laptop.home / "second-try")!r})
if not marker.exists():
    marker.touch()
    time.sleep(300)
{EVALUATE}
"""
    first, second = pipelines.step("First", EVALUATE), pipelines.step("Second", slow, DependsOn=["First"])
    arn = pipelines.start(first, second)
    eventually((own_laptop.home / "second-try").exists, patience_s=60)
    before = pipelines.steps(arn)["First"]

    (server,) = [each for each in own_laptop.status() if each.name == SAGEMAKER]
    os.kill(server.pid, signal.SIGKILL)
    eventually(lambda: identify(server.pid) is None)
    own_laptop.up()

    execution = pipelines.finish(arn)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "stopped while step Second ran. RetryPipelineExecution continues" in execution["FailureReason"]
    pipelines.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)
    assert pipelines.finish(arn)["PipelineExecutionStatus"] == "Succeeded"
    steps = pipelines.steps(arn)
    assert steps["First"] == before
    assert steps["Second"]["StepStatus"] == "Succeeded"
    clients.close()
