"""A definition against another, in words: the sentences people read, and that no difference goes unsaid."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contender.pipeline.compiling import Compiled, Upload
from contender.pipeline.definitions import diff
from contender.pipeline.definitions.changes import differences, same
from contender.pipeline.definitions.code_changes import CodeChanges
from contender.pipeline.definitions.diff import compare
from contender.pipeline.definitions.reruns import Rerun, reruns
from tests.pipelines.fakes import FakeS3
from tests.pipelines.full_definition import BUCKET, check, full_definition, output

Edit = Callable[[dict[str, dict[str, Any]], dict[str, Any]], object]


def edited(edit: Edit) -> tuple[dict[str, Any], dict[str, Any]]:
    """The full definition and a changed copy; `edit` gets the copy's steps by name, and the copy."""
    before, after = full_definition(), full_definition()
    gate = after["Steps"][-1]["Arguments"]
    steps = {step["Name"]: step for step in [*after["Steps"], *gate["IfSteps"], *gate["ElseSteps"]]}
    edit(steps, after)
    return before, after


def sentences(edit: Edit) -> list[str]:
    return [change.text for change in compare(*edited(edit))]


def arguments(step: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = step["Arguments"]
    return found


def new_check(steps: dict[str, Any], document: dict[str, Any]) -> None:
    step = check("Extra", "QualityCheck", output("Preprocess", "baseline"), "DATA_QUALITY", DependsOn=["Train"])
    document["Steps"].insert(4, step)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            lambda steps, _: arguments(steps["Train"])["HyperParameters"].update(eta="0.3"),
            "step Train: hyperparameter eta 0.2 → 0.3",
        ),
        (new_check, "step Extra is new: QualityCheck, after Preprocess, Train"),
        (lambda _, document: document["Steps"].pop(2), "step DataBias is gone"),
        (lambda _, document: document["Parameters"].pop(2), "parameter DataVersion is gone"),
        (
            lambda _, document: document["Parameters"].append({"Name": "Rows", "Type": "Integer", "DefaultValue": 9}),
            "parameter Rows is new: Integer, default 9",
        ),
        (
            lambda _, document: document["Parameters"].append({"Name": "Rows", "Type": "Integer"}),
            "parameter Rows is new: Integer, has to be given",
        ),
        (
            lambda _, document: document["Parameters"][2].update(DefaultValue="some"),
            "parameter DataVersion: default none → some",
        ),
        (
            lambda steps, _: arguments(steps["Gate"])["Conditions"][0].update(RightValue=0.8),
            "Gate: needs gate.auc ≥ 0.8 instead of ≥ 0.75",
        ),
        (
            lambda steps, _: arguments(steps["Gate"])["Conditions"].pop(),
            "Gate: no longer needs gate.auc_drop ≤ 0.01",
        ),
        (
            lambda steps, _: arguments(steps["Evaluate"])["AppSpecification"].update(
                ContainerArguments=[
                    "--min-auc=0.8",
                    *arguments(steps["Evaluate"])["AppSpecification"]["ContainerArguments"][1:],
                ]
            ),
            "step Evaluate: argument --min-auc 0.75 → 0.8",
        ),
        (
            lambda steps, _: steps["Train"]["RetryPolicies"][0].update(MaxAttempts=3),
            "step Train: retries after Step.SERVICE_FAULT, Step.THROTTLING 6 → 3",
        ),
        (lambda steps, _: steps["Train"].pop("RetryPolicies"), "step Train: RetryPolicies is gone (was [{"),
        (lambda steps, _: steps["Train"]["DependsOn"].pop(), "step Train: no longer waits for DataBias"),
        (
            lambda steps, _: steps["Train"]["DependsOn"].append({"Step": "Preprocess", "Trigger": "Any"}),
            "step Train: waits for Preprocess to end in any way too",
        ),
        (
            lambda steps, _: steps["Train"]["CacheConfig"].update(Enabled=False),
            "step Train: runs every time: its results are not reused",
        ),
        (
            lambda steps, _: steps["Train"]["CacheConfig"].update(ExpireAfter="P7D"),
            "step Train: how long its results are reused P30D → P7D",
        ),
        (
            lambda steps, _: arguments(steps["Train"])["ResourceConfig"].update(InstanceType="ml.m5.xlarge"),
            "step Train: instance type ml.m5.large → ml.m5.xlarge",
        ),
        (
            lambda steps, _: steps["ModelQuality"].update(FailOnViolation=True),
            "step ModelQuality: failing on a violation <FailOnModelQualityViolation> → true",
        ),
        (
            lambda steps, _: arguments(steps["Gate"])["ElseSteps"].append(arguments(steps["Gate"])["IfSteps"].pop()),
            "step Deploy: runs if Gate is false instead of if Gate is true",
        ),
        (
            lambda steps, _: arguments(steps["Train"])["InputDataConfig"].reverse(),
            "step Train: InputDataConfig is in another order: validation, train",
        ),
        (lambda _, document: document.update(Version="2021-01-01"), "pipeline: Version 2020-12-01 → 2021-01-01"),
    ],
)
def test_a_change_is_told_as_people_would(edit: Edit, said: str) -> None:
    assert any(text.startswith(said) for text in sentences(edit)), sentences(edit)


def test_one_change_is_one_sentence() -> None:
    assert len(sentences(lambda steps, _: arguments(steps["Train"])["HyperParameters"].update(eta="0.3"))) == 1


def test_a_definition_is_the_same_as_itself_however_its_keys_stand() -> None:
    document = full_definition()
    assert compare(document, json.loads(json.dumps(document, sort_keys=True))) == []


def test_one_and_true_and_one_point_nought_are_three_things() -> None:
    assert same({"a": 1}, {"a": 1})
    assert not same({"a": 1}, {"a": True})
    assert not same({"a": 1}, {"a": 1.0})


def test_training_once_against_a_search(compiled: Compiled, tuned: Compiled) -> None:
    texts = [change.text for change in compare(compiled.document, tuned.document)]
    assert "step Train is gone" in texts
    assert any(text.startswith("step Tune is new: Tuning, after Preprocess") for text in texts)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def mutated(document: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """A copy that differs in one place: something else there, nothing there, or more there."""
    copied = copy.deepcopy(document)
    path = dice.choice(list(places(copied)))
    parent: Any = copied
    for key in path[:-1]:
        parent = parent[key]
    key, old = path[-1], parent[path[-1]]
    kept = copy.deepcopy(old)
    others = ["", "two\nlines", 1, 1.0, 0.5, True, None, [], {}, {"Get": "Parameters.Dimension"}, [kept], {"In": kept}]
    match dice.randrange(4):
        case 0:
            parent[key] = dice.choice(others)
        case 1:
            del parent[key]
        case 2 if isinstance(old, list):
            old.insert(dice.randint(0, len(old)), dice.choice([*others, *kept]))
        case 2 if isinstance(old, dict):
            old["Further"] = dice.choice(others)
        case _ if isinstance(old, list):
            dice.shuffle(old)
        case _:
            parent[key] = [old, old]
    return copied


@pytest.mark.parametrize("seed", range(10))
def test_no_difference_goes_unsaid(seed: int) -> None:
    """Any change anywhere gives a sentence, both ways round, without the last resort of telling raw paths."""
    dice, document = random.Random(seed), full_definition()
    for _ in range(100):
        other = mutated(document, dice)
        for before, after in ((document, other), (other, document)):
            told = list(diff._changes(before, after, lambda step, old, new: None))
            assert bool(told) is not same(before, after), (before, after)
            assert all(each.text and "\n" not in each.text for each in compare(before, after))
            json.dumps([each.as_json() for each in told])
            reruns(before, after)


@pytest.mark.parametrize("seed", range(5))
def test_differences_of_changed_copies_are_found_wherever_they_are(seed: int) -> None:
    dice, document = random.Random(seed), full_definition()
    for _ in range(100):
        other = mutated(mutated(document, dice), dice)
        assert bool(list(differences(document, other))) is not same(document, other)


def again(edit: Edit) -> dict[str, str]:
    return {each.step: each.because for each in reruns(*edited(edit))}


def test_what_reads_from_a_step_that_runs_again_runs_again_too() -> None:
    found = again(lambda steps, _: arguments(steps["Train"])["HyperParameters"].update(eta="0.3"))
    assert found["Train"] == "its hyperparameters changed"
    assert found["Package"] == "it reads from Train"
    assert list(found) == [
        "Train",
        "Package",
        "Evaluate",
        "Transform",
        "ModelQuality",
        "ModelBias",
        "Explainability",
    ]


def test_words_for_people_and_the_size_of_a_machine_run_nothing_again() -> None:
    assert again(lambda steps, _: steps["Train"].update(Description="Other words.")) == {}
    assert again(lambda steps, _: arguments(steps["Train"])["ResourceConfig"].update(InstanceCount=2)) == {}
    assert again(lambda steps, _: steps["DataQuality"].update(FailOnViolation=True)) == {}


def test_the_default_of_a_parameter_runs_again_who_uses_it() -> None:
    found = again(lambda _, document: document["Parameters"][3].update(DefaultValue=True))
    assert found == {"DataQuality": "the default of parameter SkipDataQualityCheck changed"}


def test_what_is_not_reused_is_no_rerun() -> None:
    def edit(steps: dict[str, Any], document: dict[str, Any]) -> None:
        arguments(steps["Evaluate"])["AppSpecification"]["ImageUri"] = "another"
        del steps["Evaluate"]["CacheConfig"]

    assert reruns(*edited(edit)) == []
    assert reruns(full_definition(), full_definition()) == list[Rerun]()


def stored(files: dict[str, bytes]) -> FakeS3:
    s3 = FakeS3()
    for key, body in files.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return s3


def test_code_is_told_by_its_files_and_lines() -> None:
    s3 = stored({"code/old/run.py": b"a\nb\n", "code/old/same.py": b"x", "code/older/run.py": b""})
    uploads = [Upload(b"a\nc\nd\n", BUCKET, "code/new/run.py"), Upload(b"x", BUCKET, "code/new/same.py")]
    code = CodeChanges(s3, uploads)
    said = code("Evaluate", f"s3://{BUCKET}/code/old", f"s3://{BUCKET}/code/new")
    assert said == "code of Evaluate changed (run.py: 2 lines added, 1 removed)"
    one_line = CodeChanges(s3, [Upload(b"a\nb\nc\n", BUCKET, "code/new/run.py")])
    said = one_line("Evaluate", f"s3://{BUCKET}/code/old", f"s3://{BUCKET}/code/new")
    assert "run.py: 1 line added, 0 removed" in str(said)
    assert code("Evaluate", "s3://elsewhere/data", "s3://elsewhere/more") is None


def test_code_that_is_gone_from_s3_is_told_by_the_files_it_is_now() -> None:
    code = CodeChanges(stored({}), [Upload(b"a", BUCKET, "code/new/run.py")])
    assert code("Evaluate", f"s3://{BUCKET}/code/old", f"s3://{BUCKET}/code/new") == "code of Evaluate changed (run.py)"


def test_a_configuration_is_told_by_what_it_says() -> None:
    s3 = stored({"config/old/analysis.json": b'{"methods": {"shap": {"num_samples": 100}}}'})
    new = Upload(b'{"methods": {"shap": {"num_samples": 256}}, "more": 1}', BUCKET, "config/new/analysis.json")
    old_uri = f"s3://{BUCKET}/config/old/analysis.json"
    assert CodeChanges(s3, [new])("ModelBias", old_uri, new.uri) == (
        "configuration of ModelBias changed (analysis.json: methods.shap.num_samples 100 → 256, more is new: 1)"
    )
