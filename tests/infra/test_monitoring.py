"""The monitoring template: valid, narrow, in step with the code, and what it allows is enough for drift to be told."""

from __future__ import annotations

import importlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from contender.config import Settings
from contender.deployment import Cloud, Deployment, deploy
from contender.lambdas.watch_settings import DriftSettings, WatchSettings
from contender.naming import Names
from contender.stacks import monitoring_parameters
from contender.watching.alarms import ANCHORS
from tests.infra.permissions import of_roles
from tests.infra.templates import environment_of, listed, of_type, read
from tests.local.running import MiniStack, eventually

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "infra" / "monitoring.yaml"
JOB = "model-monitoring-202601020300-0123456789abcdef01234567"
ACCOUNT = "000000000000"
DATA, ARTIFACTS = f"contender-data-{ACCOUNT}-us-east-1", f"contender-artifacts-{ACCOUNT}-us-east-1"
REPORT = "monitoring/contender-SM-1/contender-SM-1-data/2026/01/02/03"
NO_NARROWER_RESOURCE = {
    *("sagemaker:ListModelPackageGroups", "sagemaker:ListMonitoringSchedules"),
    *("sagemaker:ListDataQualityJobDefinitions", "sagemaker:ListModelQualityJobDefinitions"),
    *("application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies"),
    *("ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"),
    "cloudwatch:DescribeAlarms",
    *("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
}
VARIABLES = {
    **dict.fromkeys(("ERROR_RATE", "QUALITY_MARGIN"), "0.05"),
    "STALLED_SECONDS": "60",
    **dict.fromkeys(("LATENCY_MS", "TRUTH_HOURS", "MIN_INSTANCES", "MAX_INSTANCES", "INVOCATIONS_PER_INSTANCE"), "1"),
}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return read("monitoring.yaml")


def asked(settings: type[WatchSettings] | type[DriftSettings]) -> set[str]:
    """Names of the variables that `from_environ` reads."""
    names: set[str] = set()

    class Asked(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            names.add(name)
            return VARIABLES.get(name, "word")

    settings.from_environ(Asked())
    return names


def test_permissions_name_what_they_are_for(template: dict[str, Any]) -> None:
    for owner, statement in of_roles(template):
        actions = listed(statement["Action"])
        assert not [action for action in actions if "*" in action], f"{owner} {statement['Sid']}"
        if "*" in [resource for resource in listed(statement["Resource"]) if isinstance(resource, str)]:
            assert set(actions) <= NO_NARROWER_RESOURCE, f"{owner} {statement['Sid']}"


def test_lambdas_exist_and_are_told_what_they_read(template: dict[str, Any]) -> None:
    for function in of_type(template, "AWS::Lambda::Function").values():
        module, _, name = function["Handler"].rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))
    assert environment_of(template, "WatchFunction") == asked(WatchSettings)
    assert environment_of(template, "DriftFunction") == asked(DriftSettings)


def test_the_settings_reach_the_template(template: dict[str, Any]) -> None:
    some = Settings.model_validate({"monitoring": {"retrain": "newest", "autoscaling": {"enabled": True}}})
    told = monitoring_parameters(some)
    assert set(told) <= set(template["Parameters"])
    assert (told["Retrain"], told["Autoscaling"]) == ("newest", "on")


def test_every_alarm_tells_somebody_and_points_to_its_section(template: dict[str, Any]) -> None:
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == [{"Ref": "AlertTopic"}], name
        assert re.search(r"\. See docs/operations\.md#[a-z-]+$", alarm["AlarmDescription"]), name
        own = alarm["AlarmName"]["Fn::Sub"].rpartition("-")[2]
        assert own not in ANCHORS, f"{name} would be taken for a dimension's"


def test_the_dashboard_needs_no_list_of_dimensions(template: dict[str, Any]) -> None:
    (dashboard,) = of_type(template, "AWS::CloudWatch::Dashboard").values()
    body = dashboard["DashboardBody"]["Fn::Sub"].replace("${Project}", "contender").replace("${AWS::Region}", "here")
    widgets = json.loads(body)["widgets"]
    searches = [metric[0]["expression"] for widget in widgets for metric in widget["properties"]["metrics"]]
    assert all(search.startswith("SEARCH('{") and "contender" in search for search in searches)
    shown = " ".join(searches)
    for metric in ("Invocations", "ModelLatency", "OverheadLatency", "Rewards", "DriftViolations", "StalledRollouts"):
        assert f'MetricName="{metric}"' in shown


def test_what_the_code_calls_its_roles_allow(template: dict[str, Any]) -> None:
    """Both functions' operations on SageMaker, as IAM names them: none missing, none too many."""

    def called(*files: str) -> set[str]:
        code = "".join((ROOT / "contender" / file).read_text() for file in files)
        verbs = r"(?:create|describe|update|delete|list)_\w+"
        found = re.findall(rf"sagemaker\.({verbs})\(", code) + re.findall(r"get_paginator\(\"(list_[m]\w+)\"\)", code)
        return {"".join(word.title() for word in name.split("_")) for name in found}

    def allowed(role: str) -> set[str]:
        return {
            action.partition(":")[2]
            for owner, statement in of_roles(template)
            if owner == role
            for action in listed(statement["Action"])
            if action.startswith("sagemaker:")
        }

    by_kind = {
        f"{verb}{kind}JobDefinition{plural}"
        for kind in ("DataQuality", "ModelQuality")
        for verb, plural in (("Create", ""), ("Delete", ""), ("List", "s"))
    }
    reading = {"ListModelPackages", "DescribeModelPackage"}
    hosting = {"DescribeEndpoint", "DescribeEndpointConfig"}
    watcher = called("watching/observe.py", "watching/execute.py") | by_kind | reading | hosting
    assert allowed("WatchRole") == watcher | {"ListModelPackageGroups"}
    assert allowed("DriftRole") == called("lambdas/drift.py", "watching/newest.py") | reading


# ── Under enforced roles, against a SageMaker that knows one job ──────────────────────────────────────────────────


class OneJob(BaseHTTPRequestHandler):
    """Answers as SageMaker does of an account with a monitoring job that is over, and nothing else."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        answers: dict[str, Any] = {
            "DescribeProcessingJob": described(),
            "ListModelPackages": {"ModelPackageSummaryList": []},
            "ListModelPackageGroups": {"ModelPackageGroupSummaryList": []},
            "ListMonitoringSchedules": {"MonitoringScheduleSummaries": []},
            "ListDataQualityJobDefinitions": {"JobDefinitionSummaries": []},
            "ListModelQualityJobDefinitions": {"JobDefinitionSummaries": []},
        }
        self._answer(200 if operation in answers else 400, answers.get(operation, {"__type": "ResourceNotFound"}))

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def described() -> dict[str, Any]:
    return {
        "ProcessingJobName": JOB,
        "ProcessingJobArn": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:processing-job/{JOB}",
        "ProcessingJobStatus": "Completed",
        "MonitoringScheduleArn": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:monitoring-schedule/contender-sm-1-data",
        "Environment": {"sagemaker_monitoring_schedule_name": "contender-SM-1-data"},
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "result",
                    "S3Output": {
                        "S3Uri": f"s3://{ARTIFACTS}/{REPORT}",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        "CreationTime": 1767322800.0,
        "LastModifiedTime": 1767322800.0,
    }


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """Roles are enforced: what a Lambda may not do fails here as it would on AWS."""
    sagemaker = ThreadingHTTPServer(("127.0.0.1", 0), OneJob)
    threading.Thread(target=sagemaker.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{sagemaker.server_port}"
    running = MiniStack(tmp_path_factory.mktemp("monitoring"), "--enforce-iam", "--sagemaker-url", url)
    running.start()
    yield running
    running.close()
    sagemaker.shutdown()
    sagemaker.server_close()


def only_over_tls(bucket: str) -> dict[str, Any]:
    """What the core's template says of its buckets."""
    where = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": where, "Condition": condition}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture(scope="module")
def stack(ministack: MiniStack) -> Deployment:
    """The stack, and of the core's things those that it needs."""
    s3 = ministack.client("s3")
    for bucket in (DATA, ARTIFACTS):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(only_over_tls(bucket)))
    violation = {"feature_name": "Day Mins", "constraint_check_type": "data_type_check", "description": "it is text"}
    body = json.dumps({"violations": [violation]}).encode()
    s3.put_object(Bucket=ARTIFACTS, Key=f"{REPORT}/constraint_violations.json", Body=body)
    s3.put_object(Bucket=DATA, Key="data/SM-1/newest.csv", Body=b"rows")
    ministack.client("sqs").create_queue(QueueName="contender-uploads")
    ministack.client("dynamodb").create_table(
        TableName="contender-rollouts",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    cloud = Cloud(ministack.client("cloudformation"), s3, ACCOUNT, "us-east-1")
    return deploy(
        cloud,
        Names("contender"),
        PATH,
        {"Retrain": "newest", "WatchRate": "rate(1 day)"},
        root=ROOT,
        stack="contender-monitoring",
    )


def test_a_job_that_is_over_is_told_once_and_trains_once(ministack: MiniStack, stack: Deployment) -> None:
    """From the event through rule and Lambda to topic and queue, each allowed by the template's own policies."""
    sqs = ministack.client("sqs")
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": f"arn:aws:sqs:us-east-1:{ACCOUNT}:inbox",
        },
    }
    inbox = sqs.create_queue(QueueName="inbox", Attributes={"Policy": json.dumps(policy)})["QueueUrl"]
    ministack.client("sns").subscribe(
        TopicArn=stack.outputs["AlertTopicArn"],
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:inbox",
        Attributes={"RawMessageDelivery": "true"},
    )
    event = {
        "Source": "aws.sagemaker",
        "DetailType": "SageMaker Processing Job State Change",
        "Resources": [],
        "Detail": json.dumps({"ProcessingJobName": JOB, "ProcessingJobStatus": "Completed"}),
        "Time": 1767322800.0,
    }

    def happens() -> None:
        ministack.post("/_contender/events", json.dumps({"Entries": [event]}).encode())

    def bodies(queue: str) -> list[str]:
        got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [message["Body"] for message in got if "AlarmName" not in message["Body"]]

    happens()
    (message,) = eventually(lambda: bodies(inbox))
    assert "Day Mins: it is text" in message
    assert "A training with s3://contender-data-000000000000-us-east-1/data/SM-1/newest.csv starts" in message
    (training,) = eventually(lambda: bodies(f"{ministack.url}/{ACCOUNT}/contender-uploads"))
    assert json.loads(training)["detail"]["reason"] == "drift"
    happens()
    eventually(lambda: said(ministack, "drift").count('"outcome": "told before"'))
    assert bodies(inbox) == []
    dead = stack.outputs["DriftDeadLetterQueueUrl"]
    assert bodies(dead) == []


def test_a_look_at_everything_is_allowed(ministack: MiniStack, stack: Deployment) -> None:
    event = json.dumps({"detail-type": "Scheduled Event"}).encode()
    answer = ministack.client("lambda").invoke(FunctionName="contender-watch", Payload=event)
    told = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, told
    assert (told["stalled"], told["unmeasured"], told["looked"], told["told"]) == ([], "", 0, [])


@pytest.mark.parametrize(
    ("role", "action", "resource", "allowed"),
    [
        ("watch", "sagemaker:CreateMonitoringSchedule", "sagemaker:{}:monitoring-schedule/contender-sm-1-data", True),
        ("watch", "sagemaker:DeleteMonitoringSchedule", "sagemaker:{}:monitoring-schedule/other-sm-1-data", False),
        ("watch", "sagemaker:UpdateEndpoint", "sagemaker:{}:endpoint/contender-sm-1", False),
        ("watch", "cloudwatch:PutMetricAlarm", "cloudwatch:{}:alarm:contender-SM-1-errors", True),
        ("watch", "cloudwatch:DeleteAlarms", "cloudwatch:{}:alarm:somebody-elses", False),
        ("drift", "sqs:SendMessage", "sqs:{}:contender-uploads", True),
        ("drift", "sqs:SendMessage", "sqs:{}:contender-events", False),
        ("drift", "sagemaker:StartPipelineExecution", "sagemaker:{}:pipeline/contender", False),
    ],
)
@pytest.mark.usefixtures("stack")
def test_roles_reach_this_projects_things_only(
    ministack: MiniStack, role: str, action: str, resource: str, allowed: bool
) -> None:
    answer = ministack.client("iam").simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:role/contender-{role}-us-east-1",
        ActionNames=[action],
        ResourceArns=[f"arn:aws:{resource.format(f'us-east-1:{ACCOUNT}')}"],
    )
    assert (answer["EvaluationResults"][0]["EvalDecision"] == "allowed") == allowed


@pytest.mark.parametrize(
    ("rule", "detail_type", "detail", "wakes"),
    [
        ("watched-endpoints", "Endpoint", {"EndpointName": "contender-SM-1", "EndpointStatus": "IN_SERVICE"}, True),
        ("watched-endpoints", "Endpoint", {"EndpointName": "contender-SM-1", "EndpointStatus": "DELETED"}, True),
        ("watched-endpoints", "Endpoint", {"EndpointName": "contender-SM-1", "EndpointStatus": "UPDATING"}, False),
        ("watched-endpoints", "Endpoint", {"EndpointName": "other-SM-1", "EndpointStatus": "IN_SERVICE"}, False),
        (
            "promotions",
            "Model Package",
            {
                "ModelPackageGroupName": "contender-SM-1",
                "ModelLifeCycle": {"Stage": "Champion", "StageStatus": "InService"},
            },
            True,
        ),
        (
            "promotions",
            "Model Package",
            {
                "ModelPackageGroupName": "contender-SM-1",
                "ModelLifeCycle": {"Stage": "Challenger", "StageStatus": "InService"},
            },
            False,
        ),
        ("monitoring-jobs", "Processing Job", {"ProcessingJobName": JOB, "ProcessingJobStatus": "Failed"}, True),
        ("monitoring-jobs", "Processing Job", {"ProcessingJobName": JOB, "ProcessingJobStatus": "InProgress"}, False),
        ("monitoring-jobs", "Processing Job", {"ProcessingJobName": "a-b", "ProcessingJobStatus": "Failed"}, False),
    ],
)
@pytest.mark.usefixtures("stack")
def test_events_wake_whom_they_are_for(
    ministack: MiniStack, rule: str, detail_type: str, detail: dict[str, Any], wakes: bool
) -> None:
    events = ministack.client("events")
    event = {
        "id": "1",
        "account": ACCOUNT,
        "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1",
        "source": "aws.sagemaker",
        "detail-type": f"SageMaker {detail_type} State Change",
        "resources": [],
        "detail": detail,
    }
    pattern = events.describe_rule(Name=f"contender-{rule}")["EventPattern"]
    assert bool(events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]) == wakes


def said(ministack: MiniStack, function: str) -> str:
    events = ministack.client("logs").filter_log_events(logGroupName=f"/aws/lambda/contender-{function}")["events"]
    return "\n".join(event["message"] for event in events)
