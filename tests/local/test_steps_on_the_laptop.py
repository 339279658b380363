"""ForEach, Callback and endpoint steps as the SDK compiles them: a real queue, a real function, a real endpoint."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from contender.local.launcher.laptop import Laptop
from tests.conftest import Clients
from tests.local.running import eventually
from tests.local.sdk import compile_with_sdk, run_with_sdk
from tests.local.serving_models import ROLE, Endpoints, booster_files, script_files
from tests.local.small_sagemaker import definition

PIPELINE = "steps-on-the-laptop"
BROKEN = "def model_fn(model_dir):\n    raise RuntimeError('the weights are missing')\n"
SLOW = "import time\n\n\ndef model_fn(model_dir):\n    time.sleep(2)\n"
FUNCTION = "def handler(event, context):\n    print(event)\n    return event\n"


class Deployments:
    """The compiled pipeline, with somebody at the queue who approves what it found."""

    def __init__(self, clients: Clients, there: Endpoints) -> None:
        self.sagemaker, self.sqs, self.there = clients("sagemaker"), clients("sqs"), there
        self.queue = self.sqs.create_queue(QueueName=PIPELINE)["QueueUrl"]
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("function.py", FUNCTION)
        function = clients("lambda").create_function(
            FunctionName=PIPELINE,
            Runtime="python3.11",
            Role="arn:aws:iam::000000000000:role/function",
            Handler="function.handler",
            Code={"ZipFile": archive.getvalue()},
        )["FunctionArn"]
        text = compile_with_sdk("sdk_steps.py", function, self.queue)
        self.sagemaker.create_pipeline(PipelineName=PIPELINE, PipelineDefinition=text, RoleArn=ROLE)

    def start(self, endpoint: str, **scores: float) -> str:
        candidates = [{"model": self.there.name(model), "score": score} for model, score in scores.items()]
        parameters = {"Candidates": json.dumps(candidates), "Endpoint": self.there.name(endpoint)}
        arn: str = self.sagemaker.start_pipeline_execution(
            PipelineName=PIPELINE,
            PipelineParameters=[{"Name": name, "Value": value} for name, value in parameters.items()],
        )["PipelineExecutionArn"]
        return arn

    def asked(self) -> dict[str, Any]:
        """What the queue was told, taken off it."""
        (message,) = eventually(
            lambda: self.sqs.receive_message(QueueUrl=self.queue, WaitTimeSeconds=1).get("Messages"), 60
        )
        self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        found: dict[str, Any] = json.loads(message["Body"])
        return found

    def approve(self, asked: dict[str, Any]) -> None:
        outputs = {"model": asked["arguments"]["model"], "weight": "1.5"}
        self.sagemaker.send_pipeline_execution_step_success(
            CallbackToken=asked["token"],
            OutputParameters=[{"Name": name, "Value": value} for name, value in outputs.items()],
        )

    def finish(self, arn: str) -> str:
        def over() -> str | None:
            status: str = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)[
                "PipelineExecutionStatus"
            ]
            return None if status in ("Executing", "Stopping") else status

        return eventually(over, 60) or ""

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        found = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")
        return {step["StepName"]: step for step in found["PipelineExecutionSteps"]}

    def run(self, endpoint: str, **scores: float) -> str:
        arn = self.start(endpoint, **scores)
        self.approve(self.asked())
        self.finish(arn)
        return arn


@pytest.fixture(scope="module")
def there(clients: Clients, bucket: str) -> Iterator[Endpoints]:
    there = Endpoints(clients, bucket, uuid.uuid4().hex[:8])
    there.model("good", booster_files(1))
    there.model("better", booster_files(2))
    there.model("broken", script_files(BROKEN))
    yield there
    for endpoint in ("first", "second", "second-try"):
        there.sagemaker.delete_endpoint(EndpointName=there.name(endpoint))


@pytest.fixture(scope="module")
def deployments(clients: Clients, there: Endpoints) -> Deployments:
    return Deployments(clients, there)


def test_the_best_candidate_is_approved_and_deployed(deployments: Deployments, there: Endpoints) -> None:
    arn = deployments.start("first", good=0.7, better=0.9, broken=0.1)
    asked = deployments.asked()
    assert asked["arguments"] == {"model": there.name("better"), "of": 3}
    assert asked["pipelineExecutionArn"] == arn
    deployments.approve(asked)
    assert deployments.finish(arn) == "Succeeded", deployments.steps(arn)
    steps = deployments.steps(arn)
    assert set(steps) == {"Best", "Score-0", "Score-1", "Score-2", "Approve", "Configure", "Deploy"}
    endpoint = there.describe("first")
    assert steps["Deploy"]["Metadata"] == {"Endpoint": {"Arn": endpoint["EndpointArn"]}}
    assert steps["Configure"]["Metadata"]["EndpointConfig"]["Arn"].endswith(endpoint["EndpointConfigName"])
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["ProductionVariants"][0]["CurrentWeight"] == 1.5
    assert there.invoke("first")[1] == "main"


def test_a_second_execution_updates_the_endpoint(deployments: Deployments, there: Endpoints) -> None:
    before = there.describe("first")
    arn = deployments.run("first", good=0.7)
    assert deployments.steps(arn)["Deploy"]["StepStatus"] == "Succeeded"
    after = there.describe("first")
    assert after["EndpointConfigName"] != before["EndpointConfigName"]
    assert after["CreationTime"] == before["CreationTime"]


def test_an_endpoint_that_cannot_serve_fails_the_step_with_its_reason(
    deployments: Deployments, there: Endpoints
) -> None:
    arn = deployments.run("second", broken=0.7)
    assert there.describe("second")["EndpointStatus"] == "Failed"
    assert "the weights are missing" in deployments.steps(arn)["Deploy"]["FailureReason"]


def test_an_update_that_rolls_back_fails_the_step(deployments: Deployments, there: Endpoints) -> None:
    before = there.describe("first")["EndpointConfigName"]
    arn = deployments.run("first", broken=0.7)
    assert "the weights are missing" in deployments.steps(arn)["Deploy"]["FailureReason"]
    after = there.describe("first")
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", before)


def test_a_model_that_is_not_there_fails_the_config(deployments: Deployments, there: Endpoints) -> None:
    arn = deployments.run("third", nowhere=0.7)
    step = deployments.steps(arn)["Configure"]
    assert step["FailureReason"].startswith("ClientError: Failed to invoke sagemaker:CreateEndpointConfig.")
    assert there.name("nowhere") in step["FailureReason"]


def test_an_endpoint_that_an_interrupted_try_began_is_waited_for(deployments: Deployments, there: Endpoints) -> None:
    there.model("slow", script_files(SLOW))
    there.config("slow", {"slow": 1})
    config = {"EndpointName": there.name("second-try"), "EndpointConfigName": there.name("slow")}
    there.sagemaker.create_endpoint(**config)
    name = there.name("second-try")
    text = definition({"Name": "Deploy", "Type": "Endpoint", "Arguments": config})
    there.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=ROLE)
    arn = there.sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    assert deployments.finish(arn) == "Succeeded", deployments.steps(arn)
    assert there.describe("second-try")["EndpointStatus"] == "InService"


def test_the_sdk_runs_a_step_again_on_what_the_latest_execution_left(
    deployments: Deployments, there: Endpoints, laptop: Laptop
) -> None:
    latest = deployments.run("first", better=0.9)
    arn = run_with_sdk("sdk_start.py", PIPELINE, "Approve", there.name("first"), **laptop.env())
    asked = deployments.asked()
    assert asked["arguments"] == {"model": there.name("better"), "of": 1}
    deployments.approve(asked)
    assert deployments.finish(arn) == "Succeeded"
    steps = deployments.steps(arn)
    assert steps["Best"]["SelectiveExecutionResult"] == {"SourcePipelineExecutionArn": latest}
    assert set(steps) == {"Best", "Approve"}
    execution = there.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    assert execution["SelectiveExecutionConfig"] == {
        "SourcePipelineExecutionArn": latest,
        "SelectedSteps": [{"StepName": "Approve"}],
    }
    assert execution["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 1}
