"""Rollouts, experiments and stages in contender.yaml: what may be set, and one line for every mistake."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from contender.config import Settings, load, sections
from contender.config.specs import specs
from contender.errors import NotFoundError, SettingsError
from contender.experiments.verdict import Goal, Guardrail
from contender.rollout.documents import dumps, loads
from contender.rollout.spec import DimensionSpec, Follows, Hooks, Instance, Pins, Spec, Step, StrategySpec

ROOT = Path(__file__).resolve().parents[2]
TWO_STAGES = """
endpoint: {instance_type: ml.m5.xlarge, instance_count: 2}
rollout: {approval: manual, goal: {alpha: 0.01}}
stages:
  dev:
    approval: manual
    instance_type: ml.t2.medium
    rollout: {approval: automatic, goal: {minimum_sample: 20}, steps: [{share: 0.5, time_s: 0, sample: 5}]}
    experiment: {strategy: {name: Thompson}}
  prod:
dimensions:
  SM-1: {champion: 3, instances: {3: {type: ml.c5.large, count: 4}}}
"""


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read(text: str, **environ: str) -> Settings:
        path = tmp_path / "contender.yaml"
        path.write_text(text)
        return load(path, environ=environ)

    return read


def test_the_projects_file_holds_every_key_of_a_rollout_and_an_experiment() -> None:
    """Who opens contender.yaml sees what there is to decide, each with its default."""
    document = yaml.safe_load((ROOT / "contender.yaml").read_text())
    assert set(document["rollout"]) == set(sections.Rollout.model_fields)
    assert set(document["rollout"]["goal"]) | {"n_star", "tau", "loss"} == set(sections.Goal.model_fields)
    assert set(document["rollout"]["hooks"]) == set(sections.Hooks.model_fields)
    assert set(document["rollout"]["steps"][0]) == set(sections.Step.model_fields)
    assert set(document["experiment"]) == set(sections.Experiment.model_fields)
    assert set(document["endpoint"]) == set(sections.Endpoint.model_fields)
    settings = load(ROOT / "contender.yaml", environ={})
    assert (settings.rollout, settings.experiment) == (Settings().rollout, Settings().experiment)


def test_the_examples_in_the_projects_file_can_be_used(read: Any) -> None:
    text = (ROOT / "contender.yaml").read_text()
    examples = [line.removeprefix("# ") for line in text.splitlines() if re.match(r"# (stages|dimensions|  )", line)]
    dev, prod = specs(read("\n".join([text, *examples])))
    assert (dev.stage, dev.instance, dev.goal) == ("dev", Instance("ml.t2.medium", 1), None)
    assert (prod.stage, prod.instance, prod.follows) == ("", Instance("ml.m5.large", 2), Follows("dev", "manual"))
    assert dev.pins("SM-1") == prod.pins("SM-1") == Pins(3, (5,))


def test_every_setting_says_what_it_means() -> None:
    """In the text below it; a section as a whole says it in its class."""
    undocumented = []
    for name in ("rollout", "experiment", "stages"):
        tree = ast.parse((ROOT / f"contender/config/sections/{name}.py").read_text())
        for section in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            assert ast.get_docstring(section)
            for node, after in zip(section.body, [*section.body[1:], None], strict=True):
                if not isinstance(node, ast.AnnAssign) or ast.unparse(node.annotation) in sections.__all__:
                    continue
                if not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)):
                    undocumented.append(f"{section.name}.{ast.unparse(node.target)}")
    assert undocumented == []


def test_the_defaults_are_a_rollout_that_an_engineer_would_choose() -> None:
    assert specs(Settings()) == (
        Spec(
            stage="",
            instance=Instance("ml.m5.large", 1),
            steps=(Step(0.1, 3600.0, 500), Step(0.25, 3600.0, 500), Step(0.5, 3600.0, 500)),
            strategy=StrategySpec("Weighted", epsilon=0.1, floor=0.05, warm_up=100, discount=1.0),
            goal=Goal(
                kind="binary",
                reward="reward",
                method="confidence_sequence",
                alpha=0.05,
                minimum_effect=0.0,
                minimum_sample=500,
                maximum_duration_s=1_209_600.0,
                n_star=5_000.0,
                tau=None,
                loss=0.01,
            ),
            guardrails=(
                Guardrail("error_rate", limit=0.01, action="roll_back", minimum_sample=100, alpha=0.05),
                Guardrail("latency_p95", limit=1.5, action="roll_back", minimum_sample=100, alpha=0.05),
            ),
            sample_ratio_alpha=0.001,
            sample_ratio_action="hold",
            approval="automatic",
            bake_s=3600.0,
            drain_s=60.0,
            max_challengers=3,
            hooks=Hooks((), (), 60.0),
            reward_window_s=3600.0,
            bucket_s=3600.0,
        ),
    )


EVERYTHING_ELSE = """
endpoint: {instance_type: ml.c5.large, instance_count: 2, data_capture_percent: 7}
rollout:
  steps: [{share: 0.3, time_s: 5, sample: 6}]
  goal: {kind: real, reward: sale, method: msprt, alpha: 0.01, minimum_effect: 0.2, minimum_sample: 30,
         maximum_duration_s: 400, tau: 0.3, design_effect: 2.0}
  guardrails: [{metric: "reward:sale", limit: 0.5, action: warn, minimum_sample: 9, alpha: 0.02}]
  approval: manual
  dry_run: true
  bake_time_s: 11
  drain_s: 12
  newer: replace
  max_challengers: 4
  weights_by_hand: put_back
  hooks: {before: [contender-hook-a], after: [contender-hook-b], timeout_s: 13}
experiment:
  strategy: {name: EpsilonGreedy, epsilon: 0.2, floor: 0.02, warm_up: 14, discount: 0.9}
  sticky: stored
  bucket_s: 15
  reward_window_s: 16
  sample_ratio: {alpha: 0.003, action: roll_back}
dimensions: {SM-1: {champion: 1, challengers: [2], instances: {2: {type: ml.t2.medium, count: 3}}}}
"""


def test_every_setting_reaches_the_spec_and_is_another_than_the_default(read: Any) -> None:
    """Whoever adds a setting sees here whether anything reads it."""
    [spec] = specs(read(EVERYTHING_ELSE))
    assert spec == Spec(
        stage="",
        instance=Instance("ml.c5.large", 2),
        steps=(Step(0.3, 5.0, 6),),
        strategy=StrategySpec("EpsilonGreedy", epsilon=0.2, floor=0.02, warm_up=14, discount=0.9),
        goal=Goal(
            kind="real",
            reward="sale",
            method="msprt",
            alpha=0.01,
            minimum_effect=0.2,
            minimum_sample=30,
            maximum_duration_s=400.0,
            n_star=5_000.0,
            tau=0.3,
            loss=0.01,
            design_effect=2.0,
        ),
        guardrails=(Guardrail("reward:sale", limit=0.5, action="warn", minimum_sample=9, alpha=0.02),),
        sample_ratio_alpha=0.003,
        sample_ratio_action="roll_back",
        approval="manual",
        dry_run=True,
        bake_s=11.0,
        drain_s=12.0,
        newer="replace",
        max_challengers=4,
        weights_by_hand="put_back",
        hooks=Hooks(("contender-hook-a",), ("contender-hook-b",), 13.0),
        reward_window_s=16.0,
        bucket_s=15.0,
        sticky="stored",
        data_capture_percent=7,
        dimensions={"SM-1": DimensionSpec(Pins(1, (2,)), {2: Instance("ml.t2.medium", 3)})},
    )
    [default] = specs(Settings())
    same = [field.name for field in fields(Spec) if getattr(spec, field.name) == getattr(default, field.name)]
    assert same == ["stage", "follows"]


def test_without_stages_there_is_one_with_todays_names(read: Any) -> None:
    settings = read("rollout: {max_challengers: 2}")
    assert settings.stages_in_order[0][0] == ""
    assert settings.stage_key(None) == ""
    assert [(spec.stage, spec.max_challengers, spec.follows) for spec in specs(settings)] == [("", 2, None)]


def test_a_stage_says_only_what_is_different_in_it(read: Any) -> None:
    dev, prod = specs(read(TWO_STAGES))
    assert (dev.instance, prod.instance) == (Instance("ml.t2.medium", 2), Instance("ml.m5.xlarge", 2))
    assert dev.goal is not None
    assert prod.goal is not None
    assert (dev.goal.alpha, dev.goal.minimum_sample) == (0.01, 20)
    assert (prod.goal.alpha, prod.goal.minimum_sample) == (0.01, 500)
    assert (dev.approval, prod.approval) == ("automatic", "manual")
    assert dev.steps == (Step(0.5, 0.0, 5),)
    assert len(prod.steps) == 3
    assert (dev.strategy.name, prod.strategy.name) == ("Thompson", "Weighted")
    assert (dev.adaptive, prod.adaptive) == (True, False)


def test_versions_go_through_the_stages_in_the_files_order(read: Any) -> None:
    first, second, third = specs(read("stages: {prod: {}, a: {approval: manual}, dev: {}}"))
    assert (first.stage, first.follows) == ("prod", None)
    assert (second.stage, second.follows) == ("a", Follows("prod", "automatic"))
    assert (third.stage, third.follows) == ("", Follows("a", "manual"))


def test_a_pin_holds_in_every_stage_unless_a_stage_has_its_own(read: Any) -> None:
    text = TWO_STAGES.replace("  prod:", "  prod: {dimensions: {SM-1: {champion: 2, challengers: [4]}}}")
    dev, prod = specs(read(text))
    assert dev.dimensions == {"SM-1": DimensionSpec(Pins(3), {3: Instance("ml.c5.large", 4)})}
    assert prod.dimensions == {"SM-1": DimensionSpec(Pins(2, (4,)), {3: Instance("ml.c5.large", 4)})}


@pytest.mark.parametrize("text", ["", TWO_STAGES, "experiment: {strategy: {name: EpsilonGreedy, epsilon: 0.2}}"])
def test_a_spec_survives_being_written(read: Any, text: str) -> None:
    for spec in specs(read(text)):
        again = loads(Spec, dumps(spec))
        assert again == spec
        assert again.digest == spec.digest


def test_the_same_settings_make_the_same_spec_and_others_another(read: Any) -> None:
    digests = [
        specs(read(text))[0].digest
        for text in ("", "rollout: {drain_s: 60}", "rollout: {drain_s: 61}", "endpoint: {data_capture_percent: 5}")
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_without_experiments_only_what_cloudwatch_counts_is_judged(read: Any) -> None:
    [spec] = specs(read("experiment: {enabled: false}"))
    assert spec.goal is None
    assert spec.guardrails == (Guardrail("error_rate", limit=0.01),)
    assert spec.steps == specs(read(""))[0].steps


def test_without_experiments_a_guardrail_of_errors_may_be_set(read: Any) -> None:
    text = "experiment: {enabled: false}\nrollout: {guardrails: [{metric: error_rate, limit: 0.2, action: hold}]}"
    [spec] = specs(read(text))
    assert spec.guardrails == (Guardrail("error_rate", limit=0.2, action="hold"),)


def test_nine_challengers_may_be_pinned_beside_those_that_are_rolled_out(read: Any) -> None:
    [spec] = specs(read("dimensions: {SM-1: {champion: 1, challengers: [2, 3, 4, 5, 6, 7, 8, 9, 10]}}"))
    assert (spec.max_challengers, spec.pins("SM-1")) == (3, Pins(1, tuple(range(2, 11))))


def test_a_variant_may_stay_exactly_as_long_as_the_api_may_send_requests_to_it(read: Any) -> None:
    [spec] = specs(read("rollout: {drain_s: 10, bake_time_s: 10}\nexperiment: {cache_s: 10}"))
    assert (spec.drain_s, spec.bake_s) == (10.0, 10.0)


def test_a_stage_is_named_as_the_file_names_it(read: Any) -> None:
    settings = read(TWO_STAGES)
    assert [settings.stage_key(name) for name in (None, "dev", "prod")] == ["", "dev", ""]
    with pytest.raises(NotFoundError, match="has no stage 'test': it has dev, prod"):
        settings.stage_key("test")
    with pytest.raises(NotFoundError, match=r"has no stage 'dev': contender\.yaml has no stages"):
        read("").stage_key("dev")


def test_a_variable_reaches_into_a_section_that_may_be_absent(read: Any) -> None:
    assert read("", CONTENDER_ROLLOUT_GOAL="null").rollout.goal is None
    goal = read("", CONTENDER_ROLLOUT_GOAL_ALPHA="0.1").rollout.goal
    assert (goal.alpha, goal.minimum_sample) == (0.1, 500)
    assert read("", CONTENDER_ROLLOUT_STEPS="[{share: 0.3}]").rollout.steps == (sections.Step(share=0.3),)
    assert list(read("", CONTENDER_STAGES="{dev: {}, prod: {}}").stages) == ["dev", "prod"]
    assert read("", CONTENDER_EXPERIMENT_STRATEGY_NAME="UCB1").experiment.strategy.name == "UCB1"


def test_what_stands_above_the_stages_may_come_from_a_variable(read: Any) -> None:
    dev, prod = specs(read(TWO_STAGES, CONTENDER_ROLLOUT_DRAIN_S="77", CONTENDER_ENDPOINT_INSTANCE_TYPE="ml.c5.large"))
    assert (dev.drain_s, prod.drain_s) == (77.0, 77.0)
    assert (dev.instance.type, prod.instance.type) == ("ml.t2.medium", "ml.c5.large")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rollot: {}", "unknown key 'rollot'; did you mean 'rollout'?"),
        ("rollout: {stepz: []}", "unknown key 'rollout.stepz'; did you mean 'steps'?"),
        ("rollout: {drain: 3}", "unknown key 'rollout.drain'; did you mean 'drain_s'?"),
        ("rollout: {steps: [{share: 0.1, time: 3}]}", "unknown key 'rollout.steps.0.time'; did you mean 'time_s'?"),
        ("rollout: {steps: []}", "rollout.steps should have at least 1 item, not 0"),
        ("rollout: {steps: [{share: 1}]}", "rollout.steps.0.share should be less than 1, not 1"),
        ("rollout: {steps: [{time_s: 1}]}", "rollout.steps.0.share field required"),
        ("rollout: {steps: {share: 0.1}}", "rollout.steps should be a list, not {'share': 0.1}"),
        (
            "rollout: {steps: [{share: 0.2}, {share: 0.2}]}",
            "rollout.steps.1.share is 0.2 after 0.2: each step's share is larger",
        ),
        ("rollout: {goal: {alpa: 0.1}}", "unknown key 'rollout.goal.alpa'; did you mean 'alpha'?"),
        ("rollout: {goal: {alpha: 0.5}}", "rollout.goal.alpha should be less than 0.5, not 0.5"),
        ("rollout: {goal: {method: peeking}}", "rollout.goal.method should be 'confidence_sequence', 'msprt' or"),
        ("rollout: {goal: {kind: Binary}}", "rollout.goal.kind should be 'binary' or 'real', not 'Binary'"),
        (
            "rollout: {goal: {loss: 0.1}}",
            "rollout.goal.loss is expected_loss's, and the method is confidence_sequence: take it out",
        ),
        ("rollout: {goal: yes}", "rollout.goal should hold keys and values, not True"),
        (
            "rollout: {guardrails: [{metric: error_rat, limit: 1}]}",
            "rollout.guardrails.0.metric should be error_rate, latency_p95 or reward:<name>, not 'error_rat'",
        ),
        ("rollout: {goal: {reward: my reward}}", "rollout.goal.reward should be up to 40 letters, digits and . _ -"),
        ("endpoint: {instance_type: m5.large}", "endpoint.instance_type should be an instance type of SageMaker's"),
        ("rollout: {guardrails: [{metric: error_rate}]}", "rollout.guardrails.0.limit field required"),
        (
            "rollout: {guardrails: [{metric: error_rate, limit: 1}]}",
            "rollout.guardrails.0.limit of error_rate is a share below 1, not 1: 0.01 is one point",
        ),
        (
            "rollout: {guardrails: [{metric: latency_p95, limit: 0.5}]}",
            "rollout.guardrails.0.limit of latency_p95 is a ratio above 1, not 0.5",
        ),
        (
            "rollout: {guardrails: [{metric: 'reward:a', limit: 1}, {metric: 'reward:a', limit: 2}]}",
            "rollout.guardrails hold reward:a twice",
        ),
        ("rollout: {newer: queued}", "rollout.newer should be 'queue' or 'replace', not 'queued'"),
        ("rollout: {max_challengers: 10}", "rollout.max_challengers should be less than or equal to 9, not 10"),
        (
            "rollout: {hooks: {before: [a.b]}}",
            "rollout.hooks.before.0 should be the name of a Lambda function, without its ARN, not 'a.b'",
        ),
        (
            "project: shop\nrollout: {hooks: {after: [shop-hook-a, validate]}}",
            "rollout.hooks.after holds 'validate': rollouts may only ask functions named shop-hook-…",
        ),
        ("stages: {dev: {rollout: {hooks: {before: [a]}}}, prod: }", "stages.dev.rollout.hooks.before holds 'a'"),
        ("rollout: {hooks: {timeout_s: 601}}", "rollout.hooks.timeout_s should be less than or equal to 600"),
        ("rollout: {hooks: {befor: [a]}}", "unknown key 'rollout.hooks.befor'; did you mean 'before'?"),
        ("rollout: {drain_s: 5}", "rollout.drain_s is 5, less than experiment.cache_s, 10"),
        ("rollout: {bake_time_s: 5}", "rollout.bake_time_s is 5, less than experiment.cache_s, 10"),
        ("experiment: {cache_s: 90}", "rollout.drain_s is 60, less than experiment.cache_s, 90"),
        ("experiment: {strategy: {name: Thomson}}", "experiment.strategy.name should be 'Weighted', 'EpsilonGreedy',"),
        (
            "experiment: {strategy: {epsilon: 0.2}}",
            "experiment.strategy.epsilon is EpsilonGreedy's, and the strategy is Weighted: take it out",
        ),
        (
            "experiment: {strategy: {name: UCB1}}\nrollout: {goal: null}",
            "experiment.strategy.name is UCB1, which needs rollout.goal to know what is better",
        ),
        (
            "experiment: {strategy: {name: UCB1, floor: 0.25}}",
            "experiment.strategy.floor is 0.25, which 4 variants (rollout.max_challengers and the champion) cannot",
        ),
        ("experiment: {access: open}", "experiment.access should be 'key' or 'iam', not 'open'"),
        (
            "experiment: {enabled: false}\nrollout: {goal: {}, guardrails: [{metric: error_rate, limit: 0.1},"
            " {metric: latency_p95, limit: 2}]}",
            "experiment.enabled is false: set goal: null, take guardrails of latency_p95 out",
        ),
        (
            "experiment: {enabled: false, strategy: {name: UCB1}}",
            "experiment.strategy.name is UCB1, which learns nothing while experiment.enabled is false",
        ),
        ("stages: {Dev: {}}", "stages cannot have the key 'Dev': use 1 to 10 lower-case letters and digits"),
        ("stages: [dev]", "stages should hold keys and values, not ['dev']"),
        ("stages: {dev: 3}", "stages.dev should hold keys and values, not 3"),
        ("stages: {dev: {instance_typ: ml.m5.large}}", "unknown key 'stages.dev.instance_typ'; did you mean"),
        ("stages: {dev: {rollout: {stepz: 1}}}", "unknown key 'stages.dev.rollout.stepz'; did you mean 'steps'?"),
        ("stages: {dev: {rollout: {goal: {alpa: 1}}}}", "unknown key 'stages.dev.rollout.goal.alpa'; did you mean"),
        ("stages: {dev: {experiment: {access: iam}}}", "unknown key 'stages.dev.experiment.access'; known: bucket_s,"),
        ("stages: {dev: {rollout: {drain_s: 3}}, prod: }", "stages.dev.rollout.drain_s is 3, less than"),
        (
            "stages: {dev: {}, prod: {approval: manual}}",
            "stages.prod.approval says how a version leaves prod, which is the last stage",
        ),
        ("dimensions: {a_b: {}}", "dimensions cannot have the key 'a_b': use up to 40 letters"),
        ("dimensions: {SM-1: {champoin: 3}}", "unknown key 'dimensions.SM-1.champoin'; did you mean 'champion'?"),
        ("dimensions: {SM-1: {champion: 0}}", "dimensions.SM-1.champion should be greater than or equal to 1, not 0"),
        (
            "dimensions: {SM-1: {champion: 3, challengers: [3]}}",
            "dimensions.SM-1.champion and challengers both hold version 3",
        ),
        ("dimensions: {SM-1: {challengers: [3, 3]}}", "dimensions.SM-1.challengers hold version 3 twice"),
        (
            "dimensions: {SM-1: {challengers: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}}",
            "dimensions.SM-1.challengers should have at most 9 items, not 10",
        ),
        (
            "dimensions: {SM-1: {instances: {3: {type: m5}}}}",
            "dimensions.SM-1.instances.3.type should be an instance type of SageMaker's, like ml.m5.large, not 'm5'",
        ),
        (
            "dimensions: {SM-1: {instances: {v5: {count: 2}}}}",
            "dimensions.SM-1.instances cannot have the key 'v5': should be a valid integer",
        ),
        (
            f"stages: {{staging: {{}}, prod: {{}}}}\ndimensions: {{{'x' * 40}: {{champion: 1}}}}",
            "in stage 'staging': use at most 33 characters",
        ),
        (
            "endpoint: {challenger_share: 0.2}",
            "endpoint.challenger_share is now set in rollout.steps: its first share is a new challenger's",
        ),
        ("endpoint: {max_challengers: 2}", "endpoint.max_challengers is now set in rollout.max_challengers"),
        ("endpoint: {data_capture_percent: 101}", "endpoint.data_capture_percent should be less than or equal to 100"),
    ],
)
def test_a_mistake_is_one_line_that_names_file_and_key(read: Any, tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(words)) as caught:
        read(text)
    assert str(caught.value).startswith(str(tmp_path / "contender.yaml"))
    assert "\n" not in str(caught.value)


def test_a_variable_for_a_setting_that_moved_says_where_it_is(read: Any) -> None:
    with pytest.raises(SettingsError, match=r"CONTENDER_ENDPOINT_CHALLENGER_SHARE: .* is now set in rollout\.steps"):
        read("", CONTENDER_ENDPOINT_CHALLENGER_SHARE="0.2")
