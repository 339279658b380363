"""What the page of a step shows of its job, its log and its files, and that it shows no others."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import EndpointConnectionError
from markupsafe import escape
from starlette.testclient import TestClient

from contender.studio.reading.files import MOST_BYTES, MOST_FILES
from tests.executions.fakes import START, at, step
from tests.lambdas.fakes import client_error
from tests.studio.execution_fakes import ARN, FOLDER, ODD, World, job


@pytest.fixture
def address(world: World) -> str:
    """A step whose job has two outputs."""
    world.processing("prepare", {"train": f"{FOLDER}/train", "report": f"{FOLDER}/report/"})
    return f"{world.execution(steps=[step('Preprocess', Metadata=job('ProcessingJob', 'prepare'))])}/steps/Preprocess"


def test_a_job_tells_what_it_was_given(world: World, browser: TestClient, address: str) -> None:
    world.sagemaker.jobs["prepare"]["Environment"] = {"MODE": "fast", "DB_PASSWORD": "hunter2"}
    page = browser.get(address).text
    for words in ("s3://contender-data/a.csv", "1 × ml.m5.large", "<dt>--label</dt><dd>Churn?</dd>", "image:1", "fast"):
        assert words in page
    assert "hunter2" not in page


def test_a_job_that_is_gone_leaves_the_rest_of_the_page(world: World, browser: TestClient, address: str) -> None:
    world.sagemaker.jobs.clear()
    page = browser.get(address)
    assert page.status_code == 200
    assert "AWS does not know it any more" in page.text


def test_only_the_end_of_a_long_log_is_read_and_shown(world: World, browser: TestClient, address: str) -> None:
    world.logs.streams = {
        "prepare/algo-1": [f"line {number}" for number in range(5000)] + [ODD],
        "prepare-2/algo-1": ["another job's"],
    }
    page = browser.get(address).text
    assert "The last 200 lines" in page
    assert str(escape(ODD)) in page
    assert "line 4999<" in page
    assert "line 4800<" not in page
    assert "another job" not in page


def test_a_function_shows_what_it_said_while_the_step_ran(world: World, browser: TestClient) -> None:
    metadata = {
        "Lambda": {
            "Arn": "arn:aws:lambda:us-east-1:000000000000:function:contender-champion",
            "OutputParameters": [{"Name": "ChampionVersion", "Value": "3"}],
        }
    }
    found = step("Champion", ended=2, Metadata=metadata)
    page = browser.get(f"{world.execution(steps=[found])}/steps/Champion").text
    assert "<dt>ChampionVersion</dt><dd>3</dd>" in page
    (asked,) = world.logs.asked
    assert asked["startTime"] == START.timestamp() * 1000
    assert asked["endTime"] == at(3).timestamp() * 1000


def test_a_reused_step_leads_to_the_execution_that_did_the_work(world: World, browser: TestClient) -> None:
    found = step("Preprocess", CacheHitResult={"SourcePipelineExecutionArn": f"{ARN}/execution/abc"})
    page = browser.get(f"{world.execution(steps=[found])}/steps/Preprocess").text
    assert "/executions/contender/abc/steps/Preprocess" in page


def test_a_condition_tells_what_it_asked_and_its_outcome(world: World, browser: TestClient) -> None:
    found = step("Gate", Metadata={"Condition": {"Outcome": "False"}})
    page = browser.get(f"{world.execution(steps=[found])}/steps/Gate").text
    assert "gate.auc ≥ 0.75" in page
    assert re.search(r"<small>false</small>", page)


def test_a_step_that_waits_is_looked_at_again_and_one_that_was_left_out_is_not(
    world: World, browser: TestClient
) -> None:
    waits = browser.get(f"{world.execution('Executing')}/steps/Train").text
    assert 'data-every="2"' in waits
    assert "It has not begun" in waits
    skipped = browser.get(f"{world.execution('Failed')}/steps/Train").text
    assert "data-every" not in skipped
    assert "did not run" in skipped


def test_a_search_lists_its_trainings_and_marks_the_best(world: World, browser: TestClient) -> None:
    world.sagemaker.jobs["search"] = {
        "HyperParameterTuningJobName": "search",
        "HyperParameterTuningJobArn": "arn:aws:sagemaker:us-east-1:000000000000:hyper-parameter-tuning-job/search",
        "HyperParameterTuningJobStatus": "Completed",
        "CreationTime": START,
        "TrainingJobStatusCounters": {},
        "ObjectiveStatusCounters": {},
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "ResourceLimits": {"MaxParallelTrainingJobs": 2, "MaxNumberOfTrainingJobs": 4},
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
            "ParameterRanges": {
                "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.1", "MaxValue": "0.5"}],
                "CategoricalParameterRanges": [{"Name": "booster", "Values": ["gbtree", "dart"]}],
            },
        },
        "BestTrainingJob": {
            "TrainingJobName": "search-2",
            "TrainingJobArn": "arn:aws:sagemaker:us-east-1:000000000000:training-job/search-2",
            "CreationTime": START,
            "TrainingJobStatus": "Completed",
            "TunedHyperParameters": {"eta": "0.3"},
        },
    }
    world.sagemaker.jobs["trainings"] = {
        "TrainingJobSummaries": [
            {
                "TrainingJobName": name,
                "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}",
                "CreationTime": START,
                "TrainingStartTime": START,
                "TrainingEndTime": at(30),
                "TrainingJobStatus": "Completed",
                "TunedHyperParameters": {"eta": eta},
                "FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": "validation:auc", "Value": value},
            }
            for name, eta, value in (("search-2", "0.3", 0.93), ("search-1", "0.1", 0.9))
        ]
    }
    found = step("Train", Metadata=job("TuningJob", "search"))
    page = browser.get(f"{world.execution(steps=[found])}/steps/Train").text
    assert "search-2 <small>best</small>" in page
    assert "<dt>eta</dt><dd>0.1 to 0.5</dd>" in page
    assert "gbtree, dart" in page
    assert page.index("search-2") < page.index("search-1")


def test_the_metrics_of_a_training_are_found_in_its_log_as_sagemaker_finds_them(
    world: World, browser: TestClient
) -> None:
    world.sagemaker.jobs["train"] = {
        "TrainingJobName": "train",
        "TrainingJobArn": "arn:aws:sagemaker:us-east-1:000000000000:training-job/train",
        "ModelArtifacts": {"S3ModelArtifacts": f"{FOLDER}/train/output/model.tar.gz"},
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "AlgorithmSpecification": {
            "TrainingInputMode": "File",
            "TrainingImage": "xgboost",
            "MetricDefinitions": [
                {"Name": "train:auc", "Regex": ".*\\[[0-9]+\\].*#011train-auc:(\\S+)"},
                {"Name": "broken", "Regex": "("},
            ],
        },
        "OutputDataConfig": {"S3OutputPath": FOLDER},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {},
        "CreationTime": START,
        "FinalMetricDataList": [
            {"MetricName": "train:auc", "Value": 0.9, "Timestamp": START},
            {"MetricName": "broken", "Value": 0.1, "Timestamp": START},
        ],
    }
    world.logs.streams = {
        "train/algo-1": ["[0]\ttrain-auc:0.7\tvalidation-auc:0.6", "[1]#011train-auc:0.8", "[2]\ttrain-auc:x"]
    }
    world.s3.objects[f"{FOLDER}/train/output/model.tar.gz"] = b"\x1f\x8b\0"
    page = browser.get(
        f"{world.execution(steps=[step('Train', Metadata=job('TrainingJob', 'train'))])}/steps/Train"
    ).text
    chart = re.search(r'id="chart-curve".*?<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert not chart  # two points of two metrics are no curve
    world.logs.streams["train/algo-1"] += ["[3]\ttrain-auc:0.85"]
    page = browser.get(
        f"{world.execution(steps=[step('Train', Metadata=job('TrainingJob', 'train'))])}/steps/Train"
    ).text
    chart = re.search(r'id="chart-curve".*?<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert chart
    assert [row["value"] for row in json.loads(chart[1])["data"]["values"]] == [0.7, 0.8, 0.85]
    assert "model.tar.gz" in page


def test_files_of_each_output_are_listed_and_their_number_is_capped(
    world: World, browser: TestClient, address: str
) -> None:
    world.s3.objects = {f"{FOLDER}/train/{number:04d}.csv": b"1,2\n" for number in range(MOST_FILES + 5)}
    world.s3.objects |= {f"{FOLDER}/train-2/other.csv": b"", f"{FOLDER}/report/{quote(ODD[:20])}.txt": b"x"}
    page = browser.get(address).text
    assert f"the first {MOST_FILES} of train" in page
    assert f"{MOST_FILES - 1:04d}.csv" in page
    assert f"{MOST_FILES:04d}.csv" not in page
    assert "other.csv" not in page


@pytest.mark.parametrize(
    "path",
    [
        *("train/../report/a.json", "train/./a.csv", "train//a.csv", "train/", "train", "trai/n/a.csv"),
        *(
            "report/../../2/secret.csv",
            "s3://contender-artifacts/runs/north/2/secret.csv",
            "/secret.csv",
            "2/secret.csv",
        ),
    ],
)
def test_no_address_leads_out_of_the_steps_own_outputs(
    world: World, browser: TestClient, address: str, path: str
) -> None:
    inside = f"{FOLDER}/train/a.csv"
    world.s3.objects = {
        inside: b"1\n",
        "s3://contender-artifacts/runs/north/2/secret.csv": b"secret",
        f"{FOLDER}/report/../../2/secret.csv": b"secret",
        f"{FOLDER}/train/../report/a.json": b"secret",
    }
    answer = browser.get(f"{address}/files/{quote(path, safe='')}")
    assert answer.status_code == 404
    assert not world.s3.read
    assert browser.get(f"{address}/files/train/a.csv").status_code == 200


def test_a_large_file_is_read_in_part_and_says_so(world: World, browser: TestClient, address: str) -> None:
    world.s3.objects = {f"{FOLDER}/train/long.txt": "ü".encode() * MOST_BYTES}
    page = browser.get(f"{address}/files/train/long.txt").text
    assert "Only the first 1,000,000 bytes are shown" in page
    assert world.s3.read == [(f"{FOLDER}/train/long.txt", f"bytes=0-{MOST_BYTES - 1}")]


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("a.csv", b'name,value\n"<b>x</b>",1\n', "<td>&lt;b&gt;x&lt;/b&gt;</td>"),
        ("a.csv", b"1,2\n3,4\n", "<td>1</td><td>2</td>"),
        ("a.json", b'{"b":{"a":[1]}}', "{\n  &#34;b&#34;: {"),
        ("a.json", b"{no json", "{no json"),
        ("a.txt", ODD.encode(), str(escape(ODD))),
        ("a.txt", b"", "It is empty"),
        ("a.dat", b"\x00\x01", "It is no text"),
        ("a.dat", b"\xff\xfe\xfd", "It is no text"),
        ("a b's.gz", b"anything", "aws s3 cp &#39;s3://contender-artifacts/runs/north/1/train/a b"),
    ],
)
def test_a_file_is_shown_by_its_kind_or_says_how_to_have_it(
    world: World, browser: TestClient, address: str, name: str, body: bytes, said: str
) -> None:
    world.s3.objects = {f"{FOLDER}/train/{name}": body}
    assert said in browser.get(f"{address}/files/train/{quote(name)}").text


def test_a_table_shows_a_hundred_rows_and_columns(world: World, browser: TestClient, address: str) -> None:
    wide = ",".join(f"c{number}" for number in range(150))
    rows = "\n".join(",".join(map(str, range(150))) for _ in range(300))
    world.s3.objects = {f"{FOLDER}/train/a.csv": f"{wide}\n{rows}\n".encode()}
    page = browser.get(f"{address}/files/train/a.csv").text
    assert "The first 100 rows, and only the first columns" in page
    assert page.count("<tr>") == 101
    assert '<th scope="col">c99</th>' in page
    assert "c100" not in page


def test_reports_stand_on_the_page_of_the_step_and_on_that_of_their_file(
    world: World, browser: TestClient, address: str
) -> None:
    violation = {"feature_name": ODD, "constraint_check_type": "data_type_check", "description": "moved"}
    world.s3.objects = {
        f"{FOLDER}/report/constraint_violations.json": json.dumps({"violations": [violation]}).encode(),
        f"{FOLDER}/report/analysis.json": b"[1, 2]",
    }
    page = browser.get(address).text
    assert "1 constraint violated." in page
    assert "<script>alert" not in page
    assert "constraint_violations.json" in page
    assert "1 constraint violated." in browser.get(f"{address}/files/report/constraint_violations.json").text
    assert "[\n  1,\n  2\n]" in browser.get(f"{address}/files/report/analysis.json").text


def no(operation: str, code: str) -> Callable[..., Any]:
    """What AWS answers to whoever may not, or where it is ill."""

    def refuses(**_: Any) -> Any:
        raise client_error(operation, code, "User: arn:aws:iam::123456789012:user/ada may not")

    return refuses


def down(**_: Any) -> Any:
    raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("service", "name", "answer", "said"),
    [
        ("s3", "list_objects_v2", no("ListObjectsV2", "AccessDenied"), "The list of its files could not be read."),
        ("s3", "get_object", no("GetObject", "NoSuchKey"), "constraint_violations.json could not be read."),
        ("logs", "describe_log_streams", no("DescribeLogStreams", "AccessDeniedException"), "The log could not be"),
        ("logs", "get_log_events", down, "The log could not be read. AWS does not answer"),
        ("sagemaker", "describe_processing_job", no("DescribeProcessingJob", "AccessDenied"), "What did the work"),
    ],
)
def test_what_aws_does_not_give_leaves_the_rest_of_the_page_and_says_so(
    world: World,
    browser: TestClient,
    address: str,
    service: str,
    name: str,
    answer: Callable[..., Any],
    said: str,
) -> None:
    world.s3.objects = {f"{FOLDER}/report/constraint_violations.json": b'{"violations": []}'}
    world.logs.streams = {"prepare/algo-1": ["it said so"]}
    whole = getattr(world.client(service), name)
    setattr(world.client(service), name, answer)
    page = browser.get(address)
    assert page.status_code == 200
    assert said in html.unescape(page.text)
    assert ("it said so" in page.text) is (service != "logs")
    assert ("constraint_violations.json</a>" in page.text) is (service == "logs" or name == "get_object")
    assert "Nothing was logged" not in page.text
    assert "123456789012" not in page.text
    assert "data-every" in page.text  # it looks again by itself
    setattr(world.client(service), name, whole)
    world.now += timedelta(seconds=2)
    healed = browser.get(address).text
    assert "could not be read" not in healed
    assert "it said so" in healed


def test_a_file_that_may_not_be_asked_for_is_refused_by_name(world: World, browser: TestClient, address: str) -> None:
    world.s3.head_object = no("HeadObject", "403")
    answer = browser.get(f"{address}/files/train/a.csv")
    assert answer.status_code == 403
    assert "AWS does not allow HeadObject" in answer.text


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_json_that_is_nested_too_deeply_is_shown_as_it_is(
    world: World, browser: TestClient, address: str, depth: int
) -> None:
    world.s3.objects = {
        f"{FOLDER}/train/a.json": b"[" * depth + b"]" * depth,
        f"{FOLDER}/report/analysis.json": b"[" * depth + b"]" * depth,
    }
    assert browser.get(f"{address}/files/train/a.json").status_code == 200
    assert browser.get(address).status_code == 200


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", '"NaN"', "null", "[]", "{}", "true", "9" * 400])
def test_figures_of_a_report_that_are_no_numbers_do_no_harm(
    world: World, browser: TestClient, address: str, value: str
) -> None:
    world.s3.objects = {
        f"{FOLDER}/report/{name}": text.replace("VALUE", value).encode()
        for name, text in {
            "analysis.json": '{"explanations": {"kernel_shap": {"l": {"global_shap_values": {"a": VALUE, "b": 1}}}}}',
            "evaluation.json": '{"binary_classification_metrics": {"auc": {"value": VALUE}},'
            ' "champion": {"version": VALUE, "auc": {"value": VALUE}}, "dataset": {"item_count": VALUE},'
            ' "gate": {"reason": VALUE, "rules": {"auc": {"verdict": VALUE, "figure": VALUE}}}}',
            "statistics.json": '{"dataset": {"item_count": VALUE}, "features": [{"name": VALUE}]}',
            "constraints.json": '{"features": [{"name": VALUE, "completeness": VALUE}]}',
            "constraint_violations.json": '{"violations": [{"feature_name": VALUE, "description": VALUE}]}',
        }.items()
    }
    for page in (address, *(f"{address}/files/report/{uri.rpartition('/')[2]}" for uri in world.s3.objects)):
        assert browser.get(page).status_code == 200


def test_no_secret_is_told_by_the_definition_nor_by_what_a_callback_waits_for(
    world: World, browser: TestClient, address: str
) -> None:
    world.sagemaker.definition["Steps"][0]["Arguments"]["Environment"] = {"DB_PASSWORD": "hunter2", "MODE": "fast"}
    page = browser.get(address).text
    assert "hunter2" not in page
    assert "&#34;MODE&#34;: &#34;fast&#34;" in page
    waits = {"Callback": {"CallbackToken": "abcdefghij", "SqsQueueUrl": "https://queue"}}
    found = step("Preprocess", "Executing", Metadata=waits)
    page = browser.get(f"{world.execution('Executing', steps=[found])}/steps/Preprocess").text
    assert "https://queue" in page
    assert "abcdefghij" not in page
