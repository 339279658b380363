import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb

from contender.local.api.errors import ApiError
from tests.local.jobs.conftest import BUCKET, SKLEARN, XGBOOST, Machine, channel, training_request

HYPERPARAMETERS = {"num_round": "5", "max_depth": "2", "objective": "binary:logistic", "eval_metric": "auc,logloss"}


def table(rows: int = 60, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, 3)).round(3)
    return np.column_stack([(features[:, 0] > 0).astype(int), features])


def csv(values: np.ndarray) -> str:
    return "\n".join(",".join(f"{value:g}" for value in row) for row in values) + "\n"


@pytest.fixture(scope="session")
def channels(machine: Machine) -> list[dict[str, object]]:
    train = machine.put("small/train/data.csv", csv(table()))
    held_out = machine.put("small/validation/data.csv", csv(table(seed=1)))
    return [channel("train", train.rpartition("/")[0]), channel("validation", held_out)]


def unpacked(machine: Machine, uri: str, to: Path) -> Path:
    with tarfile.open(fileobj=io.BytesIO(machine.get(uri))) as tar:
        tar.extractall(to, filter="data")
    return to


def test_the_builtin_algorithm_trains_and_leaves_a_booster(
    machine: Machine, channels: list[dict[str, object]], tmp_path: Path
) -> None:
    described = machine.train("builtin", HyperParameters=HYPERPARAMETERS, InputDataConfig=channels)
    assert described["TrainingJobStatus"] == described["SecondaryStatus"] == "Completed", described
    artifacts = described["ModelArtifacts"]["S3ModelArtifacts"]
    assert artifacts == f"s3://{BUCKET}/models/builtin/output/model.tar.gz"
    booster = xgb.Booster()
    booster.load_model(bytearray((unpacked(machine, artifacts, tmp_path) / "xgboost-model").read_bytes()))
    assert booster.num_boosted_rounds() == 5
    metrics = {metric["MetricName"]: metric["Value"] for metric in described["FinalMetricDataList"]}
    assert metrics.keys() == {"train:auc", "train:logloss", "validation:auc", "validation:logloss"}
    assert metrics["validation:auc"] > 0.9
    steps = [transition["Status"] for transition in described["SecondaryStatusTransitions"]]
    assert steps == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all("EndTime" in transition for transition in described["SecondaryStatusTransitions"])


@pytest.mark.parametrize(
    ("objective", "more"),
    [
        ("reg:squarederror", {}),
        ("reg:tweedie", {"tweedie_variance_power": "1.4"}),
        ("multi:softprob", {"num_class": "2", "eval_metric": "mlogloss,accuracy"}),
        ("rank:pairwise", {}),
        ("count:poisson", {"booster": "dart", "rate_drop": "0.1"}),
    ],
)
def test_other_objectives_train_too(
    machine: Machine, channels: list[dict[str, object]], objective: str, more: dict[str, str]
) -> None:
    name = f"objective-{objective.replace(':', '-')}"
    hyperparameters = {"num_round": "2", "objective": objective, **more}
    described = machine.train(name, HyperParameters=hyperparameters, InputDataConfig=channels)
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")


def test_hyperparameters_go_by_either_of_their_names(machine: Machine, channels: list[dict[str, object]]) -> None:
    def auc(name: str, **hyperparameters: str) -> object:
        hyperparameters = {**HYPERPARAMETERS, "predictor": "auto", **hyperparameters}
        return machine.train(name, HyperParameters=hyperparameters, InputDataConfig=channels)["FinalMetricDataList"]

    plain = auc("alias-none")
    named, aliased = auc("alias-named", eta="0.01"), auc("alias-aliased", learning_rate="0.01")
    values = [sorted((each["MetricName"], each["Value"]) for each in found) for found in (plain, named, aliased)]
    assert values[1] == values[2] != values[0]


@pytest.mark.parametrize(("version", "status"), [("0.90-2", "Completed"), ("1.0-1", "Completed"), ("1.2-1", "Failed")])
def test_silent_is_known_to_the_images_that_aws_taught_it(
    machine: Machine, channels: list[dict[str, object]], version: str, status: str
) -> None:
    described = machine.train(
        f"silent-{version.replace('.', '-')}",
        HyperParameters={**HYPERPARAMETERS, "silent": "0"},
        InputDataConfig=channels,
        AlgorithmSpecification={"TrainingImage": f"{XGBOOST.partition(':')[0]}:{version}", "TrainingInputMode": "File"},
    )
    assert described["TrainingJobStatus"] == status
    assert "silent" in described.get("FailureReason", "silent")


def test_early_stopping_keeps_the_best_round(
    machine: Machine, channels: list[dict[str, object]], tmp_path: Path
) -> None:
    hyperparameters = {**HYPERPARAMETERS, "num_round": "200", "eval_metric": "f1", "early_stopping_rounds": "3"}
    described = machine.train("early", HyperParameters=hyperparameters, InputDataConfig=channels)
    booster = xgb.Booster()
    model = unpacked(machine, described["ModelArtifacts"]["S3ModelArtifacts"], tmp_path) / "xgboost-model"
    booster.load_model(bytearray(model.read_bytes()))
    assert booster.num_boosted_rounds() < 100


def test_libsvm_and_parquet_channels(machine: Machine, tmp_path: Path) -> None:
    values = table()
    lines = (" ".join([f"{row[0]:g}", *(f"{i}:{x:g}" for i, x in enumerate(row[1:]))]) for row in values)
    libsvm = channel("train", machine.put("forms/libsvm/a", "\n".join(lines)), "text/libsvm")
    import pandas as pd

    pd.DataFrame(values, columns=list("abcd")).to_parquet(tmp_path / "a.parquet")
    parquet = channel(
        "train", machine.put("forms/a.parquet", (tmp_path / "a.parquet").read_bytes()), "application/x-parquet"
    )
    for name, each in (("libsvm", libsvm), ("parquet", parquet)):
        described = machine.train(name, HyperParameters=HYPERPARAMETERS, InputDataConfig=[each])
        assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
        metrics = {metric["MetricName"]: metric["Value"] for metric in described["FinalMetricDataList"]}
        assert metrics["train:auc"] > 0.9


def test_a_table_is_parsed_once_and_trains_the_same_model_again(machine: Machine, tmp_path: Path) -> None:
    train = [channel("train", machine.put("tables/a.csv", csv(table(seed=5))))]
    tables = machine.home / "cache" / "tables"
    before = set(tables.glob("*.npy"))
    models = []
    for name in ("parsed", "loaded"):
        described = machine.train(name, HyperParameters=HYPERPARAMETERS, InputDataConfig=train)
        models.append(unpacked(machine, described["ModelArtifacts"]["S3ModelArtifacts"], tmp_path / name))
    assert len(set(tables.glob("*.npy")) - before) == 1
    assert (models[0] / "xgboost-model").read_bytes() == (models[1] / "xgboost-model").read_bytes()


def test_csv_weights_are_the_second_column(machine: Machine) -> None:
    values = table()
    weighted = np.column_stack([values[:, 0], np.ones(len(values)), values[:, 1:]])
    train = channel("train", machine.put("weights/a.csv", csv(weighted)))
    hyperparameters = {**HYPERPARAMETERS, "csv_weights": "1"}
    assert machine.train("weights", HyperParameters=hyperparameters, InputDataConfig=[train])["FinalMetricDataList"]
    assert "3 columns" in machine.log("/aws/sagemaker/TrainingJobs", "weights")[0]


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("header", "label,a,b\n1,2,3\n", "no header"),
        ("empty", "", "is empty"),
        ("no-features", "1\n0\n", "a label and at least one feature are needed"),
        ("no-label", ",1,2\n0,1,2\n", "row 1 has no label"),
        ("words", "1,2,True.\n", "could not convert"),
        (
            "not-in-range",
            "3,1,2\n4,1,2\n",
            "labels must be in [0, 1] for binary:logistic; those of channel train are 3 to 4",
        ),
    ],
)
def test_data_that_cannot_be_trained_on_fails_with_the_reason(
    machine: Machine, name: str, body: str, said: str
) -> None:
    train = channel("train", machine.put(f"broken/{name}/a.csv", body))
    described = machine.train(f"broken-{name}", HyperParameters=HYPERPARAMETERS, InputDataConfig=[train])
    assert described["TrainingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("ClientError: ")
    assert said in described["FailureReason"]
    assert described["SecondaryStatusTransitions"][-1]["StatusMessage"] == described["FailureReason"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_dept": "3"}, "Extraneous hyperparameter found: max_dept (is max_depth meant?)"),
        ({"eta": "2"}, "Hyperparameter eta: 2 is not in [0, 1]"),
        ({"max_depth": "deep"}, "Hyperparameter max_depth: 'deep' is not an integer"),
        ({"num_round": "0"}, "Hyperparameter num_round: 0 is not in [1, inf)"),
        ({"objective": "multi:softmax"}, "multi:softmax needs num_class"),
    ],
)
def test_a_wrong_hyperparameter_is_named(
    machine: Machine, channels: list[dict[str, object]], changes: dict[str, str], said: str
) -> None:
    name = f"wrong-{next(iter(changes)).replace('_', '-')}-{abs(hash(said)) % 1000}"
    hyperparameters = {**HYPERPARAMETERS, **changes}
    described = machine.train(name, HyperParameters=hyperparameters, InputDataConfig=channels)
    assert said in described["FailureReason"]


SCRIPT = """
import argparse, json, os
from pathlib import Path
import helper
parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float)
parser.add_argument("--name")
parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
arguments = parser.parse_args()
assert os.getcwd() == "/opt/ml/code"
assert json.loads(os.environ["SM_HPS"]) == {"alpha": 0.5, "name": "x y"}
rows = len(Path(arguments.train, "data.csv").read_text().splitlines())
for epoch in range(3):
    print(f"epoch {epoch} rows={rows} score={arguments.alpha * epoch};")
Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text(helper.WORD)
Path(os.environ["SM_OUTPUT_DATA_DIR"], "report.txt").write_text("done")
"""


def source(machine: Machine, name: str, **files: str) -> str:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path, text in files.items():
            info = tarfile.TarInfo(f"{path}.py")
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return machine.put(f"{name}/sourcedir.tar.gz", buffer.getvalue())


@pytest.mark.parametrize("image", [SKLEARN, XGBOOST])
def test_script_mode_runs_the_users_program(
    machine: Machine, channels: list[dict[str, object]], image: str, tmp_path: Path
) -> None:
    name = f"script-{'sklearn' if image == SKLEARN else 'xgboost'}"
    submitted = source(machine, name, train=SCRIPT, helper="WORD = 'trained'")
    described = machine.train(
        name,
        AlgorithmSpecification={
            "TrainingImage": image,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9.]+);"}],
        },
        HyperParameters={
            "sagemaker_program": json.dumps("train.py"),
            "sagemaker_submit_directory": json.dumps(submitted),
            "alpha": "0.5",
            "name": json.dumps("x y"),
        },
        InputDataConfig=channels[:1],
    )
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    (metric,) = described["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("score", 1.0)
    artifacts = described["ModelArtifacts"]["S3ModelArtifacts"]
    assert (unpacked(machine, artifacts, tmp_path) / "model.txt").read_text() == "trained"
    output = artifacts.replace("model.tar.gz", "output.tar.gz")
    assert (unpacked(machine, output, tmp_path) / "report.txt").read_text() == "done"


def test_a_failing_script_says_so_as_the_training_toolkit_does(machine: Machine) -> None:
    submitted = source(machine, "script-fails", train="raise KeyError('churn')")
    described = machine.train(
        "script-fails",
        HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": submitted, "alpha": "1"},
    )
    assert described["FailureReason"] == (
        "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage \"KeyError: 'churn'\"\n"
        'Command "python3 train.py --alpha 1", exit code: 1'
    )


def test_the_failure_file_wins_over_the_log(machine: Machine) -> None:
    submitted = source(
        machine, "failure-file", train="open('/opt/ml/output/failure', 'w').write('disk full'); raise SystemExit(2)"
    )
    described = machine.train(
        "failure-file", HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": submitted}
    )
    assert 'ErrorMessage "disk full"' in described["FailureReason"]


def test_the_sklearn_image_needs_a_script(machine: Machine) -> None:
    specification = {"TrainingImage": SKLEARN, "TrainingInputMode": "File"}
    described = machine.train("no-script", AlgorithmSpecification=specification)
    assert "trains with a script" in described["FailureReason"]


def test_a_training_past_its_time_is_stopped_and_keeps_its_model(machine: Machine) -> None:
    slow = """
import time
open("/opt/ml/model/half", "w").write("x")
time.sleep(60)
"""
    submitted = source(machine, "over-time", train=slow)
    described = machine.train(
        "over-time",
        HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": submitted},
        StoppingCondition={"MaxRuntimeInSeconds": 1},
    )
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert machine.get(described["ModelArtifacts"]["S3ModelArtifacts"])


def test_a_stopped_training_can_save_the_model_so_far(machine: Machine, channels: list[dict[str, object]]) -> None:
    hyperparameters = {**HYPERPARAMETERS, "num_round": "1000000", "save_model_on_termination": "true"}
    machine.call(
        "CreateTrainingJob",
        **training_request("saved", HyperParameters=hyperparameters, InputDataConfig=channels),
    )
    assert machine.log("/aws/sagemaker/TrainingJobs", "saved")
    machine.call("StopTrainingJob", TrainingJobName="saved")
    machine.context.jobs.wait("training-job", "saved")
    described = machine.call("DescribeTrainingJob", TrainingJobName="saved")
    assert described["TrainingJobStatus"] == "Stopped"
    assert [each["Status"] for each in described["SecondaryStatusTransitions"]][-2:] == ["Stopping", "Stopped"]
    assert machine.get(described["ModelArtifacts"]["S3ModelArtifacts"])


def test_requests_that_cannot_run_are_refused(machine: Machine) -> None:
    specification = {"TrainingImage": XGBOOST, "TrainingInputMode": "File"}
    bad = {**specification, "MetricDefinitions": [{"Name": "m", "Regex": "("}]}
    with pytest.raises(ApiError, match="MetricDefinition 'm': Regex is invalid"):
        machine.call("CreateTrainingJob", **training_request("refused", AlgorithmSpecification=bad))
    with pytest.raises(ApiError, match="TrainingImage is needed"):
        machine.call(
            "CreateTrainingJob",
            **training_request("refused", AlgorithmSpecification={"TrainingInputMode": "File"}),
        )


def test_an_archive_with_a_link_is_refused(machine: Machine) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("train.py")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    submitted = machine.put("link/sourcedir.tar.gz", buffer.getvalue())
    described = machine.train(
        "link", HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": submitted}
    )
    assert described["FailureReason"] == (
        f"ClientError: {submitted} is refused: its member 'train.py' is a link (to '/etc/passwd')"
    )
