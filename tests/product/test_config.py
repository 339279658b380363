"""contender.yaml: what may be set, from where, and one line for every mistake."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contender.config import Settings, load, load_project
from contender.config.sections import Bias, Checks
from contender.errors import SettingsError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(text: str) -> Path:
        path = tmp_path / "contender.yaml"
        path.write_text(text)
        return path

    return write


def test_only_what_the_data_holds_is_not_a_default() -> None:
    """Column names belong to a project's file: a default of ours would be missing in somebody else's data."""
    settings = load(ROOT / "contender.yaml", environ={})
    assert settings.model_copy(update={"data": Settings().data, "checks": Settings().checks}) == Settings()
    assert settings.checks.model_copy(update={"bias": Bias()}) == Checks()
    assert (settings.checks.bias.facet, settings.checks.bias.facet_values) == ("Int'l Plan", ("yes",))
    assert (settings.data.drop, settings.data.split_by) == (("Phone",), ("Phone",))
    assert not any((Settings().data.drop, Settings().data.split_by, Settings().data.categorical))


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(environ={}) == Settings()


def test_what_compiles_a_project_wants_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=r"holds no contender\.yaml: run this in the project's folder"):
        load_project()


def test_a_file_that_is_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"settings file .*none\.yaml does not exist"):
        load(tmp_path / "none.yaml", environ={})


def test_flag_beats_environment_beats_file_beats_default(write: Any) -> None:
    path = write("training: {rounds: 2, tuning_trials: 2}\ngates: {min_auc: 0.2}\n")
    environ = {"CONTENDER_TRAINING_ROUNDS": "3", "CONTENDER_TRAINING_TUNING_TRIALS": "3", "CONTENDER_HOME": "/x"}
    settings = load(path, overrides={"training.rounds": 4, "training.tuning_parallel": None}, environ=environ)
    training = settings.training
    assert (training.rounds, training.tuning_trials, training.tuning_parallel) == (4, 3, 2)
    assert settings.gates.min_auc == 0.2


def test_the_environment_is_read_as_yaml(write: Any) -> None:
    environ = {"CONTENDER_DATA_DROP": "[Phone, Note]", "CONTENDER_DATA_DIMENSION_COLUMN": "null"}
    data = load(write(""), environ=environ).data
    assert data.drop == ("Phone", "Note")
    assert data.dimension_column is None


def test_a_variable_names_a_setting_however_deep_it_is(write: Any) -> None:
    environ = {"CONTENDER_CHECKS_BIAS_FACET": "Plan", "CONTENDER_CHECKS_BIAS_FAIL_ON_VIOLATION_MODEL": "true"}
    bias = load(write("checks: {bias: {facet: State, group: Area}}"), environ=environ).checks.bias
    assert (bias.facet, bias.group) == ("Plan", "Area")
    assert (bias.fail_on_violation.data, bias.fail_on_violation.model) == (False, True)


@pytest.mark.parametrize(
    ("text", "facet"),
    [
        ("checks: {bias: {facet: Plan, facet_values: [x]}}", ("Plan", ("x",))),
        (
            "checks: {bias: {facet: Plan}}\ngates: {bias: {limit: 0.1, facet: Age, facet_values: [40]}}",
            ("Age", (40,)),
        ),
    ],
)
def test_a_bias_limit_is_about_the_checks_facet_unless_it_has_its_own(
    write: Any, text: str, facet: tuple[str, tuple[Any, ...]]
) -> None:
    assert load(write(text), environ={}).gate_facet == facet


@pytest.mark.parametrize(
    ("text", "environ", "region"),
    [
        ("region: eu-west-1", {"AWS_REGION": "us-west-2"}, "eu-west-1"),
        ("", {"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "us-west-1"}, "us-west-2"),
        ("", {"AWS_DEFAULT_REGION": "us-west-1"}, "us-west-1"),
        ("region: eu-west-1", {"CONTENDER_REGION": "us-gov-west-1"}, "us-gov-west-1"),
        ("", {}, "us-east-1"),
    ],
)
def test_awss_own_region_fills_in_for_an_unset_one(write: Any, text: str, environ: dict[str, str], region: str) -> None:
    assert load(write(text), environ=environ).region == region


def test_an_empty_section_is_a_default_one(write: Any) -> None:
    assert load(write("data:\ntraining:\n"), environ={}) == Settings()


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().project = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("projct: x", "unknown key 'projct'; did you mean 'project'?"),
        ("training: {roundz: 3}", "unknown key 'training.roundz'; did you mean 'rounds'?"),
        (
            "gates: {zzz: 3}",
            "unknown key 'gates.zzz'; known: alpha, bias, margin, max_latency_ms, max_size_mb, min_auc",
        ),
        ("gates: {margin: 0}", "gates.margin should be greater than 0, not 0"),
        ("gates: {bias: {limit: 0.1}}", "gates.bias.limit needs a facet: set checks.bias.facet, or gates.bias.facet"),
        (
            "gates: {bias: {limit: 0.1}}\nchecks: {bias: {facet: a}}",
            "gates.bias.limit is about one group: name its values in checks.bias.facet_values",
        ),
        ("gates: {bias: {facet: a}}", "gates.bias.facet and facet_values go together"),
        ("gates: {bias: {facet: 'Churn?', facet_values: [x]}}", "gates.bias.facet is the label, 'Churn?'"),
        (
            "checks: {bias: {facet: Region}}\ndata: {dimension_column: Region}",
            "checks.bias.facet is the dimension's column, 'Region', which is the same in every row",
        ),
        ("data: {dimension_column: 'Churn?'}", "data.dimension_column is the label, 'Churn?': name another column"),
        ("data: {split_by: ['Churn?']}", "data.split_by lists the label, 'Churn?': take it out"),
        (
            "training: {tuning_trials: 2, hyperparameters: {eval_metric: logloss}}",
            "training.hyperparameters.eval_metric lacks auc, which tuning_trials are compared by",
        ),
        ("gates: {bias: {metric: CI}}", "gates.bias.metric should be 'DPPL', 'DI', 'AD' or 'RD', not 'CI'"),
        ("gates: {bias: {limit: 1}}", "gates.bias.limit should be less than 1, not 1"),
        ("training: {rounds: many}", "training.rounds should be a valid integer, not 'many'"),
        ("training: {rounds: '3'}", "training.rounds should be a valid integer, not '3'"),
        ("training: {rounds: 0}", "training.rounds should be greater than or equal to 1, not 0"),
        ("training: [1]", "training should hold keys and values, not [1]"),
        ("project: Bad", "project string should match pattern '^[a-z][a-z0-9]{0,19}$', not 'Bad'"),
        ("approval: auto", "approval should be 'automatic' or 'manual', not 'auto'"),
        ("data: {label: 3}", "data.label should be text, not 3: write it in quotes"),
        ("data: {drop: Phone}", "data.drop should be a list, not 'Phone'"),
        ("data: {prefix: data}", "data.prefix"),
        ("data: {test_share: 0.5, validation_share: 0.5}", "data.validation_share and test_share together leave"),
        ("rollout: {steps: [{share: 1}]}", "rollout.steps.0.share should be less than 1, not 1"),
        (
            "training: {hyperparameters: {max_dept: 3}}",
            "training.hyperparameters.max_dept is no hyperparameter of XGBoost; did you mean 'max_depth'?",
        ),
        ("training: {hyperparameters: {eta: [1]}}", "training.hyperparameters.eta should be a number or a word"),
        ("training: {hyperparameters: {num_round: 9}}", "num_round is not yours to set: use training.rounds"),
        ("training: {tuning_ranges: {eta: [1, 0]}}", "training.tuning_ranges.eta runs from 1 to 0"),
        ("training: {tuning_ranges: {eta: 1}}", "training.tuning_ranges.eta should be a list, not 1"),
        ("training: {tuning_ranges: {max_depth: [1.5, 3]}}", "tuning_ranges.max_depth needs whole numbers"),
        ("training: {tuning_trials: 3, tuning_ranges: {}}", "training.tuning_trials needs tuning_ranges"),
        ("checks: {bia: 1}", "unknown key 'checks.bia'; did you mean 'bias'?"),
        (
            "checks: {bias: {facet: a, fail_on_violation: {dat: true}}}",
            "unknown key 'checks.bias.fail_on_violation.dat'; did you mean 'data'?",
        ),
        (
            "checks: {bias: {facet_values: ['1']}}",
            "checks.bias.facet is not set, so facet_values and group say nothing",
        ),
        (
            "checks: {bias: {facet: a, facet_values: [yes]}}",
            "facet_values.0 should be a number or text, not True: write",
        ),
        ("checks: {bias: {facet: a, group: a}}", "checks.bias.facet and group are both 'a'"),
        ("checks: {bias: {facet: 'Churn?'}}", "checks.bias.facet is the label, 'Churn?': name another column"),
        ("checks: {data_quality: true}", "checks.data_quality should hold keys and values, not True"),
        ("checks: {explainability: {rows: 1}}", "checks.explainability.rows should be greater than or equal to 10"),
        ("tags: {dimension: x}", "tags.dimension is not yours to set"),
        ("tags: {'a!': x}", "tags cannot have the key 'a!': string should match"),
        ("a: b: c", "is not YAML: mapping values are not allowed here"),
        ("project: a\nproject: b", "key 'project' occurs twice"),
        ("- project", "must hold keys and values"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_that_names_file_and_key(write: Any, text: str, words: str) -> None:
    path = write(text)
    with pytest.raises(SettingsError, match=re.escape(words)) as caught:
        load(path, environ={})
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "overrides", "words"),
    [
        (
            {"CONTENDER_TRAINING_ROUND": "3"},
            {},
            "environment variable CONTENDER_TRAINING_ROUND sets nothing; did you mean 'CONTENDER_TRAINING_ROUNDS'?",
        ),
        (
            {"CONTENDER_TRAINING_ROUNDS": "x"},
            {},
            "CONTENDER_TRAINING_ROUNDS: training.rounds should be a valid integer",
        ),
        ({"CONTENDER_DATA_DROP": "[a"}, {}, "environment variable CONTENDER_DATA_DROP is not YAML"),
        ({}, {"training.rounds": -1}, "flag training.rounds: training.rounds should be greater"),
        ({}, {"training.round": 1}, "flag training.round: unknown key 'training.round'; did you mean 'rounds'?"),
    ],
)
def test_a_mistake_elsewhere_names_its_place(
    write: Any, environ: dict[str, str], overrides: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError, match=re.escape(words)):
        load(write(""), environ=environ, overrides=overrides)
