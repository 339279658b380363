import gzip
import io
import json
import tarfile
from typing import Any

import pytest
import xgboost as xgb

from contender.local.api.errors import ApiError
from tests.local.jobs.conftest import BUCKET, ROLE, XGBOOST, Machine
from tests.local.jobs.test_training import table

BATCHES = """
def model_fn(model_dir):
    return None
def input_fn(body, content_type):
    return body.decode() if isinstance(body, bytes) else body
def predict_fn(text, model):
    if "bad" in text:
        raise ValueError("bad record")
    return text
def output_fn(text, accept):
    rows = text.count("\\n")
    return f"{rows}\\n" * rows
"""


def model(machine: Machine, name: str, **files: bytes) -> str:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path, content in files.items():
            info = tarfile.TarInfo({"script": "code/inference.py", "booster": "xgboost-model"}[path])
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    uri = machine.put(f"{name}/model.tar.gz", buffer.getvalue())
    container = {"Image": XGBOOST, "ModelDataUrl": uri}
    machine.call("CreateModel", ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    return name


@pytest.fixture(scope="session")
def counting(machine: Machine) -> str:
    """A model that answers each record with how many came in its request."""
    return model(machine, "counting", script=BATCHES.encode())


def transform(machine: Machine, name: str, model_name: str, uri: str, **changes: Any) -> dict[str, Any]:
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}, "ContentType": "text/csv"}
    machine.call(
        "CreateTransformJob",
        TransformJobName=name,
        ModelName=model_name,
        TransformInput={**source, **changes.pop("source", {})},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/{name}/out", **changes.pop("output", {})},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **changes,
    )
    machine.context.jobs.wait("transform-job", name)
    return machine.call("DescribeTransformJob", TransformJobName=name)


BY_LINE = {"source": {"SplitType": "Line"}, "output": {"AssembleWith": "Line"}}


def test_every_file_gets_its_answers_beside_its_path(machine: Machine) -> None:
    values = table()
    booster = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(values[:, 1:], label=values[:, 0]), 3)
    name = model(machine, "booster", booster=bytes(booster.save_raw("ubj")))
    rows = ["1,0.5,0.5", "-1,0.5,0.5", "2,0,0"]
    machine.put("scored/in/a.csv", "\n".join(rows) + "\n")
    machine.put("scored/in/deep/b.csv", rows[1])
    described = transform(machine, "scored", name, f"s3://{BUCKET}/scored/in", **BY_LINE)
    assert described["TransformJobStatus"] == "Completed", described
    answers = [float(line) for line in machine.get(f"s3://{BUCKET}/scored/out/a.csv.out").splitlines()]
    assert len(answers) == 3
    assert answers[0] > 0.5 > answers[1]
    assert float(machine.get(f"s3://{BUCKET}/scored/out/deep/b.csv.out")) == answers[1]


def test_the_batch_strategy_decides_how_many_records_share_a_request(machine: Machine, counting: str) -> None:
    uri = machine.put("batches/a.csv", "1\n2\n3\n")
    transform(machine, "multi", counting, uri, **BY_LINE)
    assert machine.get(f"s3://{BUCKET}/multi/out/a.csv.out") == b"3\n3\n3\n"
    transform(machine, "single", counting, uri, BatchStrategy="SingleRecord", **BY_LINE)
    assert machine.get(f"s3://{BUCKET}/single/out/a.csv.out") == b"1\n1\n1\n"


def test_a_line_ends_where_a_line_ends(machine: Machine, counting: str) -> None:
    uri = machine.put("odd/a.csv", "a\u2028b,\x0c\r\n\n2,\x85\n")
    transform(
        machine, "odd", counting, uri, BatchStrategy="SingleRecord", DataProcessing={"JoinSource": "Input"}, **BY_LINE
    )
    assert machine.get(f"s3://{BUCKET}/odd/out/a.csv.out").decode() == "a\u2028b,\x0c,1\n2,\x85,1\n"


def test_gzipped_input_is_unpacked(machine: Machine, counting: str) -> None:
    uri = machine.put("zipped/a.csv.gz", gzip.compress(b"1\n2\n"))
    source = {"SplitType": "Line", "CompressionType": "Gzip"}
    transform(machine, "zipped", counting, uri, source=source, output={"AssembleWith": "Line"})
    assert machine.get(f"s3://{BUCKET}/zipped/out/a.csv.gz.out") == b"2\n2\n"


def test_filters_and_join_work_on_csv(machine: Machine, counting: str) -> None:
    uri = machine.put("joined/a.csv", "id1,bad,5\nid2,bad,6\n")
    processing = {"InputFilter": "$[2:]", "OutputFilter": "$[0,-1]", "JoinSource": "Input"}
    described = transform(machine, "joined", counting, uri, DataProcessing=processing, **BY_LINE)
    assert described["TransformJobStatus"] == "Completed", described
    assert machine.get(f"s3://{BUCKET}/joined/out/a.csv.out") == b"id1,2\nid2,2\n"


def test_filters_and_join_work_on_json_lines(machine: Machine, counting: str) -> None:
    uri = machine.put("lines/a.jsonl", '{"id": 1, "x": [5]}\n{"id": 2, "x": [6]}\n')
    described = transform(
        machine,
        "lines",
        counting,
        uri,
        source={"SplitType": "Line", "ContentType": "application/jsonlines"},
        output={"AssembleWith": "Line", "Accept": "application/jsonlines"},
        DataProcessing={"InputFilter": "$.x", "OutputFilter": "$['id','SageMakerOutput']", "JoinSource": "Input"},
    )
    assert described["TransformJobStatus"] == "Completed", described
    lines = machine.get(f"s3://{BUCKET}/lines/out/a.jsonl.out").splitlines()
    assert json.loads(lines[1]) == {"id": 2, "SageMakerOutput": 2}


def test_a_record_the_model_refuses_fails_the_job_with_file_and_words(machine: Machine, counting: str) -> None:
    uri = machine.put("refused/a.csv", "1\nbad\n")
    described = transform(machine, "refused", counting, uri, **BY_LINE)
    assert described["TransformJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("ClientError: a.csv: records 1 to 2: the model answered ")
    assert "bad record" in described["FailureReason"]


def test_capture_leaves_manifests_of_what_was_read_and_written(machine: Machine, counting: str) -> None:
    for name in ("a.csv", "deep/b.csv"):
        machine.put(f"kept/in/{name}", "1\n")
    capture = {"DestinationS3Uri": f"s3://{BUCKET}/kept/capture/"}
    described = transform(machine, "kept", counting, f"s3://{BUCKET}/kept/in", **BY_LINE, DataCaptureConfig=capture)
    assert described["DataCaptureConfig"] == capture
    hour = f"{described['TransformStartTime']:%Y/%m/%d/%H}"
    sides = ("input", f"s3://{BUCKET}/kept/in/", ""), ("output", f"s3://{BUCKET}/kept/out/", ".out")
    for side, prefix, suffix in sides:
        uri = f"s3://{BUCKET}/kept/capture/{side}/{hour}/kept.json"
        assert json.loads(machine.get(uri)) == [{"prefix": prefix}, f"a.csv{suffix}", f"deep/b.csv{suffix}"]
        objects = machine.context.jobs.files.objects(uri, "ManifestFile")
        assert [inside for _, inside in objects] == [f"a.csv{suffix}", f"deep/b.csv{suffix}"]


def test_a_model_that_cannot_load_fails_the_job(machine: Machine) -> None:
    name = model(machine, "broken-booster", booster=b"not a booster")
    described = transform(machine, "broken", name, machine.put("broken-in/a.csv", "1\n"))
    assert described["TransformJobStatus"] == "Failed"
    assert "xgboost-model" in described["FailureReason"]


def test_requests_that_cannot_run_are_refused(machine: Machine, counting: str) -> None:
    with pytest.raises(ApiError, match="Could not find model"):
        transform(machine, "no-model", "nobody", f"s3://{BUCKET}/x")
    with pytest.raises(ApiError, match="SplitType RecordIO does not work"):
        transform(machine, "records", counting, f"s3://{BUCKET}/x", source={"SplitType": "RecordIO"})
    with pytest.raises(ApiError, match="JoinSource Input needs"):
        transform(machine, "join", counting, f"s3://{BUCKET}/x", DataProcessing={"JoinSource": "Input"})
    capture = {"DestinationS3Uri": f"s3://{BUCKET}/x", "GenerateInferenceId": True}
    with pytest.raises(ApiError, match="GenerateInferenceId of a transform job does not work"):
        transform(machine, "ids", counting, f"s3://{BUCKET}/x", DataCaptureConfig=capture)
