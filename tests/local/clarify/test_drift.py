"""What moved since the baseline, and by how much."""

from __future__ import annotations

from typing import Any

import pytest

from contender.local.containers.clarify.drift import ndcg, violations
from contender.local.containers.clarify.errors import ClarifyError
from tests.local.clarify.analyses import FACET, LABEL, LOANS, PRE, PREDICTOR, Analyse


def bias(facet: str = "town", group: str = "Ulm", positive: str = "1", **values: Any) -> dict[str, Any]:
    metrics = [{"name": name, "description": f"Metric ({name})", "value": value} for name, value in values.items()]
    section = {
        "label": "approved",
        "label_value_or_threshold": positive,
        "facets": {facet: [{"value_or_threshold": group, "metrics": metrics}]},
    }
    return {"version": "1.0", "post_training_bias_metrics": section}


def shap(label: str = "label0", **values: float) -> dict[str, Any]:
    section = {label: {"global_shap_values": values, "expected_value": 0.5}}
    return {"version": "1.0", "explanations": {"kernel_shap": section}}


def found(analysis: dict[str, Any], baseline: dict[str, Any]) -> list[dict[str, str]]:
    document = violations(analysis, baseline)
    assert document["version"] == "1.0"
    listed: list[dict[str, str]] = document["violations"]
    return listed


def test_the_example_of_aws() -> None:
    # the baseline is 0.2: 0.1 is nearer to 0, -0.3 farther from it
    assert found(bias(DPPL=0.1), bias(DPPL=0.2)) == []
    [violation] = found(bias(DPPL=-0.3), bias(DPPL=0.2))
    assert violation == {
        "facet": "town",
        "facet_value": "Ulm",
        "metric_name": "DPPL",
        "constraint_check_type": "bias_drift_check",
        "description": "Value -0.3 does not meet the constraint requirement: Metric (DPPL) of the facet 'town' = Ulm "
        "fell from 0.2 in the baseline to -0.3, 0.1 farther from balance (0)",
    }


@pytest.mark.parametrize(
    ("then", "now", "violated"),
    [
        (0.2, 0.2, False),
        (0.2, -0.2, False),
        (0.2, 0.2 + 1e-12, False),
        (0.2, 0.2001, True),
        (0.0, 0.01, True),
        (None, 0.9, False),
        ("Infinity", 3.0, False),
        (3.0, "Infinity", True),
        ("-Infinity", "Infinity", False),
    ],
)
def test_farther_from_zero_is_worse(then: Any, now: Any, violated: bool) -> None:
    assert bool(found(bias(TE=now), bias(TE=then))) is violated


@pytest.mark.parametrize(
    ("then", "now", "violated"), [(0.8, 0.9, False), (0.8, 1.1, False), (0.8, 0.7, True), (0.8, 1.3, True)]
)
def test_a_ratio_is_balanced_at_one(then: float, now: float, violated: bool) -> None:
    assert bool(found(bias(DI=now), bias(DI=then))) is violated


def test_a_metric_that_lost_its_value_is_a_violation() -> None:
    analysis = bias(AD=None)
    analysis["post_training_bias_metrics"]["facets"]["town"][0]["metrics"][0]["error"] = "Facet set is empty"
    [violation] = found(analysis, bias(AD=0.1))
    assert "was 0.1 in the baseline and has no value any more: Facet set is empty" in violation["description"]


def test_a_threshold_s_group_is_the_same_whatever_the_highest_value() -> None:
    assert found(bias(group="(40, 91]", DPPL=0.1), bias(group="(40, 87]", DPPL=0.1)) == []


@pytest.mark.parametrize(
    ("analysis", "words"),
    [
        (bias(facet="plan", DI=1), "no bias metrics of the facet 'plan' = Ulm"),
        (bias(group="Bonn", DI=1), "no bias metrics of the facet 'town' = Bonn"),
        (bias(positive="0", DI=1), "of the label 'approved' = 1, not of 'approved' = 0"),
        (shap(a=1.0), "no SHAP values of 'label0'"),
        ({"pre_training_bias_metrics": {}}, "no pre_training_bias_metrics"),
    ],
)
def test_a_baseline_of_something_else_is_refused(analysis: dict[str, Any], words: str) -> None:
    with pytest.raises(ClarifyError, match="register a new baseline") as raised:
        violations(analysis, bias(DI=1))
    assert words in str(raised.value)


def test_ndcg_is_the_example_of_aws() -> None:
    then = {"SAT score": 0.70, "GPA": 0.50, "Class rank": 0.05}
    now = {"SAT score": 0.10, "GPA": 0.20, "Class rank": 0.70}
    # DCG = 0.05/log2(2) + 0.5/log2(3) + 0.7/log2(4); iDCG = 0.7/log2(2) + 0.5/log2(3) + 0.05/log2(4)
    by_hand = (0.05 + 0.5 / 1.584963 + 0.35) / (0.7 + 0.5 / 1.584963 + 0.025)
    assert ndcg(then, now) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(0.69, abs=0.005)


def test_the_same_ranking_is_no_drift_whatever_the_values() -> None:
    assert ndcg({"a": 3.0, "b": 2.0, "c": 1.0}, {"a": 0.3, "b": 0.2, "c": 0.1}) == pytest.approx(1.0)
    assert ndcg({"a": 1.0}, {"a": 5.0}) == 1.0
    assert ndcg({"a": 0.0, "b": 0.0}, {"a": 1.0, "b": 0.0}) == 1.0


def test_says_which_features_changed_their_rank() -> None:
    then, now = shap(score=0.7, grade=0.5, rank=0.05), shap(score=0.1, grade=0.2, rank=0.7)
    [violation] = found(now, then)
    assert violation == {
        "label": "label0",
        "metric_name": "shap",
        "constraint_check_type": "feature_attribution_drift_check",
        "description": "Feature attribution drift 0.68764 exceeds threshold 0.9: 'score' fell from rank 1 to 3 "
        "(0.7 to 0.1); 'rank' rose from rank 3 to 1 (0.05 to 0.7)",
    }
    assert found(shap(score=0.6, grade=0.5, rank=0.05), then) == []


def test_a_feature_that_came_or_went_is_named() -> None:
    [violation] = found(shap(new=0.9, b=0.1), shap(old=0.9, b=0.1))
    assert "'new' is new at rank 1" in violation["description"]
    assert "'old' (rank 1) is gone" in violation["description"]


def test_compares_one_analysis_with_another_from_file_to_file(analyse: Analyse) -> None:
    config = {**LABEL, **FACET, **PRE}
    baseline = analyse(config)
    analyse(config, baseline=baseline)
    assert analyse.read("constraint_violations.json") == {"version": "1.0", "violations": []}
    # one approval of Ulm less: DPL from 2/3 to 1
    analyse(config, LOANS.replace("Ulm,30,basic,1", "Ulm,30,basic,0"), baseline=baseline)
    moved = {
        each["metric_name"]: each["description"] for each in analyse.read("constraint_violations.json")["violations"]
    }
    assert "rose from 0.666667 in the baseline to 1, 0.333333 farther from balance (0)" in moved["DPL"]
    assert "CI" not in moved


def test_writes_no_violations_where_nothing_is_compared(analyse: Analyse) -> None:
    analyse({**LABEL, **FACET, **PRE})
    assert not (analyse.output / "constraint_violations.json").exists()


def test_a_baseline_that_is_not_there_is_one_line(analyse: Analyse) -> None:
    config = {**LABEL, **FACET, **PRE}
    said = analyse.refused(config, baseline_constraints=str(analyse.root / "none" / "analysis.json"))
    assert said == "the baseline analysis.json cannot be read: No such file or directory"
    assert "is no analysis.json of Clarify" in analyse.refused(config, baseline={"features": []})


def test_attributions_of_a_model_that_changed_its_mind(analyse: Analyse) -> None:
    data = "a,b,c\n" + "".join(f"{n},{n * 7 % 10},{n * 3 % 10}\n" for n in range(10))
    config = {**PREDICTOR, "methods": {"shap": {"baseline": [[0, 0, 0]]}}}
    baseline = analyse(config, data, lambda row: float(row[0]) + float(row[1]) / 100)
    analyse(config, data, lambda row: float(row[2]) + float(row[1]) / 100, baseline=baseline)
    [violation] = analyse.read("constraint_violations.json")["violations"]
    assert "'a' fell from rank 1 to 3" in violation["description"]
    assert "'c' rose from rank 3 to 1" in violation["description"]
