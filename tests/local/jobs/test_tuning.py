import io
import tarfile
from typing import Any

import pytest

from contender.local.api.errors import ApiError
from tests.local.jobs.conftest import BUCKET, ROLE, SKLEARN, XGBOOST, Machine, channel
from tests.local.jobs.test_training import csv, table

SCORE = {"Name": "score", "Regex": "score=(\\S+)"}
SCRIPT = """
import argparse, time
parser = argparse.ArgumentParser()
parser.add_argument("-x", type=float, default=0.0)
parser.add_argument("--kind", default="a")
arguments = parser.parse_args()
print(f"score={-(arguments.x - 3) ** 2 + (arguments.kind == 'b')}")
open("/opt/ml/model/x", "w").write(str(arguments.x))
"""


def submit(machine: Machine, name: str, script: str) -> str:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("train.py")
        info.size = len(script)
        tar.addfile(info, io.BytesIO(script.encode()))
    return machine.put(f"{name}/sourcedir.tar.gz", buffer.getvalue())


def request(machine: Machine, name: str, script: str = SCRIPT, **config: Any) -> dict[str, Any]:
    limits = config.pop("limits", {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2})
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": limits,
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "6"}]},
            "RandomSeed": 7,
            **config,
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {
                "TrainingImage": SKLEARN,
                "TrainingInputMode": "File",
                "MetricDefinitions": [SCORE],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/tuned"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "StaticHyperParameters": {
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": submit(machine, name, script),
            },
        },
    }


def tune(machine: Machine, asked: dict[str, Any]) -> dict[str, Any]:
    name = asked["HyperParameterTuningJobName"]
    machine.call("CreateHyperParameterTuningJob", **asked)
    machine.context.jobs.wait("hyper-parameter-tuning-job", name)
    return machine.call("DescribeHyperParameterTuningJob", HyperParameterTuningJobName=name)


def trials(machine: Machine, name: str, **more: Any) -> list[dict[str, Any]]:
    answer = machine.call("ListTrainingJobsForHyperParameterTuningJob", HyperParameterTuningJobName=name, **more)
    found: list[dict[str, Any]] = answer["TrainingJobSummaries"]
    return found


def test_the_best_training_job_is_the_one_with_the_best_objective(machine: Machine) -> None:
    described = tune(machine, request(machine, "random"))
    assert described["HyperParameterTuningJobStatus"] == "Completed", described
    assert described["TrainingJobStatusCounters"]["Completed"] == 4
    assert described["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 0, "Failed": 0}
    ranked = trials(machine, "random", SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    assert ranked[0] == described["BestTrainingJob"]
    values = [each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for each in ranked]
    assert values == sorted(values, reverse=True)
    best = machine.call("DescribeTrainingJob", TrainingJobName=ranked[0]["TrainingJobName"])
    assert best["TuningJobArn"] == described["HyperParameterTuningJobArn"]
    assert best["HyperParameters"]["x"] == ranked[0]["TunedHyperParameters"]["x"]
    assert ranked[0]["TrainingJobName"].startswith("random-00")


def test_the_same_seed_gives_the_same_search(machine: Machine) -> None:
    one_at_a_time = {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 1}

    def values(name: str) -> list[str]:
        tune(machine, request(machine, name, limits=one_at_a_time, Strategy="Bayesian"))
        return [each["TunedHyperParameters"]["x"] for each in trials(machine, name)]

    assert values("seeded-a") == values("seeded-b")


def test_a_grid_is_walked_once_and_completely(machine: Machine) -> None:
    described = tune(
        machine,
        request(
            machine,
            "grid",
            Strategy="Grid",
            limits={"MaxParallelTrainingJobs": 2},
            ParameterRanges={
                "CategoricalParameterRanges": [
                    {"Name": "kind", "Values": ["a", "b"]},
                    {"Name": "x", "Values": ["1", "3"]},
                ]
            },
        ),
    )
    assert described["TrainingJobStatusCounters"]["Completed"] == 4
    assert described["BestTrainingJob"]["TunedHyperParameters"] == {"kind": "b", "x": "3"}
    tried = {tuple(sorted(each["TunedHyperParameters"].items())) for each in trials(machine, "grid")}
    assert len(tried) == 4


def test_the_builtin_algorithm_is_tuned_on_its_own_metrics(machine: Machine) -> None:
    asked = request(
        machine,
        "builtin-tuning",
        Strategy="Bayesian",
        HyperParameterTuningJobObjective={"Type": "Minimize", "MetricName": "validation:logloss"},
        ParameterRanges={
            "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "1", "MaxValue": "4"}],
            "ContinuousParameterRanges": [
                {"Name": "eta", "MinValue": "0.01", "MaxValue": "0.5", "ScalingType": "Logarithmic"},
                {"Name": "subsample", "MinValue": "0.5", "MaxValue": "0.99", "ScalingType": "ReverseLogarithmic"},
            ],
        },
    )
    definition = asked["TrainingJobDefinition"]
    definition["AlgorithmSpecification"] = {"TrainingImage": XGBOOST, "TrainingInputMode": "File"}
    definition["StaticHyperParameters"] = {"num_round": "5", "objective": "binary:logistic"}
    definition["InputDataConfig"] = [
        channel("train", machine.put("tuning/train.csv", csv(table()))),
        channel("validation", machine.put("tuning/validation.csv", csv(table(seed=1)))),
    ]
    described = tune(machine, asked)
    assert described["HyperParameterTuningJobStatus"] == "Completed", described
    values = [
        each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for each in trials(machine, "builtin-tuning")
    ]
    best = described["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == min(values)
    assert 0.5 <= float(best["TunedHyperParameters"]["subsample"]) <= 0.99


def test_a_failing_trial_is_counted_and_the_rest_goes_on(machine: Machine) -> None:
    script = SCRIPT + "assert arguments.kind == 'b'"
    categories = {"CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}]}
    limits = {"MaxParallelTrainingJobs": 1}
    described = tune(
        machine, request(machine, "half", script, Strategy="Grid", ParameterRanges=categories, limits=limits)
    )
    assert described["HyperParameterTuningJobStatus"] == "Completed", described
    counters = described["TrainingJobStatusCounters"]
    assert (counters["Completed"], counters["NonRetryableError"]) == (1, 1)
    assert described["BestTrainingJob"]["TunedHyperParameters"] == {"kind": "b"}


def test_when_every_trial_fails_the_job_fails_with_the_reason(machine: Machine) -> None:
    described = tune(machine, request(machine, "all-bad", "raise ValueError('no')"))
    assert described["HyperParameterTuningJobStatus"] == "Failed"
    assert "ValueError: no" in described["FailureReason"]


def test_an_objective_that_is_never_logged_is_said(machine: Machine) -> None:
    described = tune(machine, request(machine, "silent", "print('nothing')"))
    assert described["HyperParameterTuningJobStatus"] == "Failed"
    assert "No objective metrics found after running 4 training jobs" in described["FailureReason"]


EPOCHS = """
import argparse, time
parser = argparse.ArgumentParser()
parser.add_argument("-x", type=float)
x = parser.parse_args().x
for epoch in range(60):
    print(f"score={x * epoch}", flush=True)
    time.sleep(0.02 if x > 3 else 0.1)
"""


def test_hopeless_trials_are_stopped_early(machine: Machine) -> None:
    described = tune(
        machine,
        request(
            machine,
            "pruned",
            EPOCHS,
            Strategy="Grid",
            TrainingJobEarlyStoppingType="Auto",
            RandomSeed=4,
            limits={"MaxParallelTrainingJobs": 2},
            ParameterRanges={"CategoricalParameterRanges": [{"Name": "x", "Values": ["6", "5", "4", "0", "0.1"]}]},
        ),
    )
    assert described["HyperParameterTuningJobStatus"] == "Completed", described
    assert described["TrainingJobStatusCounters"]["Stopped"] >= 1
    assert described["BestTrainingJob"]["TunedHyperParameters"] == {"x": "6"}


def test_stop_stops_the_trials_too(machine: Machine) -> None:
    machine.call("CreateHyperParameterTuningJob", **request(machine, "stopped", "import time; time.sleep(60)"))
    while not trials(machine, "stopped"):
        machine.context.jobs.wait_for_change(machine.context.jobs.version, 0.1)
    machine.call("StopHyperParameterTuningJob", HyperParameterTuningJobName="stopped")
    machine.context.jobs.wait("hyper-parameter-tuning-job", "stopped")
    described = machine.call("DescribeHyperParameterTuningJob", HyperParameterTuningJobName="stopped")
    assert described["HyperParameterTuningJobStatus"] == "Stopped"
    assert {each["TrainingJobStatus"] for each in trials(machine, "stopped")} == {"Stopped"}
    assert described["TrainingJobStatusCounters"]["InProgress"] == 0


def test_a_reached_target_ends_the_search(machine: Machine) -> None:
    described = tune(
        machine,
        request(
            machine,
            "target",
            limits={"MaxNumberOfTrainingJobs": 50, "MaxParallelTrainingJobs": 1},
            TuningJobCompletionCriteria={"TargetObjectiveMetricValue": -9.0},
        ),
    )
    assert described["TrainingJobStatusCounters"]["Completed"] == 1


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"Strategy": "Grid"}, "CategoricalParameterRanges only"),
        ({"ParameterRanges": {}}, "at least one parameter range"),
        ({"limits": {"MaxParallelTrainingJobs": 1}}, "MaxNumberOfTrainingJobs is needed"),
        (
            {"HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "scroe"}},
            "'scroe' is not among the MetricDefinitions: score",
        ),
        (
            {"ParameterRanges": {"IntegerParameterRanges": [{"Name": "x", "MinValue": "5", "MaxValue": "1"}]}},
            "MinValue 5 is above MaxValue 1",
        ),
    ],
)
def test_a_search_that_cannot_run_is_refused(machine: Machine, config: dict[str, Any], said: str) -> None:
    with pytest.raises(ApiError, match=said):
        machine.call("CreateHyperParameterTuningJob", **request(machine, "refused", **config))
