"""Which rows a comparison has: the parameters that differ, and who is best."""

from __future__ import annotations

from contender.trials.comparison import Column, Row, rows

ONE = Column(
    "v1", {"role": "Champion"}, {"eta": 0.1, "depth": 5.0}, {"evaluation.auc": 0.9, "evaluation.log_loss": 0.4}
)
TWO = Column(
    "v2", {"role": "Challenger"}, {"eta": 0.2, "depth": 5.0}, {"evaluation.auc": 0.8, "evaluation.log_loss": 0.3}
)
UNKNOWN = Column("v0", {"role": "Retired"}, None, {"evaluation.auc": 0.7, "difference.lower": 0.1})


def named(*columns: Column, everything: bool = False) -> dict[str, Row]:
    return {row.name: row for row in rows(columns, everything=everything)}


def test_only_parameters_that_differ_are_shown() -> None:
    found = named(ONE, TWO)
    assert list(found) == ["role", "eta", "evaluation.auc", "evaluation.log_loss"]
    assert found["eta"].values == (0.1, 0.2)
    assert "depth" in named(ONE, TWO, everything=True)


def test_a_version_whose_parameters_were_never_recorded_makes_no_difference() -> None:
    found = named(ONE, UNKNOWN)
    assert "eta" not in found
    assert named(ONE, TWO, UNKNOWN)["eta"].values == (0.1, 0.2, None)


def test_a_parameter_that_one_lacks_differs() -> None:
    assert named(ONE, Column("v3", {}, {"depth": 5.0}))["eta"].values == (0.1, None)


def test_what_only_a_first_execution_sets_is_no_difference() -> None:
    first = Column("v1", {}, {"pipeline.SkipDataQualityCheck": "true", "pipeline.FailOnDataBiasViolation": "true"})
    found = named(first, Column("v2", {}, {}))
    assert list(found) == ["pipeline.FailOnDataBiasViolation"]
    assert "pipeline.SkipDataQualityCheck" in named(first, everything=True)


def test_the_best_figure_is_the_highest_or_the_lowest() -> None:
    found = named(ONE, TWO, UNKNOWN)
    assert found["evaluation.auc"].best == {0}
    assert found["evaluation.log_loss"].best == {1}
    assert found["role"].best == frozenset()


def test_nobody_is_best_alone_or_where_all_are_the_same() -> None:
    assert named(ONE)["evaluation.auc"].best == frozenset()
    assert named(ONE, ONE)["evaluation.auc"].best == frozenset()


def test_figures_that_were_not_asked_for_are_left_out() -> None:
    assert "difference.lower" not in named(ONE, UNKNOWN)
    assert named(ONE, UNKNOWN, everything=True)["difference.lower"].values == (None, 0.1)
