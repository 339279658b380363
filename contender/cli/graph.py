"""How `contender pipeline show` draws a definition: the graph, a line a step, and what each step waits for."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from contender.pipeline.definitions import words
from contender.pipeline.definitions.drawing import ASCII, draw
from contender.pipeline.definitions.graph import Graph, Node
from contender.pipeline.definitions.waiting import MARKS, Waits

NARROWEST = 24
"""Columns that the words beside the drawing get at least."""


def emit_graph(document: Mapping[str, Any], width: int, *, long: bool) -> None:
    """Print the graph and, below it, the parameters; in ASCII where the output takes nothing else."""
    lines = [*graph_lines(document, width, long=long), "", *parameter_lines(document.get("Parameters", []))]
    encoding = sys.stdout.encoding or "ascii"
    for line in lines:
        try:
            line.encode(encoding)
        except UnicodeEncodeError:
            line = line.translate(ASCII).encode(encoding, "replace").decode(encoding)
        click.echo(line)


def graph_lines(document: Mapping[str, Any], width: int, *, long: bool = False) -> list[str]:
    """The drawing: lanes, name, type, and what the step reads, waits for or asks; with `long` what it does, too."""
    graph = Graph(document)
    followers = graph.arrows()
    marks = {name: MARKS[node.type] for name, node in graph.nodes.items() if node.type in MARKS}
    order = graph.order()
    rows = list(draw(order, followers, marks))
    lanes = max((len(row.lanes) for row in rows), default=0) + 1
    name_width = max(map(len, graph.nodes), default=0)
    type_width = max((len(node.type) for node in graph.nodes.values()), default=0)
    indent = lanes + name_width + type_width + 4
    lines = []
    for row in rows:
        if not row.step:
            lines.append(row.lanes)
            continue
        node = graph.nodes[row.step]
        wrapped = _wrapped(node_words(node, order, followers), width - indent) or [""]
        lines.append(f"{row.lanes:<{lanes}}{node.name:<{name_width}}  {node.type:<{type_width}}  {wrapped[0]}".rstrip())
        lines += [f"{row.below:<{indent}}{text}".rstrip() for text in wrapped[1:]]
        if long and node.description:
            lines += [f"{row.below:<{lanes + 2}}{text}" for text in _wrapped(node.description, width - lanes - 2)]
    return lines


def node_words(node: Node, order: Sequence[str], followers: Mapping[str, Sequence[str]]) -> str:
    """`if Gate is true; ← Preprocess, Package; after DataBias; needs gate.auc ≥ 0.75`."""
    return "; ".join(_parts(node, order, followers))


def _parts(node: Node, order: Sequence[str], followers: Mapping[str, Sequence[str]]) -> Iterator[str]:
    waits = Waits.of(node, order, followers)
    if waits.branch:
        yield waits.branch
    if waits.reads:
        yield f"← {', '.join(waits.reads)}"
    if waits.after:
        yield f"after {', '.join(waits.after)}"
    if waits.asks:
        yield f"needs {waits.asks}"


def parameter_lines(parameters: Sequence[Mapping[str, Any]]) -> list[str]:
    """`Rows  Integer  100`: name, type and default of each parameter."""
    if not parameters:
        return ["no parameters"]
    name_width = max(len(str(each["Name"])) for each in parameters)
    type_width = max(len(str(each["Type"])) for each in parameters)
    return [
        "parameters",
        *(f"  {each['Name']:<{name_width}}  {each['Type']:<{type_width}}  {_default(each)}" for each in parameters),
    ]


def _default(parameter: Mapping[str, Any]) -> str:
    text = words.value(parameter["DefaultValue"]) if "DefaultValue" in parameter else "(has to be given)"
    allowed = parameter.get("EnumValues")
    return f"{text}  of {', '.join(map(words.value, allowed))}" if allowed else text


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, NARROWEST), break_long_words=False, break_on_hyphens=False)
