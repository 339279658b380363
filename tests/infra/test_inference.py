"""The template of scoring files: valid, narrow, and it carries a file to predictions with its roles enforced."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contender.deployment import Cloud, Deployment, deploy
from contender.naming import Names
from contender.scoring.file import File
from contender.scoring.rows import to_csv
from contender.scoring.store import Store
from tests.conftest import REPOSITORY, Clients
from tests.infra.permissions import of_roles
from tests.infra.templates import INFRA, environment_of, of_type, read
from tests.local.running import MiniStack, eventually
from tests.local.serving_models import IMAGE, Endpoints, script_files

PATH = INFRA / "inference.yaml"
PROJECT = "files"
ARTIFACTS = f"{PROJECT}-artifacts-000000000000-us-east-1"
ENCODER = json.dumps({"columns": ["Plan", "Mins"], "dropped": []}).encode()
MODEL = """
import csv, io, os

def model_fn(model_dir):
    return None

def input_fn(body, content_type):
    if os.path.exists({flag!r}):
        raise RuntimeError("not now")
    rows = list(csv.reader(io.StringIO(body)))[1:]
    for number, (plan, mins) in enumerate(rows, 1):
        if mins == "many":
            raise ValueError("row %d, column 'Mins': 'many' is not a number" % number)
    return rows

def predict_fn(rows, model):
    return "".join("%s\\n" % (float(mins) % 100 / 100) for plan, mins in rows)

def output_fn(prediction, accept):
    return prediction, "text/csv"
"""


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return read("inference.yaml")


@pytest.fixture(scope="module")
def flag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """While this file exists the model fails."""
    return tmp_path_factory.mktemp("flag") / "down"


@pytest.fixture(scope="module")
def ministack(clients: Clients, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """Roles are enforced, and models are asked on the laptop that all tests share."""
    addresses = ("--sagemaker-url", clients.env["AWS_ENDPOINT_URL_SAGEMAKER"])
    addresses += ("--runtime-url", clients.env["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"])
    running = MiniStack(tmp_path_factory.mktemp("inference"), "--enforce-iam", *addresses)
    running.start()
    yield running
    running.close()


class Files:
    """A deployed stack, and a champion of dimension A."""

    def __init__(self, ministack: MiniStack) -> None:
        self._ministack = ministack
        cloud = Cloud(ministack.client("cloudformation"), ministack.client("s3"), "000000000000", "us-east-1")
        names = Names(PROJECT)
        wanted = {"RetryDelaySeconds": "1", "RowsPerMessage": "100"}
        self.stack: Deployment = deploy(cloud, names, PATH, wanted, root=REPOSITORY, stack=names.stack("inference"))
        self.bucket = self.stack.outputs["InferenceBucket"]

    @property
    def store(self) -> Store:
        return Store(self._ministack.client("dynamodb"), self.stack.outputs["PredictionsTable"])

    def drop(self, name: str, content: str, dimension: str = "A") -> None:
        self._ministack.client("s3").put_object(
            Bucket=self.bucket, Key=f"inference/{dimension}/{name}", Body=content.encode()
        )

    def ended(self, name: str, dimension: str = "A") -> File:
        def look() -> File | None:
            found = self.store.files(dimension, name)
            return found[0] if found and found[0].state in ("finished", "refused") else None

        return eventually(look, 60)

    def is_whole(self, name: str, count: int) -> File:
        """Every row once, the file moved."""
        file = self.ended(name)
        assert (file.rows, file.scored, file.failed) == (count, count, 0)
        rows = list(self.store.rows(file))
        assert [row["row"] for row in rows] == list(range(1, count + 1))
        assert all(abs(row["probability"] - (row["row"] - 1) % 100 / 100) < 1e-9 for row in rows)
        kept = [each["Key"] for each in self._listed(f"processed/A/{file.upload}/")]
        assert kept == [f"processed/A/{file.upload}/{name}", f"processed/A/{file.upload}/{name}.report.json"]
        assert not self._listed(f"inference/A/{name}")
        return file

    def _listed(self, prefix: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            self._ministack.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        )
        return found


@pytest.fixture(scope="module")
def files(ministack: MiniStack, clients: Clients, flag: Path) -> Iterator[Files]:
    """The model's artifact is in both S3s: the one that serves it, and the one that is asked for its columns."""
    clients("s3").create_bucket(Bucket=ARTIFACTS)
    ministack.client("s3").create_bucket(Bucket=ARTIFACTS)
    endpoints = Endpoints(clients, ARTIFACTS, PROJECT)
    model = script_files(MODEL.format(flag=str(flag))) | {"encoder.json": ENCODER}
    endpoints.model("A-v1", model)
    archive = clients("s3").get_object(Bucket=ARTIFACTS, Key=f"{PROJECT}-A-v1/model.tar.gz")["Body"].read()
    ministack.client("s3").put_object(Bucket=ARTIFACTS, Key="model.tar.gz", Body=archive)
    variant = endpoints.variants({"A-v1": 1.0})[0] | {"VariantName": "v1"}
    sagemaker = clients("sagemaker")
    sagemaker.create_endpoint_config(EndpointConfigName=f"{PROJECT}-A", ProductionVariants=[variant])
    endpoints.create("A", "A")
    sagemaker.create_model_package_group(ModelPackageGroupName=f"{PROJECT}-A")
    sagemaker.create_model_package(
        ModelPackageGroupName=f"{PROJECT}-A",
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{ARTIFACTS}/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        ModelApprovalStatus="Approved",
        ModelLifeCycle={"Stage": "Champion", "StageStatus": "InService", "StageDescription": "made by a test"},
    )
    yield Files(ministack)
    sagemaker.delete_endpoint(EndpointName=f"{PROJECT}-A")


def content(count: int) -> str:
    return to_csv([["Mins", "Note", "Plan"], *([str(number), "two\nlines", "yes"] for number in range(count))])


# ── The file ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("function", "module"), [("Intake", "intake"), ("Score", "score")])
def test_lambdas_are_told_what_they_read(template: dict[str, Any], function: str, module: str) -> None:
    code = (REPOSITORY / "contender" / "lambdas" / f"{module}.py").read_text()
    reads = set(re.findall(r'read\(os\.environ, "(\w+)"\)', code)) | {"PROJECT"}
    assert environment_of(template, f"{function}Function") == reads


@pytest.mark.parametrize(("function", "queue"), [("Intake", "FileQueue"), ("Score", "RowQueue")])
def test_waiting_outlasts_a_function_that_is_still_working(template: dict[str, Any], function: str, queue: str) -> None:
    mapping = of_type(template, "AWS::Lambda::EventSourceMapping")[f"{function}Mapping"]
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": [queue, "Arn"]}
    timeout_s = of_type(template, "AWS::Lambda::Function")[f"{function}Function"]["Timeout"]
    assert of_type(template, "AWS::SQS::Queue")[queue]["VisibilityTimeout"] >= 6 * timeout_s


def test_rows_are_told_as_failed_before_the_queue_gives_their_message_up(template: dict[str, Any]) -> None:
    most = template["Parameters"]["Tries"]["MaxValue"]
    assert of_type(template, "AWS::SQS::Queue")["RowQueue"]["RedrivePolicy"]["maxReceiveCount"] > most


def test_the_pipeline_reads_large_files_where_they_are_put_aside() -> None:
    (statement,) = [each for _, each in of_roles(read("core.yaml")) if each.get("Sid") == "ReadFilesToScore"]
    assert [each["Fn::Sub"].rpartition("${AWS::Region}")[2] for each in statement["Resource"]] == ["", "/scoring/*"]


# ── Who may what ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("role", "action", "resource", "allowed"),
    [
        ("score", "sagemaker:InvokeEndpoint", "sagemaker:us-east-1:000000000000:endpoint/files-a", True),
        ("score", "sagemaker:InvokeEndpoint", "sagemaker:us-east-1:000000000000:endpoint/other-a", False),
        ("score", "dynamodb:BatchWriteItem", "dynamodb:us-east-1:000000000000:table/files-predictions", True),
        ("score", "dynamodb:DeleteItem", "dynamodb:us-east-1:000000000000:table/files-predictions", False),
        ("score", "s3:PutObject", "s3:::files-inference-000000000000-us-east-1/processed/A/x/f.csv", True),
        ("score", "s3:PutObject", "s3:::files-inference-000000000000-us-east-1/inference/A/f.csv", False),
        ("intake", "sagemaker:InvokeEndpoint", "sagemaker:us-east-1:000000000000:endpoint/files-a", False),
        ("intake", "sagemaker:StartPipelineExecution", "sagemaker:us-east-1:000000000000:pipeline/files-batch", True),
        ("intake", "sagemaker:StartPipelineExecution", "sagemaker:us-east-1:000000000000:pipeline/files", False),
        ("intake", "dynamodb:BatchWriteItem", "dynamodb:us-east-1:000000000000:table/files-predictions", False),
    ],
)
@pytest.mark.usefixtures("files")
def test_roles_reach_what_they_are_for(
    ministack: MiniStack, role: str, action: str, resource: str, allowed: bool
) -> None:
    answer = ministack.client("iam").simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::000000000000:role/{PROJECT}-{role}-us-east-1",
        ActionNames=[action],
        ResourceArns=[f"arn:aws:{resource}"],
    )
    assert (answer["EvaluationResults"][0]["EvalDecision"] == "allowed") == allowed


# ── From a file to predictions ────────────────────────────────────────────────────────────────────────────────────


def test_a_file_becomes_predictions_and_what_comes_twice_changes_nothing(ministack: MiniStack, files: Files) -> None:
    files.drop("march.csv", content(250))
    file = files.is_whole("march.csv", 250)
    sqs, outputs = ministack.client("sqs"), files.stack.outputs
    before = list(files.store.rows(file))
    detail = {
        "bucket": {"name": files.bucket},
        "object": {"key": "inference/A/march.csv", "version-id": file.source.version},
    }
    event = json.dumps({"detail-type": "Object Created", "detail": detail})
    sqs.send_message(QueueUrl=outputs["InferenceFilesQueueUrl"], MessageBody=event)
    for answers in files.store.answers(file.upload):
        sqs.send_message(QueueUrl=outputs["InferenceQueueUrl"], MessageBody=answers.chunk.body)
    eventually(lambda: not any(_left(sqs, outputs[f"Inference{name}QueueUrl"]) for name in ("", "Files")))
    assert list(files.store.rows(file)) == before
    assert _left(sqs, outputs["InferenceDeadLetterQueueUrl"]) == 0


def test_an_endpoint_that_fails_for_a_while_costs_no_row(ministack: MiniStack, files: Files, flag: Path) -> None:
    logs = ministack.client("logs")

    def failed() -> bool:
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{PROJECT}-score", filterPattern='"the model failed"')
        return bool(found["events"])

    flag.touch()
    files.drop("april.csv", content(250))
    eventually(failed)
    flag.unlink()
    files.is_whole("april.csv", 250)


def test_a_kill_in_the_middle_of_a_file_costs_no_row(ministack: MiniStack, files: Files) -> None:
    """Every process is gone at once, Lambdas as well; what they had not settled is done again."""
    files.drop("may.csv", content(1200))

    def begun() -> bool:
        found = files.store.files("A", "may.csv")
        return bool(found and found[0].settled)

    eventually(begun)
    ministack.kill()
    ministack.start()
    files.is_whole("may.csv", 1200)


def test_a_row_that_fails_and_a_file_that_is_refused_are_told(ministack: MiniStack, files: Files) -> None:
    files.drop("june.csv", content(50) + "many,poisoned,no\n")
    files.drop("june.csv", "a,b\n1,2\n", dimension="B")
    file, refused = files.ended("june.csv"), files.ended("june.csv", "B")
    assert (file.scored, file.failed) == (50, 1)
    s3 = ministack.client("s3")
    failed = s3.get_object(Bucket=files.bucket, Key=f"{file.processed.key}.failed.csv")["Body"].read().decode()
    assert failed == "row,line,problem,Mins,Note,Plan\n51,102,column 'Mins': 'many' is not a number,many,poisoned,no\n"
    report = f"refused/B/{refused.upload}/june.csv.report.json"
    eventually(lambda: s3.list_objects_v2(Bucket=files.bucket, Prefix=report).get("Contents"))

    def reasons() -> set[str]:
        messages = ministack.client("sqs").receive_message(
            QueueUrl=files.stack.outputs["InferenceDeadLetterQueueUrl"],
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            MessageAttributeNames=["Reason"],
        )
        return {each["MessageAttributes"]["Reason"]["StringValue"] for each in messages.get("Messages", [])}

    eventually(lambda: len(reasons()) == 2)
    assert reasons() == {
        "row 51: column 'Mins': 'many' is not a number",
        "dimension 'B' has no champion: `contender data upload` trains one",
    }


def _left(sqs: Any, url: str) -> int:
    names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible")]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(value) for value in found.values())
