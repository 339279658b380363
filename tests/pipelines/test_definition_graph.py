"""The graph of a definition and its drawing: nothing missing, nothing too much, and it fits a terminal."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from contender.cli.graph import graph_lines, parameter_lines
from contender.pipeline.definitions.drawing import ASCII, Row, draw
from contender.pipeline.definitions.graph import Graph
from contender.pipeline.definitions.words import condition, value
from tests.pipelines.full_definition import full_definition, get, join

DRAWN = """\
●     Preprocess      Processing
├─╮
● │   DataQuality     QualityCheck   ← Preprocess
│ ●   DataBias        ClarifyCheck   ← Preprocess
├─╯
●     Train           Training       ← Preprocess; after DataQuality, DataBias
●     Package         Processing     ← Preprocess, Train
●     Champion        Lambda         ← Package
●     Evaluate        Processing     ← Preprocess, Package, Champion
◆     Gate            Condition      ← Evaluate; needs gate.auc ≥ 0.75 and
│                                    gate.auc_drop ≤ 0.01
├─╮
│ ×   Refuse          Fail           if Gate is false; ← Evaluate
●     CreateModel     Lambda         if Gate is true; ← Package
├─┬─╮
● │ │ Transform       Transform      ← Preprocess, CreateModel
● │ │ ModelQuality    QualityCheck   ← Transform
│ ● │ ModelBias       ClarifyCheck   ← Preprocess, CreateModel
├─╯ │
│   ● Explainability  ClarifyCheck   ← Preprocess, CreateModel
├───╯
●     Register        RegisterModel  ← DataQuality, DataBias, Package,
│                                    ModelQuality, ModelBias, Explainability
●     Deploy          Lambda         ← Register"""


def test_the_whole_pipeline_fits_a_terminal() -> None:
    assert "\n".join(graph_lines(full_definition(), 80)) == DRAWN


def test_a_long_drawing_says_what_steps_do_and_keeps_to_its_width() -> None:
    lines = graph_lines(full_definition(), 80, long=True)
    assert any("XGBoost with the settings' hyperparameters." in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_the_drawing_in_ascii_is_ascii() -> None:
    text = DRAWN.translate(ASCII)
    assert text.isascii()
    assert "+-+-+" in text
    assert "gate.auc >= 0.75" in text


def lanes(order: Sequence[str], followers: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{row.lanes} {row.step}".rstrip() for row in draw(order, followers, {})]


def test_a_line_that_crosses_another_is_broken_by_it() -> None:
    followers = {"a": ["b", "c", "d"], "b": ["e"], "c": ["f"], "d": ["e"], "e": [], "f": []}
    assert lanes("abcdef", followers) == [
        "● a",
        "├─┬─╮",
        "● │ │ b",
        "│ ● │ c",
        "│ │ ● d",
        "├─│─╯",
        "● │ e",
        "  ● f",
    ]


def test_a_line_that_ends_in_one_lane_and_goes_on_in_another_points_there() -> None:
    followers = {"a": ["d"], "b": ["d", "e"], "c": ["d", "e"], "d": [], "e": []}
    assert lanes("abcde", followers) == [
        "● a",
        "│ ● b",
        "├◂┤",
        "│ │ ● c",
        "│ ├◂┤",
        "├─│─╯",
        "● │ d",
        "  ● e",
    ]


def test_a_lane_that_is_free_is_used_again() -> None:
    followers = {"a": ["b", "c"], "b": [], "c": ["d", "e"], "d": [], "e": []}
    assert lanes("abcde", followers)[:4] == ["● a", "├─╮", "│ ● b", "● c"]
    assert max(len(row.lanes) for row in draw("abcde", followers, {})) == 3


def test_steps_that_nothing_connects_do_not_seem_connected() -> None:
    assert lanes("ab", {"a": [], "b": []}) == ["● a", "", "● b"]


def reachable(followers: Mapping[str, Sequence[str]], start: str) -> set[str]:
    found: set[str] = set()
    queue = list(followers[start])
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += followers[name]
    return found


def random_definition(seed: int) -> dict[str, Any]:
    dice = random.Random(seed)
    names = [f"S{number}" for number in range(dice.randint(1, 14))]
    steps = []
    for index, name in enumerate(names):
        needs = dice.sample(names[:index], min(index, dice.randint(0, 3)))
        steps.append({"Name": name, "Type": "Lambda", "Arguments": {}, "DependsOn": needs})
    dice.shuffle(steps)
    return {"Steps": steps}


@pytest.mark.parametrize("seed", range(60))
def test_arrows_lead_wherever_needs_do_and_none_is_spare(seed: int) -> None:
    graph = Graph(random_definition(seed))
    arrows = graph.arrows()
    needed: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for name in graph.nodes:
        for step in graph.needs(name):
            needed[step].append(name)
    for name in graph.nodes:
        assert reachable(arrows, name) == reachable(needed, name)
        for follower in arrows[name]:
            others = [other for other in arrows[name] if other != follower]
            assert not any(follower in reachable(arrows, other) for other in others)
    order = graph.order()
    assert sorted(order) == sorted(graph.nodes)
    assert all(order.index(name) < order.index(follower) for name in arrows for follower in arrows[name])


@pytest.mark.parametrize("seed", range(60))
def test_the_lines_of_a_drawing_join_the_arrows(seed: int) -> None:
    """Each drawing is walked: from every step down its lines, to the steps they reach."""
    graph = Graph(random_definition(seed))
    followers = graph.arrows()
    rows = list(draw(graph.order(), followers, {}))
    assert [row.step for row in rows if row.step] == graph.order()
    for index, row in enumerate(rows):
        if row.step:
            assert walked(rows, index, row.lanes.index("●")) == set(followers[row.step]), lanes(
                graph.order(), followers
            )


def walked(rows: Sequence[Row], start: int, column: int) -> set[str]:
    """The steps that the lines downwards from this place reach, as an eye would follow them."""
    found: set[str] = set()
    places = [(start + 1, column)]
    while places:
        row, at = places.pop()
        lanes = rows[row].lanes + "  " if row < len(rows) else ""
        glyph = lanes[at] if at < len(lanes) else " "
        if glyph == "●":
            found.add(rows[row].step)
        if glyph in "│├┤┼":
            places.append((row + 1, at))
        for step, goes, into in ((1, "├┼╰┴", "◂"), (-1, "┤┼╯┴", "▸")):
            if glyph in goes and lanes[at + step] != into:
                places += [(row + 1, each) for each in across(lanes, at, step)]
    return found


def across(lanes: str, at: int, step: int) -> list[int]:
    """Where a line to the side turns down. It goes behind upright lines."""
    found = []
    place = at + 2 * step
    while lanes[place] in "─│┬":
        found += [place] if lanes[place] == "┬" else []
        place += 2 * step
    return [*found, place] if lanes[place] in "╮╭├┤" else found


def test_loops_triggers_and_tests_are_told() -> None:
    document = {
        "Steps": [
            {"Name": "A", "Type": "Lambda", "Arguments": {}},
            {
                "Name": "Each",
                "Type": "ForEach",
                "Arguments": {
                    "IterableItems": [1, 2],
                    "ForEachBody": [{"Name": "One", "Type": "Lambda", "Arguments": {"x": get("ForEach.CurrentItem")}}],
                },
                "DependsOn": [{"Step": "A", "Trigger": "Failed"}],
            },
        ]
    }
    assert graph_lines(document, 80) == [
        "● A     Lambda",
        "● Each  ForEach  after A to fail",
        "● One   Lambda   for each item of Each",
    ]


def test_a_circle_is_drawn_and_not_waited_for() -> None:
    step = {"Type": "Lambda", "Arguments": {}}
    graph = Graph({"Steps": [{**step, "Name": "A", "DependsOn": ["B"]}, {**step, "Name": "B", "DependsOn": ["A"]}]})
    assert graph.order() == ["A", "B"]


def test_parameters_say_their_defaults_and_what_is_allowed() -> None:
    parameters = [
        {"Name": "Dimension", "Type": "String"},
        {"Name": "Size", "Type": "String", "DefaultValue": "", "EnumValues": ["", "big one"]},
    ]
    assert parameter_lines(parameters) == [
        "parameters",
        "  Dimension  String  (has to be given)",
        '  Size       String  ""  of "", "big one"',
    ]
    assert parameter_lines([]) == ["no parameters"]


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (get("Parameters.Dimension"), "<Dimension>"),
        (get("Steps.Train.ModelArtifacts.S3ModelArtifacts"), "<ModelArtifacts.S3ModelArtifacts of Train>"),
        (get("Steps.Champion.OutputParameters['Uri']"), "<Uri of Champion>"),
        (get("Steps.Gate.Outcome"), "<Outcome of Gate>"),
        (join("s3:/", get("Parameters.Bucket"), "x"), "s3://<Bucket>/x"),
        ("two words", '"two words"'),
        (True, "true"),
        ({"a": None}, '{"a": null}'),
    ],
)
def test_values_in_words(item: Any, said: str) -> None:
    assert value(item) == said


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"Type": "Equals", "LeftValue": get("Parameters.X"), "RightValue": "a"}, "<X> = a"),
        ({"Type": "In", "QueryValue": get("Parameters.X"), "Values": [1, 2]}, "<X> in (1, 2)"),
        ({"Type": "Not", "Expression": {"Type": "LessThan", "LeftValue": 1, "RightValue": 2}}, "not (1 < 2)"),
        (
            {
                "Type": "Or",
                "Conditions": [{"Type": "GreaterThan", "LeftValue": 1, "RightValue": each} for each in (2, 3)],
            },
            "(1 > 2 or 1 > 3)",
        ),
        ({"Type": "New"}, '{"Type": "New"}'),
    ],
)
def test_conditions_in_words(item: Any, said: str) -> None:
    assert condition(item) == said
