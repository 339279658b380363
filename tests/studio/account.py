"""An account as the page reads it: its registry, its executions however many, and what was recorded of them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from contender.config import load
from contender.naming import Names
from contender.studio.access import Access
from contender.studio.app import studio
from contender.studio.desk import Desk
from contender.studio.kept import Kept
from contender.trials.record import Outcome, Record, component_name, content
from tests.lambdas.fakes import FakeSageMaker, FakeTables, client_error, operation

NAMES = Names("contender")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SMALL = 100
"""Summaries of a page, as SageMaker gives them."""


@dataclass(frozen=True)
class Ran:
    """An execution that took a minute; those with `record` left one when they ended."""

    number: int
    pipeline: str = "contender"
    status: str = "Succeeded"
    dimension: str = "A"
    record: bool = False
    started: datetime | None = None

    @property
    def start(self) -> datetime:
        return self.started or NOW - timedelta(minutes=10 * (self.number + 1))

    @property
    def arn(self) -> str:
        return f"arn:aws:sagemaker:eu-west-1:123456789012:pipeline/{self.pipeline}/execution/{self.number:012d}"

    def summary(self) -> dict[str, Any]:
        return {
            "PipelineExecutionArn": self.arn,
            "PipelineExecutionStatus": self.status,
            "PipelineExecutionDisplayName": f"{self.dimension}-{self.number:08x}",
            "StartTime": self.start,
        }


class Account(FakeSageMaker):
    """Its fake answers as SageMaker would, and counts the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[Ran] = []
        self.many = 0
        """So many executions of pipeline `contender`, which are made when they are listed."""
        self.components: list[dict[str, Any]] = []
        self.tags: dict[str, dict[str, str]] = {}

    def keep(self, record: Record) -> None:
        name = component_name(NAMES, record.execution)
        self.components.append({"TrialComponentName": name, "CreationTime": record.ended, **content(record)})
        self.tags[name] = {"project": "contender", "dimension": record.dimension}

    @operation
    def list_pipeline_executions(self, **request: Any) -> dict[str, Any]:
        first, name = int(request.get("NextToken", "0")), request["PipelineName"]
        if name == "contender" and self.many:
            ran = [Ran(number) for number in range(first, min(first + SMALL, self.many))]
            more = first + SMALL < self.many
        else:
            all_of_it = sorted((each for each in self.ran if each.pipeline == name), key=lambda each: each.number)
            before = request.get("CreatedBefore")
            fits = [each for each in all_of_it if before is None or each.start < before]
            ran, more = fits[first : first + SMALL], len(fits) > first + SMALL
        token = {"NextToken": str(first + SMALL)} if more else {}
        return {"PipelineExecutionSummaries": [each.summary() for each in ran], **token}

    @operation
    def describe_pipeline(self, *, PipelineName: str) -> dict[str, Any]:
        return {"PipelineArn": self.arn(f"pipeline/{PipelineName}"), "LastModifiedTime": NOW - timedelta(days=99)}

    @operation
    def describe_pipeline_definition_for_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        self._ran(PipelineExecutionArn)
        steps = [{"Name": "Train", "DisplayName": "Train it", "Type": "Training"}, {"Name": "Gate", "Type": "Fail"}]
        return {"PipelineDefinition": json.dumps({"Steps": steps})}

    @operation
    def list_pipeline_parameters_for_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        ran = self._ran(PipelineExecutionArn)
        given = {"Dimension": ran.dimension, "InputDataUri": f"s3://data/{ran.number}.csv", "Rounds": f"{ran.number}"}
        return {"PipelineParameters": [{"Name": name, "Value": value} for name, value in given.items()]}

    @operation
    def list_pipeline_execution_steps(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        ran = self._ran(PipelineExecutionArn)
        took = {"StartTime": ran.start, "EndTime": ran.start + timedelta(seconds=20 + ran.number)}
        return {"PipelineExecutionSteps": [{"StepName": "Train", "StepStatus": "Succeeded", **took}]}

    @operation
    def describe_pipeline_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        ran = self._ran(PipelineExecutionArn)
        return {
            "PipelineExecutionArn": ran.arn,
            "PipelineExecutionStatus": ran.status,
            "CreationTime": ran.start,
            "LastModifiedTime": ran.start + timedelta(minutes=1),
        }

    def _ran(self, arn: str) -> Ran:
        for each in self.ran:
            if each.arn == arn:
                return each
        if self.many:
            return Ran(int(arn.rpartition("/")[2]))
        raise client_error("DescribePipelineExecution", "ResourceNotFound", "does not exist")

    @operation
    def list_tags(self, *, ResourceArn: str) -> dict[str, Any]:
        return {"Tags": []}

    @operation
    def describe_trial_component(self, *, TrialComponentName: str) -> dict[str, Any]:
        for component in self.components:
            if component["TrialComponentName"] == TrialComponentName:
                return component
        raise client_error("DescribeTrialComponent", "ResourceNotFound", "does not exist")

    @operation
    def search(self, **request: Any) -> dict[str, Any]:
        found = [each for each in self.components if self._holds(each, request["SearchExpression"]["Filters"])]
        found.sort(key=lambda each: each["CreationTime"], reverse=request["SortOrder"] == "Descending")
        first, most = int(request.get("NextToken", "0")), request["MaxResults"]
        token = {"NextToken": str(first + most)} if len(found) > first + most else {}
        return {"Results": [{"TrialComponent": each} for each in found[first : first + most]], **token}

    def _holds(self, component: Mapping[str, Any], filters: list[dict[str, str]]) -> bool:
        values = {f"Tags.{key}": value for key, value in self.tags[component["TrialComponentName"]].items()}
        outcome = component["Parameters"]["outcome"]["StringValue"]
        values |= {"Parameters.outcome": outcome, "CreationTime": f"{component['CreationTime']:%Y-%m-%dT%H:%M:%S}"}
        compare = {
            "Exists": lambda value, wanted: True,
            "Equals": lambda value, wanted: value == wanted,
            "GreaterThanOrEqualTo": lambda value, wanted: value >= wanted,
        }
        return all(compare[each["Operator"]](values[each["Name"]], each.get("Value", "")) for each in filters)


class Reports:
    """S3, of which only evaluation reports are read; an object that is not there is asked for in vain."""

    def __init__(self) -> None:
        self.reports: dict[str, Any] = {}
        self.read = 0

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self.read += 1
        if Key not in self.reports:
            raise client_error("GetObject", "NoSuchKey", "no such key", 404)
        return {"Body": io.BytesIO(json.dumps(self.reports[Key]).encode())}


class Lambdas:
    def __init__(self) -> None:
        self.asked: list[Any] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        self.asked.append((FunctionName, json.loads(Payload)))
        return {"Payload": io.BytesIO(b"{}")}


class Sts:
    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:aws:iam::123456789012:user/ada"}


class Site:
    """The page in front of an account; `get` opens an address, `send` the form that acts on it."""

    def __init__(self, folder: Path, settings: str = "", *, allow_actions: bool = True) -> None:
        (folder / "contender.yaml").write_text(settings)
        self.account, self.reports, self.lambdas = Account(), Reports(), Lambdas()
        self.tables = FakeTables("contender-rollouts")
        self.now = NOW
        clients = {
            "sagemaker": self.account,
            "s3": self.reports,
            "dynamodb": self.tables,
            "lambda": self.lambdas,
            "sts": Sts(),
        }
        self.desk = Desk(
            load(folder / "contender.yaml", environ={}),
            clients.__getitem__,
            clock=lambda: self.now,
            kept=Kept(lambda: self.now),
        )
        self._browser = TestClient(studio(self.desk, Access(allow_actions)), base_url="http://127.0.0.1")

    def ask(self, method: str, address: str, data: Mapping[str, str] | None = None) -> Response:
        """As a browser asks: with the cookies of answers before, and following where an answer leads."""
        return self._browser.request(method, address, data=data)

    def get(self, address: str, status: int = 200) -> str:
        answer = self.ask("GET", address)
        assert answer.status_code == status, answer.text
        return answer.text

    def send(self, page: str, address: str, **fields: str) -> str:
        """Open a page, send a form of it, and what the page says then."""
        token = self.get(page).partition('name="form_token" value="')[2].partition('"')[0]
        answer = self.ask("POST", address, {"form_token": token, "back": page, **fields})
        assert answer.status_code == 200, answer.text
        return answer.text

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def record(ran: Ran, outcome: Outcome = Outcome.REGISTERED, auc: float = 0.9, **more: Any) -> Record:
    values: dict[str, Any] = {
        "version": 3 if outcome is Outcome.REGISTERED else None,
        "data": "s3://data/data/A/march.csv",
        "origin": {"dataVersion": "v1", "codeVersion": "0123456789abcdef"},
        "parameters": {"hyperparameter.eta": 0.2},
        "metrics": {"evaluation.auc": auc, "evaluation.rows": 500.0},
        "verdicts": {"auc": "passed" if outcome is Outcome.REGISTERED else "failed"},
        **more,
    }
    return Record(ran.arn, ran.dimension, outcome, ran.start, ran.start + timedelta(seconds=90), **values)
