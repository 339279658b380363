"""A hundred dimensions on a laptop, made through the public APIs of AWS: what the page must stay quick with.

Every dimension has a version that real ticks have rolled out; some have a challenger beside it. Executions are those of
a tiny pipeline: most succeed, some fail, some wait for an answer. Requests are in CloudWatch, and some alarms ring.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from contender.config import Settings
from contender.config.specs import specs
from contender.lambdas.controllers import Clients, controllers
from contender.lambdas.settings import RolloutSettings
from contender.local.artifacts import pack
from contender.naming import METRICS, Names
from contender.rollout.documents import dumps
from contender.rollout.ledger import STATES, Ledger
from contender.rollout.sweep import sweep
from contender.rollout.tick import Controller, Report

NAMES = Names("hundred")
BUCKET = "hundred-artifacts"
ROLE = "arn:aws:iam::000000000000:role/hundred"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
SETTINGS = Settings.model_validate(
    {
        "project": NAMES.project,
        "endpoint": {"data_capture_percent": 100},
        "rollout": {"steps": [{"share": 0.1, "time_s": 86_400, "sample": 10}], "guardrails": [], "goal": None},
    }
)
FAILS, RUN = 10, (3, 14, 15)
"""Every so many-th execution fails; these wait, of the twenty that an account may run at once."""
MINUTES = 60
MOST_TICKS = 200
MOST_DATA = 1000


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many dimensions there are; of those the first ones have a challenger, of which some ring."""

    dimensions: int = 100
    challenged: int = 20
    ringing: int = 5

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"D{number}" for number in range(self.dimensions))


def make(client: Callable[[str], Any], work: Path, fleet: Fleet) -> None:
    """All of it; `client` gives the client of a service, `work` is a folder that is there."""
    sagemaker = client("sagemaker")
    _store(client, work)
    made = controllers(
        RolloutSettings(NAMES, ROLE, BUCKET, experiments=False),
        Clients(sagemaker, client("dynamodb"), client("cloudwatch"), lambda _: None),
    )
    for name in fleet.names:
        sagemaker.create_model_package_group(ModelPackageGroupName=NAMES.group(name))
        register(sagemaker, name)
    roll_out(made)
    for name in fleet.names[: fleet.challenged]:
        register(sagemaker, name)
    roll_out(made)
    execute(client, fleet.names)
    measure(client("cloudwatch"), fleet)
    ring(client("cloudwatch"), fleet.names[: fleet.ringing])


def know(client: Callable[[str], Any], fleet: Fleet, beyond: int) -> None:
    """The fleet's dimensions from this number on, as registry, pipeline and ledger know them, without an endpoint.

    Their states are those of the first `beyond` once more: what a list of so many has to read is the same.
    """
    sagemaker, dynamodb, names = client("sagemaker"), client("dynamodb"), fleet.names
    table = NAMES.table("rollouts")
    known = [(name, Ledger(dynamodb, table).state(NAMES.endpoint(name))) for name in names[:beyond]]
    for number, name in enumerate(names[beyond:]):
        like, state = known[number % beyond]
        sagemaker.create_model_package_group(ModelPackageGroupName=NAMES.group(name))
        assert state is not None, f"{like} was never rolled out"
        body = dumps(replace(state, endpoint=NAMES.endpoint(name), dimension=name))
        item = {"pk": {"S": STATES}, "sk": {"S": NAMES.endpoint(name)}, "body": {"S": body}}
        dynamodb.put_item(TableName=table, Item={**item, "revision": {"N": str(state.revision)}})
    _start(sagemaker, names[beyond:])


def register(sagemaker: Any, dimension: str, approval: str = "Approved") -> None:
    """One more version, whose turn has not come yet."""
    sagemaker.create_model_package(
        ModelPackageGroupName=NAMES.group(dimension),
        ModelApprovalStatus=approval,
        ModelLifeCycle={"Stage": "Challenger", "StageStatus": "Pending"},
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )


def roll_out(made: Sequence[Controller]) -> None:
    """Ticks until they find nothing to do."""
    for _ in range(MOST_TICKS):
        reports = sweep(made)
        if errors := [report.error for report in reports if report.error]:
            raise errors[0]
        if not any(_goes_on(report) for report in reports):
            return
    raise RuntimeError(f"rollouts go on after {MOST_TICKS} ticks")


def execute(client: Callable[[str], Any], dimensions: Sequence[str]) -> None:
    """One execution of each dimension; it fails, waits or succeeds by its number."""
    sagemaker = client("sagemaker")
    queue = client("sqs").create_queue(QueueName=f"{NAMES.project}-questions")["QueueUrl"]
    sagemaker.create_pipeline(
        PipelineName=NAMES.pipeline,
        PipelineDefinition=json.dumps(_definition(queue)),
        RoleArn=ROLE,
        ClientRequestToken="0" * 32,
    )
    _start(sagemaker, dimensions)


def _start(sagemaker: Any, dimensions: Sequence[str]) -> None:
    for number, name in enumerate(dimensions):
        outcome = "fail" if number % FAILS == 0 else "ask" if number in RUN else "pass"
        sagemaker.start_pipeline_execution(
            PipelineName=NAMES.pipeline,
            PipelineExecutionDisplayName=NAMES.execution(name, f"{number:08x}"),
            PipelineParameters=[{"Name": "Outcome", "Value": outcome}],
        )


def measure(cloudwatch: Any, fleet: Fleet) -> None:
    """An hour of requests to every variant, their latencies and rewards."""
    for namespace in ("AWS/SageMaker", METRICS):
        waiting = _data(fleet, namespace)
        while data := list(islice(waiting, MOST_DATA)):
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)


def ring(cloudwatch: Any, dimensions: Sequence[str]) -> None:
    """Alarms as the watcher makes them, that ring."""
    for name in dimensions:
        endpoint = NAMES.endpoint(name)
        cloudwatch.put_metric_alarm(
            AlarmName=f"{endpoint}-latency",
            AlarmDescription=f"{endpoint}: one of v1, v2 is slow. See docs/operations.md#variant-latency",
            Namespace="AWS/SageMaker",
            MetricName="ModelLatency",
            Statistic="Average",
            Period=300,
            EvaluationPeriods=3,
            Threshold=1e6,
            ComparisonOperator="GreaterThanThreshold",
        )
        cloudwatch.set_alarm_state(AlarmName=f"{endpoint}-latency", StateValue="ALARM", StateReason="three times")


def _store(client: Callable[[str], Any], work: Path) -> None:
    """A model, the ledger's table, and the settings in it."""
    path = work / "model" / "xgboost-model.ubj"
    path.parent.mkdir()
    rows = np.random.default_rng(1).random((100, 3)).astype(np.float32)
    parameters = {"objective": "binary:logistic", "max_depth": 2, "nthread": 1}
    xgboost.train(parameters, xgboost.DMatrix(rows, rows[:, 0] > 0.5), 2).save_model(path)
    pack(path.parent, work / "model.tar.gz")
    client("s3").create_bucket(Bucket=BUCKET)
    client("s3").upload_file(str(work / "model.tar.gz"), BUCKET, "model.tar.gz")
    client("dynamodb").create_table(
        TableName=NAMES.table("rollouts"),
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    for spec in specs(SETTINGS):
        Ledger(client("dynamodb"), NAMES.table("rollouts")).put_spec(spec)


def _definition(queue: str) -> dict[str, Any]:
    def is_(outcome: str) -> dict[str, Any]:
        return {"Type": "Equals", "LeftValue": {"Get": "Parameters.Outcome"}, "RightValue": outcome}

    def choice(name: str, outcome: str, then: dict[str, Any], *otherwise: dict[str, Any]) -> dict[str, Any]:
        arguments = {"Conditions": [is_(outcome)], "IfSteps": [then], "ElseSteps": list(otherwise)}
        return {"Name": name, "Type": "Condition", "Arguments": arguments}

    fail = {"Name": "Refuse", "Type": "Fail", "Arguments": {"ErrorMessage": "it was meant to fail"}}
    ask = {"Name": "Ask", "Type": "Callback", "Arguments": {}, "SqsQueueUrl": queue, "OutputParameters": []}
    return {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "Outcome", "Type": "String"}],
        "Steps": [choice("Fails", "fail", fail, choice("Asks", "ask", ask))],
    }


def _data(fleet: Fleet, namespace: str) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for number, name in enumerate(fleet.names):
        shares = {"v1": 0.9, "v2": 0.1} if number < fleet.challenged else {"v1": 1.0}
        for variant, share in shares.items():
            about = {
                "Dimensions": [
                    {"Name": "EndpointName", "Value": NAMES.endpoint(name)},
                    {"Name": "VariantName", "Value": variant},
                ]
            }
            for minute in range(MINUTES):
                at = {**about, "Timestamp": now - timedelta(minutes=minute)}
                requests = round(share * (500 + 400 * math.sin(minute / 9 + number)))
                if namespace == METRICS:
                    yield {**at, "MetricName": "Rewards", "Value": requests // 8}
                    continue
                yield {**at, "MetricName": "Invocations", "Value": requests}
                if number < fleet.challenged:
                    usual = 1000.0 + 100 * number if variant == "v1" else 1500.0
                    values = [usual, 2 * usual + minute, 9000.0 + 10 * minute]
                    yield {**at, "MetricName": "ModelLatency", "Values": values, "Counts": [60.0, 38.0, 2.0]}


def _goes_on(report: Report) -> bool:
    return bool(report.events or report.done or report.reason)
