"""A small SageMaker for the engine's tests: the real store, model, dispatcher and engine, with jobs that tests end."""

from __future__ import annotations

import hashlib
import io
import json
import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from contender.local.api.errors import ApiError, ValidationException
from contender.local.api.operations import Dispatcher, merge
from contender.local.api.protocol import SageMakerModel
from contender.local.context import Context
from contender.local.experiments.operations import OPERATIONS as EXPERIMENTS
from contender.local.jobs import components
from contender.local.jobs.kinds import KINDS
from contender.local.pipelines import operations
from contender.local.pipelines.engine import Engine
from contender.local.resources import model_package_groups, model_packages, models, tags
from contender.local.serving import endpoint_configs
from contender.local.settings import LocalSettings
from contender.local.store import Store

MODEL = SageMakerModel()
ROLE = "arn:aws:iam::000000000000:role/pipeline"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
WAIT_S = 10.0

JOBS = {
    "ProcessingJob": "processing-job",
    "TrainingJob": "training-job",
    "HyperParameterTuningJob": "hyper-parameter-tuning-job",
    "TransformJob": "transform-job",
}


class Clock:
    """A clock that moves a millisecond with every look, and further when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        with self._lock:
            self.now += timedelta(milliseconds=1)
            return self.now

    def advance(self, **duration: float) -> None:
        with self._lock:
            self.now += timedelta(**duration)


class Jobs:
    """Jobs that complete at once, unless the test decides otherwise.

    `outcomes` maps a step's name (part of the job's name) to the endings of its jobs, in order: "Completed",
    "Stopped", "Hold" (until `release` or a stop), or a failure reason. `files` maps the step's name to what its jobs
    leave in their first output when they complete.
    """

    def __init__(self, context: Context, s3: S3) -> None:
        self._context = context
        self._s3 = s3
        self._changed = threading.Condition()
        self._released: set[str] = set()
        self._stopped: set[str] = set()
        self.outcomes: dict[str, list[str]] = {}
        self.refusals: dict[str, list[ApiError]] = {}
        self.files: dict[str, dict[str, Any]] = {}
        self.created: list[tuple[str, dict[str, Any]]] = []
        self.running = 0
        self.most_running = 0
        self.tuned: list[dict[str, Any]] = []
        self.lists: list[dict[str, Any]] = []

    def handlers(self) -> dict[str, Any]:
        table: dict[str, Any] = {"ListTrainingJobsForHyperParameterTuningJob": self._list_tuned}
        for noun in JOBS:
            table[f"Create{noun}"] = self._creator(noun)
            table[f"Describe{noun}"] = self._describer(noun)
        return table

    def names(self, step: str) -> list[str]:
        return [request[f"{noun}Name"] for noun, request in self.created if f"-{step}-" in request[f"{noun}Name"]]

    def requests(self, step: str) -> list[dict[str, Any]]:
        return [request for noun, request in self.created if f"-{step}-" in request[f"{noun}Name"]]

    def release(self, step: str) -> None:
        with self._changed:
            self._released.add(step)
            self._changed.notify_all()

    def until_created(self, step: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.names(step), WAIT_S), f"{step} did not start"

    def stop(self, kind: str, name: str) -> None:
        with self._changed:
            self._stopped.add(name)
            self._changed.notify_all()

    def wait(self, kind: str, name: str, stop: threading.Event | None = None) -> dict[str, Any]:
        step = name.split("-")[2] if name.startswith("pipelines-") else name.split("-")[1]
        with self._changed:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            endings = self.outcomes.get(step, [])
            ending = endings.pop(0) if endings else "Completed"
            if ending == "Hold":
                done = self._changed.wait_for(lambda: step in self._released or name in self._stopped, WAIT_S)
                assert done, f"{name} was neither released nor stopped"
                ending = "Stopped" if name in self._stopped else "Completed"
            self.running -= 1
        noun = next(noun for noun, each in JOBS.items() if each == kind)
        changes = {f"{noun}Status": ending if ending in ("Completed", "Stopped") else "Failed"}
        if changes[f"{noun}Status"] == "Failed":
            changes["FailureReason"] = ending
        elif ending == "Completed" and step in self.files:
            output = self._context.store.get(kind, name)["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]
            for file, content in self.files[step].items():
                self._s3.put(f"{output['S3Uri']}/{file}", content)
        job = self._context.store.update(kind, name, changes, now=self._context.clock())
        components.note(self._context, KINDS[kind], job)
        return job

    def _creator(self, noun: str) -> Callable[..., dict[str, Any]]:
        def create(context: Context, request: dict[str, Any]) -> dict[str, Any]:
            name = request[f"{noun}Name"]
            for step, errors in self.refusals.items():
                if f"-{step}-" in name and errors:
                    raise errors.pop(0)
            arn, now = context.arn(f"{JOBS[noun]}/{name}"), context.clock()
            body = {
                **request,
                f"{noun}Arn": arn,
                f"{noun}Status": "InProgress",
                "CreationTime": now,
                "ModelArtifacts": {"S3ModelArtifacts": f"s3://models/{name}/model.tar.gz"},
            }
            context.store.insert(JOBS[noun], name, body, now=now)
            components.begin(context, KINDS[JOBS[noun]], body)
            self._s3.put(body["ModelArtifacts"]["S3ModelArtifacts"], b"a model")
            with self._changed:
                self.created.append((noun, request))
                self._changed.notify_all()
            return {f"{noun}Arn": arn}

        return create

    def _describer(self, noun: str) -> Callable[..., dict[str, Any]]:
        def describe(context: Context, request: dict[str, Any]) -> dict[str, Any]:
            return context.store.get(JOBS[noun], request[f"{noun}Name"])

        return describe

    def _list_tuned(self, context: Context, request: dict[str, Any]) -> dict[str, Any]:
        self.lists.append(request)
        return {"TrainingJobSummaries": self.tuned}


class S3:
    """Objects by URI."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}

    def put(self, uri: str, value: Any) -> None:
        self.objects[uri] = value

    def head_object(self, Bucket: str, Key: str, **_: str) -> dict[str, Any]:
        body = self._body(Bucket, Key, ("404", "HeadObject"))
        return {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}

    def get_object(self, Bucket: str, Key: str, **_: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self._body(Bucket, Key, ("NoSuchKey", "GetObject")))}

    def _body(self, bucket: str, key: str, refusal: tuple[str, str]) -> bytes:
        uri = f"s3://{bucket}/{key}"
        if uri not in self.objects:
            code, operation = refusal
            raise ClientError({"Error": {"Code": code, "Message": "no such key"}}, operation)
        value = self.objects[uri]
        return value if isinstance(value, bytes) else json.dumps(value).encode()


class Lambda:
    """A function: `answer` makes the answer out of the payload; an Exception it returns is a failure of the code."""

    def __init__(self) -> None:
        self.payloads: list[Any] = []
        self.answer: Callable[[Any], Any] = lambda payload: {}

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        payload = json.loads(Payload)
        self.payloads.append(payload)
        answer = self.answer(payload)
        if isinstance(answer, Exception):
            body = {"errorMessage": str(answer), "errorType": type(answer).__name__}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(body).encode())}
        return {"Payload": io.BytesIO(answer if isinstance(answer, bytes) else json.dumps(answer).encode())}


class Queue:
    """A queue that a test reads message by message; `refusals` are raised first."""

    def __init__(self) -> None:
        self.messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.refusals: list[ClientError] = []

    def send_message(self, QueueUrl: str, MessageBody: str) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.messages.put({"QueueUrl": QueueUrl, **json.loads(MessageBody)})

    def next(self) -> dict[str, Any]:
        return self.messages.get(timeout=WAIT_S)


class FakeAws:
    def __init__(self) -> None:
        self.s3 = S3()
        self.function = Lambda()
        self.queue = Queue()

    def client(self, service: str) -> Any:
        return {"s3": self.s3, "lambda": self.function, "sqs": self.queue}[service]


class Sagemaker:
    """One server without the network; `restart` is what a kill and a new start are to the engine."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.home = home
        self.settings = LocalSettings(home=home, aws_url="http://127.0.0.1:1", **settings)
        self.clock = Clock()
        self.aws = FakeAws()
        self.events: list[tuple[str, list[str], dict[str, Any]]] = []
        self.waits: list[float] = []
        self._tokens = 0
        self._open()

    def _open(self) -> None:
        self.store = Store(self.settings.database)
        self.context = Context(
            settings=self.settings,
            store=self.store,
            aws=self.aws,  # type: ignore[arg-type]
            dispatcher=Dispatcher(MODEL, {}),
            publish=lambda kind, resources, detail: self.events.append((kind, list(resources), detail)),
            clock=self.clock,
        )
        self.jobs = Jobs(self.context, self.aws.s3)
        tables = (
            operations.OPERATIONS,
            self.jobs.handlers(),
            models.OPERATIONS,
            model_package_groups.OPERATIONS,
            model_packages.OPERATIONS,
            endpoint_configs.OPERATIONS,
            tags.OPERATIONS,
            EXPERIMENTS,
        )
        self.context.dispatcher = Dispatcher(MODEL, merge(*tables))
        self.context.jobs = self.jobs  # type: ignore[assignment]
        self.engine = self.context.engine = Engine(self.context, wait=self._wait)

    def _wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        self.clock.advance(seconds=seconds)
        return event.is_set()

    def restart(self) -> None:
        """Leave everything as it stands, as a kill does, and start anew on the same file."""
        self.engine.close()
        self._open()
        self.engine.recover()

    def close(self) -> None:
        self.engine.close()
        self.store.close()

    def __call__(self, operation: str, **request: Any) -> dict[str, Any]:
        """An operation, its answer checked as the server checks it."""
        answer = self.context.call(operation, request)
        MODEL.serialise_answer(MODEL.operation(operation), answer)
        return answer

    def token(self) -> str:
        self._tokens += 1
        return f"{self._tokens:032d}"

    def create(self, *steps: dict[str, Any], name: str = "p", parameters: Any = (), **request: Any) -> str:
        arn: str = self(
            "CreatePipeline",
            PipelineName=name,
            PipelineDefinition=definition(*steps, parameters=parameters),
            RoleArn=ROLE,
            ClientRequestToken=self.token(),
            **request,
        )["PipelineArn"]
        return arn

    def begin(self, name: str = "p", /, **parameters: str) -> str:
        """Start an execution without waiting for it."""
        arn: str = self(
            "StartPipelineExecution",
            PipelineName=name,
            PipelineParameters=[{"Name": key, "Value": value} for key, value in parameters.items()],
            ClientRequestToken=self.token(),
        )["PipelineExecutionArn"]
        return arn

    def finish(self, arn: str) -> dict[str, Any]:
        """Wait for the end of an execution and describe it."""
        assert self.engine.join(arn.rpartition("/")[2], WAIT_S), f"{arn} goes on"
        return self("DescribePipelineExecution", PipelineExecutionArn=arn)

    def run(self, *steps: dict[str, Any], parameters: Any = (), **values: str) -> dict[str, Any]:
        """Create a pipeline, run it to its end, and describe the execution."""
        self.create(*steps, parameters=parameters)
        return self.finish(self.begin("p", **values))

    def retry(self, arn: str) -> dict[str, Any]:
        self("RetryPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken=self.token())
        return self.finish(arn)

    def steps(self, execution: dict[str, Any] | str) -> dict[str, dict[str, Any]]:
        """The steps that started, by name, oldest first."""
        arn = execution if isinstance(execution, str) else execution["PipelineExecutionArn"]
        found = self("ListPipelineExecutionSteps", PipelineExecutionArn=arn, SortOrder="Ascending")
        return {step["StepName"]: step for step in found["PipelineExecutionSteps"]}

    def statuses(self, execution: dict[str, Any] | str) -> dict[str, str]:
        return {name: step["StepStatus"] for name, step in self.steps(execution).items()}


def definition(*steps: dict[str, Any], parameters: Any = (), **top: Any) -> str:
    return json.dumps({"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps), **top})


def parameter(name: str, kind: str = "String", **fields: Any) -> dict[str, Any]:
    return {"Name": name, "Type": kind, **fields}


def get(path: str) -> dict[str, Any]:
    return {"Get": path}


def join(*values: Any, on: str = "") -> dict[str, Any]:
    return {"Std:Join": {"On": on, "Values": list(values)}}


def json_get(step: str, file: str, path: str) -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": get(f"Steps.{step}.PropertyFiles.{file}"), "Path": path}}


def processing(
    name: str, *, inputs: Any = (), output: Any = "s3://out", count: Any = 1, **fields: Any
) -> dict[str, Any]:
    """A processing step with one output, `result`; `inputs` are S3 addresses."""
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": IMAGE},
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
            },
            "ProcessingInputs": [
                {
                    "InputName": f"input-{index}",
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"/opt/ml/processing/input/{index}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for index, uri in enumerate(inputs)
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "result",
                        "S3Output": {
                            "S3Uri": output,
                            "LocalPath": "/opt/ml/processing/result",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ]
            },
        },
        **fields,
    }


def training(name: str, *, data: Any = "s3://data/train", hyperparameters: Any = None, **fields: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "Training",
        "Arguments": {**_training_definition(data), "HyperParameters": hyperparameters or {}},
        **fields,
    }


def tuning(name: str, *, objective: str = "Maximize", **fields: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "Tuning",
        "Arguments": {
            "HyperParameterTuningJobConfig": {
                "Strategy": "Bayesian",
                "HyperParameterTuningJobObjective": {"Type": objective, "MetricName": "validation:auc"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
            },
            "TrainingJobDefinition": _training_definition("s3://data/train"),
        },
        **fields,
    }


def _training_definition(data: Any) -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "InputDataConfig": [
            {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": data}}}
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://models"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }


def lambda_step(
    name: str, arguments: Any = None, outputs: dict[str, str] | None = None, **fields: Any
) -> dict[str, Any]:
    declared = [{"OutputName": key, "OutputType": kind} for key, kind in (outputs or {}).items()]
    return {
        "Name": name,
        "Type": "Lambda",
        "Arguments": arguments or {},
        "FunctionArn": FUNCTION,
        "OutputParameters": declared,
        **fields,
    }


def compare(left: Any, kind: str, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


def condition(name: str, *conditions: Any, then: Any = (), otherwise: Any = (), **fields: Any) -> dict[str, Any]:
    arguments = {"Conditions": list(conditions), "IfSteps": list(then), "ElseSteps": list(otherwise)}
    return {"Name": name, "Type": "Condition", "Arguments": arguments, **fields}


def fail(name: str, message: Any = "no good") -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def refused(call: Callable[[], Any]) -> str:
    """The message of the ValidationException that `call` must end in."""
    try:
        call()
    except ValidationException as error:
        return error.message
    raise AssertionError("it was not refused")
