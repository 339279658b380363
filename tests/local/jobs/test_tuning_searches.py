"""Whole tuning jobs: each strategy, where a search starts from, and what ends it before its last trial."""

import math
from typing import Any

import pytest

from contender.local.api.errors import ApiError
from contender.local.jobs import tuning
from tests.local.jobs.conftest import Machine
from tests.local.jobs.test_tuning import SCRIPT, request, trials, tune

ONE_BY_ONE = {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 1}

EPOCHS = """
import argparse, time
parser = argparse.ArgumentParser()
parser.add_argument("-x", type=float)
parser.add_argument("--epochs")
x = parser.parse_args().x
for epoch in range(9):
    print(f"score={x * (epoch + 1)}", flush=True)
    time.sleep(0.01 if x > 5 else 0.2)
"""


def tuned(machine: Machine, name: str, parameter: str = "x") -> list[str]:
    return [each["TunedHyperParameters"][parameter] for each in trials(machine, name)]


def definition(asked: dict[str, Any], name: str, **changes: Any) -> dict[str, Any]:
    objective = asked["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    ranges = asked["HyperParameterTuningJobConfig"]["ParameterRanges"]
    own = {"DefinitionName": name, "TuningObjective": objective, "HyperParameterRanges": ranges}
    return {**asked["TrainingJobDefinition"], **own, **changes}


def with_definitions(machine: Machine, name: str, **changes: Any) -> dict[str, Any]:
    asked = request(machine, name)
    asked["TrainingJobDefinitions"] = [definition(asked, "narrow"), definition(asked, "wide", **changes)]
    for single in ("HyperParameterTuningJobObjective", "ParameterRanges"):
        del asked["HyperParameterTuningJobConfig"][single]
    del asked["TrainingJobDefinition"]
    return asked


def warm_start(asked: dict[str, Any], kind: str, *parents: str) -> dict[str, Any]:
    listed = [{"HyperParameterTuningJobName": parent} for parent in parents]
    return {**asked, "WarmStartConfig": {"ParentHyperParameterTuningJobs": listed, "WarmStartType": kind}}


def test_a_random_search_is_the_same_with_the_same_seed_also_in_parallel(machine: Machine) -> None:
    for name in ("seed-a", "seed-b"):
        tune(machine, request(machine, name))
    tune(machine, request(machine, "seed-c", RandomSeed=8))
    assert tuned(machine, "seed-a") == tuned(machine, "seed-b")
    assert set(tuned(machine, "seed-a")).isdisjoint(tuned(machine, "seed-c"))


def test_hyperband_gives_up_what_falls_behind(machine: Machine) -> None:
    asked = request(
        machine,
        "hyperband",
        EPOCHS,
        Strategy="Hyperband",
        RandomSeed=2,
        limits=ONE_BY_ONE,
        StrategyConfig={"HyperbandStrategyConfig": {"MinResource": 3}},
        ParameterRanges={"CategoricalParameterRanges": [{"Name": "x", "Values": ["10", "0.1"]}]},
    )
    asked["TrainingJobDefinition"]["StaticHyperParameters"]["epochs"] = "9"
    described = tune(machine, asked)
    assert described["HyperParameterTuningJobStatus"] == "Completed", described
    assert described["BestTrainingJob"]["TunedHyperParameters"] == {"x": "10"}
    given_up = trials(machine, "hyperband", StatusEquals="Stopped")
    assert [each["TunedHyperParameters"]["x"] for each in given_up] == ["0.1"]
    assert given_up[0]["ObjectiveStatus"] == "Succeeded"


def test_a_warm_start_begins_with_what_its_parents_found(machine: Machine) -> None:
    grid = [{"Name": "x", "Values": [str(value / 2) for value in range(13)]}]
    parent = request(
        machine,
        "parent",
        Strategy="Grid",
        limits={"MaxParallelTrainingJobs": 2},
        ParameterRanges={"CategoricalParameterRanges": grid},
    )
    tune(machine, parent)
    asked = request(machine, "child", Strategy="Bayesian", limits=ONE_BY_ONE)
    described = tune(machine, warm_start(asked, "TransferLearning", "parent"))
    assert "OverallBestTrainingJob" not in described
    tune(machine, request(machine, "orphan", Strategy="Bayesian", limits=ONE_BY_ONE))

    def distance(name: str) -> float:
        return sum(abs(float(x) - 3) for x in tuned(machine, name))

    assert distance("child") < distance("orphan") / 2


def test_an_identical_warm_start_names_the_best_of_the_family(machine: Machine) -> None:
    best = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["3"]}]}
    worse = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]}
    tune(machine, request(machine, "elder", ParameterRanges=best, limits={**ONE_BY_ONE, "MaxNumberOfTrainingJobs": 1}))
    asked = request(machine, "younger", ParameterRanges=worse, limits={**ONE_BY_ONE, "MaxNumberOfTrainingJobs": 1})
    described = tune(machine, warm_start(asked, "IdenticalDataAndAlgorithm", "elder"))
    assert described["OverallBestTrainingJob"]["TuningJobName"] == "elder"
    assert described["OverallBestTrainingJob"]["TunedHyperParameters"] == {"x": "3"}
    assert described["BestTrainingJob"]["TrainingJobName"].startswith("younger-")


def test_a_parent_that_is_not_there_or_not_over_is_refused(machine: Machine) -> None:
    asked = request(machine, "no-parent")
    with pytest.raises(ApiError, match="there is no tuning job 'nobody'"):
        machine.call("CreateHyperParameterTuningJob", **warm_start(asked, "TransferLearning", "nobody"))
    machine.call("CreateHyperParameterTuningJob", **request(machine, "busy", "import time; time.sleep(60)"))
    with pytest.raises(ApiError, match="'busy' is still running"):
        machine.call("CreateHyperParameterTuningJob", **warm_start(asked, "TransferLearning", "busy"))
    machine.call("StopHyperParameterTuningJob", HyperParameterTuningJobName="busy")
    machine.context.jobs.wait("hyper-parameter-tuning-job", "busy")


def test_a_parent_with_another_objective_or_other_hyperparameters_is_refused(machine: Machine) -> None:
    tune(machine, request(machine, "kin", limits={**ONE_BY_ONE, "MaxNumberOfTrainingJobs": 1}))
    asked = warm_start(request(machine, "no-kin"), "TransferLearning", "kin")
    asked["TrainingJobDefinition"]["StaticHyperParameters"]["more"] = "1"
    with pytest.raises(ApiError, match=r"hyperparameters of the tuning job 'kin' are .* the number must be the same"):
        machine.call("CreateHyperParameterTuningJob", **asked)
    asked = warm_start(request(machine, "no-kin"), "TransferLearning", "kin")
    asked["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["Type"] = "Minimize"
    with pytest.raises(ApiError, match="the tuning job 'kin' has another objective metric"):
        machine.call("CreateHyperParameterTuningJob", **asked)


def test_several_definitions_share_the_trials_each_with_its_own_ranges(machine: Machine) -> None:
    wide = {"CategoricalParameterRanges": [{"Name": "kind", "Values": ["b"]}]}
    described = tune(machine, with_definitions(machine, "several", HyperParameterRanges=wide))
    assert described["HyperParameterTuningJobStatus"] == "Completed", described
    found = trials(machine, "several")
    names = [each["TrainingJobDefinitionName"] for each in found]
    assert sorted(names) == ["narrow", "narrow", "wide", "wide"]
    for each in found:
        assert each["TunedHyperParameters"].keys() == (
            {"x"} if each["TrainingJobDefinitionName"] == "narrow" else {"kind"}
        )
    scores = [each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for each in found]
    assert described["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == max(scores)


def test_grids_of_several_definitions_are_all_walked(machine: Machine) -> None:
    asked = with_definitions(machine, "two-grids")
    asked["HyperParameterTuningJobConfig"]["Strategy"] = "Grid"
    asked["HyperParameterTuningJobConfig"]["ResourceLimits"] = {"MaxParallelTrainingJobs": 2}
    for each, values in zip(asked["TrainingJobDefinitions"], (["1"], ["2", "3", "4"]), strict=True):
        each["HyperParameterRanges"] = {"CategoricalParameterRanges": [{"Name": "x", "Values": values}]}
    described = tune(machine, asked)
    assert described["TrainingJobStatusCounters"]["Completed"] == 4
    assert sorted(tuned(machine, "two-grids")) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DefinitionName": "narrow"}, "'narrow' is given more than once"),
        ({"DefinitionName": None}, "needs a DefinitionName"),
        ({"TuningObjective": None}, "needs a HyperParameterTuningJobObjective or a TuningObjective"),
    ],
)
def test_definitions_that_cannot_be_told_apart_or_scored_are_refused(
    machine: Machine, changes: dict[str, Any], said: str
) -> None:
    asked = with_definitions(machine, "refused", **changes)
    wide = asked["TrainingJobDefinitions"][1]
    asked["TrainingJobDefinitions"][1] = {key: value for key, value in wide.items() if value is not None}
    with pytest.raises(ApiError, match=said):
        machine.call("CreateHyperParameterTuningJob", **asked)


def test_hints_are_searched_around(machine: Machine) -> None:
    asked = request(machine, "hints", ParameterRanges={"AutoParameters": [{"Name": "x", "ValueHint": "2.0"}]})
    described = tune(machine, {**asked, "Autotune": {"Mode": "Enabled"}})
    assert described["HyperParameterTuningJobStatus"] == "Completed", described
    found = [float(x) for x in tuned(machine, "hints")]
    assert len(set(found)) == 4
    assert all(0.4 <= x <= 10 for x in found)


def test_categories_and_scales_reach_the_script(machine: Machine) -> None:
    ranges = {
        "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}],
        "ContinuousParameterRanges": [
            {"Name": "x", "MinValue": "0.00001", "MaxValue": "1", "ScalingType": "Logarithmic"}
        ],
    }
    described = tune(machine, request(machine, "scaled", ParameterRanges=ranges, RandomSeed=1))
    assert described["TrainingJobStatusCounters"]["Completed"] == 4
    for each in trials(machine, "scaled"):
        x, kind = float(each["TunedHyperParameters"]["x"]), each["TunedHyperParameters"]["kind"]
        score = each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        assert score == pytest.approx(-((x - 3) ** 2) + (kind == "b"), rel=1e-6)
    assert min(math.log10(float(x)) for x in tuned(machine, "scaled")) < -1


def test_what_runs_when_the_time_is_over_is_stopped(machine: Machine) -> None:
    slow = SCRIPT + "\nif arguments.x > 1: time.sleep(60)"
    grid = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["0", "2", "2.5"]}]}
    limits = {"MaxParallelTrainingJobs": 2, "MaxRuntimeInSeconds": 2}
    asked = request(machine, "late", slow, Strategy="Grid", limits=limits, ParameterRanges=grid)
    tuning.create_hyper_parameter_tuning_job(machine.context, asked)  # a client may not ask for so little time
    described = machine.context.jobs.wait("hyper-parameter-tuning-job", "late")
    counters = described["TrainingJobStatusCounters"]
    assert (counters["InProgress"], counters["Stopped"]) == (0, 2)
    seconds = described["HyperParameterTuningEndTime"] - described["CreationTime"]
    assert 2 <= seconds.total_seconds() < 10
    assert described["HyperParameterTuningJobStatus"] == "Completed"
    assert described["BestTrainingJob"]["TunedHyperParameters"] == {"x": "0"}


def test_a_search_that_finished_nothing_in_its_time_says_so(machine: Machine) -> None:
    limits = {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2, "MaxRuntimeInSeconds": 1}
    asked = request(machine, "too-late", "import time; time.sleep(60)", limits=limits)
    tuning.create_hyper_parameter_tuning_job(machine.context, asked)
    described = machine.context.jobs.wait("hyper-parameter-tuning-job", "too-late")
    assert described["HyperParameterTuningJobStatus"] == "Stopped"
    assert "longer than MaxRuntimeInSeconds (1)" in described["FailureReason"]


def test_a_search_that_no_longer_improves_ends(machine: Machine) -> None:
    asked = request(
        machine,
        "tired",
        limits={"MaxNumberOfTrainingJobs": 50, "MaxParallelTrainingJobs": 1},
        ParameterRanges={"CategoricalParameterRanges": [{"Name": "x", "Values": ["1"]}]},
        TuningJobCompletionCriteria={"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}},
    )
    assert tune(machine, asked)["TrainingJobStatusCounters"]["Completed"] == 4


def test_the_best_of_a_loss_is_the_smallest(machine: Machine) -> None:
    objective = {"Type": "Minimize", "MetricName": "score"}
    described = tune(machine, request(machine, "loss", HyperParameterTuningJobObjective=objective))
    values = [each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for each in trials(machine, "loss")]
    assert described["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == min(values)


def test_trials_are_listed_page_by_page(machine: Machine) -> None:
    tune(machine, request(machine, "paged"))
    asked = {"HyperParameterTuningJobName": "paged", "MaxResults": 3}
    first = machine.call("ListTrainingJobsForHyperParameterTuningJob", **asked)
    last = machine.call("ListTrainingJobsForHyperParameterTuningJob", **asked, NextToken=first["NextToken"])
    assert "NextToken" not in last
    pages = [[each["TrainingJobName"] for each in page["TrainingJobSummaries"]] for page in (first, last)]
    assert [len(page) for page in pages] == [3, 1]
    names = [*pages[0], *pages[1]]
    assert names == sorted(set(names))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"Strategy": "Hyperband"}, "needs HyperbandStrategyConfig.MaxResource, or one of epochs"),
        (
            {
                "Strategy": "Hyperband",
                "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 9, "MaxResource": 3}},
            },
            "MinResource is above MaxResource",
        ),
        ({"Strategy": "Hyperband", "TrainingJobEarlyStoppingType": "Auto"}, "must be Off"),
        (
            {"ParameterRanges": {"IntegerParameterRanges": [{"Name": "x", "MinValue": "1.5", "MaxValue": "3"}]}},
            "must be integers",
        ),
        (
            {"ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "inf"}]}},
            "must be finite",
        ),
        (
            {
                "ParameterRanges": {
                    "ContinuousParameterRanges": [
                        {"Name": "x", "MinValue": "0", "MaxValue": "1", "ScalingType": "Logarithmic"}
                    ]
                }
            },
            "needs a MinValue above 0",
        ),
        (
            {
                "ParameterRanges": {
                    "ContinuousParameterRanges": [
                        {"Name": "x", "MinValue": "0.5", "MaxValue": "1", "ScalingType": "ReverseLogarithmic"}
                    ]
                }
            },
            r"a range within \[0, 1\)",
        ),
    ],
)
def test_a_range_or_strategy_that_means_nothing_is_refused(machine: Machine, config: dict[str, Any], said: str) -> None:
    with pytest.raises(ApiError, match=said):
        machine.call("CreateHyperParameterTuningJob", **request(machine, "refused", **config))
