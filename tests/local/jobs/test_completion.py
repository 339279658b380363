from collections.abc import Mapping
from typing import Any

from contender.local.jobs.completion import Completion
from contender.local.jobs.trials import Objective

AUC, LOSS = Objective("auc", maximize=True), Objective("loss", maximize=False)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def completion(clock: Clock | None = None, seconds: int | None = None, **criteria: Any) -> Completion:
    limits: Mapping[str, int] = {} if seconds is None else {"MaxRuntimeInSeconds": seconds}
    return Completion({"ResourceLimits": limits, "TuningJobCompletionCriteria": criteria}, clock or Clock())


def test_without_criteria_it_is_never_enough() -> None:
    found = completion()
    for value in (0.5, 0.5, None, 1.0):
        found.note(AUC, value)
    assert not found.is_enough
    assert found.has_result


def test_it_is_late_when_its_time_is_over() -> None:
    clock = Clock()
    found = completion(clock, 120)
    clock.now_s += 120
    assert not found.is_late
    clock.now_s += 1
    assert found.is_late
    assert found.is_enough
    assert not found.has_result


def test_a_target_is_reached_from_its_own_side() -> None:
    for objective, short, reached in ((AUC, 0.89, 0.9), (LOSS, 0.91, 0.9)):
        found = completion(TargetObjectiveMetricValue=0.9)
        found.note(objective, short)
        assert not found.is_enough
        found.note(objective, reached)
        assert found.is_enough


def patience(*values: float | None, objective: Objective = AUC) -> Completion:
    found = completion(BestObjectiveNotImproving={"MaxNumberOfTrainingJobsNotImproving": 3})
    for value in values:
        found.note(objective, value)
    return found


def test_it_is_enough_after_so_many_training_jobs_without_an_improvement() -> None:
    assert not patience(0.8, 0.7, 0.7).is_enough
    assert patience(0.8, 0.7, 0.7, 0.7).is_enough
    assert not patience(0.8, 0.7, 0.7, 0.9).is_enough
    assert patience(0.8, 0.7, None, 0.7).is_enough


def test_less_than_one_per_cent_is_no_improvement() -> None:
    assert patience(0.800, 0.805, 0.810, 0.815).is_enough
    assert not patience(0.800, 0.805, 0.810, 0.819).is_enough
    assert not patience(-100.0, -99.9, -99.8, -98.0).is_enough


def test_a_smaller_loss_is_an_improvement() -> None:
    assert not patience(0.8, 0.8, 0.8, 0.5, objective=LOSS).is_enough
    assert patience(0.8, 0.8, 0.9, 1.5, objective=LOSS).is_enough


def test_failures_alone_are_no_reason_to_stop() -> None:
    assert not patience(None, None, None, None).is_enough
