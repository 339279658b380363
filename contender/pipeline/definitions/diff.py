"""What would change if one definition took the place of another: a sentence for every difference, none left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contender.pipeline.definitions import words
from contender.pipeline.definitions.changes import ABSENT, ORDER, Difference, Path, differences, same
from contender.pipeline.definitions.graph import Graph, Kind, Need, Node, readable
from contender.pipeline.definitions.nouns import noun

CodeWords = Callable[[str, str, str], str | None]
"""A sentence for a step whose code has another S3 address now; None where the addresses are not those of code."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: the sentence, and for programs what it is about. A side that has nothing is absent from JSON."""

    about: str
    path: Path
    before: Any
    after: Any
    text: str

    def as_json(self) -> dict[str, Any]:
        sides = {"before": self.before, "after": self.after}
        present = {key: item for key, item in sides.items() if item is not ABSENT}
        return {"about": self.about, "path": list(self.path), **present, "text": self.text}


def compare(before: Mapping[str, Any], after: Mapping[str, Any], code: CodeWords | None = None) -> list[Change]:
    """Every difference between two definitions; none only if they are the same JSON."""
    changes = list(_changes(before, after, code or (lambda step, old, new: None)))
    if not changes and not same(before, after):
        changes = [_plain("pipeline", each) for each in differences(before, after)]
    return [replace(change, text=change.text.replace("\n", " ")) for change in changes]


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], code: CodeWords) -> Iterator[Change]:
    old, new = (
        {key: item for key, item in each.items() if key not in ("Parameters", "Steps")} for each in (before, after)
    )
    for difference in differences(old, new):
        yield _plain("pipeline", difference)
    yield from _parameters(before.get("Parameters", []), after.get("Parameters", []))
    graphs = readable(before), readable(after)
    if graphs[0] is not None and graphs[1] is not None:
        yield from _steps(graphs[0], graphs[1], code)
    else:
        for difference in differences(before.get("Steps", ABSENT), after.get("Steps", ABSENT), ("Steps",)):
            yield _plain("pipeline", difference)


def _parameters(before: Any, after: Any) -> Iterator[Change]:
    for difference in differences(before, after):
        name = difference.path[0].strip("[]") if difference.path else ""
        about, rest = f"parameter {name}", difference.path[1:]
        text = _sentence(about, noun(rest), difference)
        if difference.path == (ORDER,):
            about, text = "pipeline", "the parameters stand in another order"
        elif not rest and difference.after is ABSENT:
            text = f"{about} is gone"
        elif not rest and difference.before is ABSENT and isinstance(difference.after, Mapping):
            default = difference.after.get("DefaultValue", ABSENT)
            kind = difference.after.get("Type", "?")
            said = "has to be given" if default is ABSENT else f"default {words.shortened(default)}"
            text = f"{about} is new: {kind}, {said}"
        elif rest == ("DefaultValue",):
            text = _sentence(about, "default", difference)
        yield Change(about, ("Parameters", *difference.path), difference.before, difference.after, text)


def _steps(before: Graph, after: Graph, code: CodeWords) -> Iterator[Change]:
    gone = [name for name in before.nodes if name not in after.nodes]
    for name in [*gone, *after.nodes]:
        old, new = before.nodes.get(name), after.nodes.get(name)
        about = f"step {name}"
        if old is None and new is not None:
            yield Change(about, (about,), ABSENT, dict(new.body), f"{about} is new: {new.type}{_place(new)}")
        elif new is None and old is not None:
            yield Change(about, (about,), dict(old.body), ABSENT, f"{about} is gone")
        elif old is not None and new is not None:
            yield from _step(old, new, code)
    kept = [
        [name for name in graph.nodes if name in other.nodes] for graph, other in ((before, after), (after, before))
    ]
    if kept[0] != kept[1]:
        text = f"the steps stand in another order: {', '.join(after.nodes)}"
        yield Change("pipeline", ("Steps", ORDER), list(before.nodes), list(after.nodes), text)


def _place(node: Node) -> str:
    needs = [need.step for need in node.needs if need.kind is not Kind.BRANCH]
    after = f", after {', '.join(dict.fromkeys(needs))}" if needs else ""
    return f"{after}{f', {branch_words(*node.inside)}' if node.inside else ''}"


def branch_words(parent: str, branch: str) -> str:
    return f"for each item of {parent}" if branch == "each" else f"if {parent} is {branch}"


def _step(old: Node, new: Node, code: CodeWords) -> Iterator[Change]:
    about = f"step {new.name}"
    if old.inside != new.inside:
        places = [branch_words(*each.inside) if each.inside else "always" for each in (old, new)]
        yield Change(about, ("inside",), old.inside, new.inside, f"{about}: runs {places[1]} instead of {places[0]}")
    for difference in differences(old.body, new.body):
        if difference.path[0] == "DependsOn" or difference.path[:2] == ("Arguments", "Conditions"):
            continue
        yield Change(
            about,
            difference.path,
            difference.before,
            difference.after,
            _about_code(new.name, difference, code)
            or _about_reuse(about, difference)
            or _sentence(about, noun(difference.path), difference),
        )
    yield from _waits(about, old.body, new.body)
    yield from _asks(about, new.name, old.body, new.body)


def _waits(about: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before, after = old.get("DependsOn", ABSENT), new.get("DependsOn", ABSENT)
    if same(before, after):
        return
    texts = [[_wait(item) for item in side] if isinstance(side, list) else [] for side in (before, after)]
    gained = [text for text in texts[1] if text not in texts[0]]
    lost = [text for text in texts[0] if text not in texts[1]]
    said = [f"waits for {text} too" for text in gained] + [f"no longer waits for {text}" for text in lost]
    text = "; ".join(said) or f"DependsOn {words.change(_shown(before), _shown(after))}"
    yield Change(about, ("DependsOn",), before, after, f"{about}: {text}")


def _wait(item: Any) -> str:
    if isinstance(item, Mapping) and item.keys() == {"Step", "Trigger"}:
        return need_words(Need(str(item["Step"]), Kind.ORDER, str(item["Trigger"])))
    return words.value(item)


def need_words(need: Need) -> str:
    endings = {"": "", "Failed": " to fail", "Stopped": " to be stopped", "Any": " to end in any way"}
    return need.step + endings.get(need.detail, f" ({need.detail})")


def _asks(about: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Conditions are compared as sentences: they have no names, and their order means nothing."""
    before, after = (each.get("Arguments", {}).get("Conditions", ABSENT) for each in (old, new))
    if same(before, after):
        return
    path = ("Arguments", "Conditions")
    sides = [side if isinstance(side, list) else [] for side in (before, after)]
    lost, gained = _only_in(*sides), _only_in(*reversed(sides))
    for item in list(gained):
        text = words.condition(item)
        twin = next((each for each in lost if _left(words.condition(each)) == _left(text)), None)
        if twin is None:
            yield Change(about, path, ABSENT, item, f"{name}: needs {text} too")
            continue
        lost.remove(twin)
        earlier = words.condition(twin)
        said = f"needs {text} instead of {earlier.removeprefix(f'{_left(text)} ')}"
        if text == earlier:
            said = f"condition {words.change(twin, item)}"
        yield Change(about, path, twin, item, f"{name}: {said}")
    for item in lost:
        yield Change(about, path, item, ABSENT, f"{name}: no longer needs {words.condition(item)}")
    if not _only_in(*sides) and not gained:
        yield Change(about, path, before, after, f"{name}: conditions {words.change(_shown(before), _shown(after))}")


def _only_in(items: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    return [item for item in items if not any(same(item, other) for other in others)]


def _left(text: str) -> str:
    return text.split(" ", 1)[0]


def _about_code(name: str, difference: Difference, code: CodeWords) -> str | None:
    if isinstance(difference.before, str) and isinstance(difference.after, str):
        return code(name, difference.before, difference.after)
    return None


def _about_reuse(about: str, difference: Difference) -> str | None:
    if difference.path[0] != "CacheConfig":
        return None
    before, after = difference.before, difference.after
    if difference.path == ("CacheConfig", "Enabled") and (before, after) in ((True, False), (False, True)):
        return f"{about}: {'its results are reused now' if after else 'runs every time: its results are not reused'}"
    if difference.path == ("CacheConfig",) and after is ABSENT:
        return f"{about}: runs every time: its results are not reused"
    return None


def _sentence(about: str, thing: str, difference: Difference) -> str:
    before, after = difference.before, difference.after
    subject = f"{about}: {thing}" if thing else about
    if difference.path and difference.path[-1] == ORDER:
        return f"{subject} is in another order: {', '.join(map(str, after))}"
    if before is ABSENT:
        return f"{subject} is new: {words.shortened(after)}"
    if after is ABSENT:
        return f"{subject} is gone (was {words.shortened(before)})"
    return f"{subject} {_without_flag(words.change(before, after), difference.path)}"


def _without_flag(change: str, path: Path) -> str:
    """`0.75 → 0.8` for an argument that the sentence names already: `--min-auc=0.75 → --min-auc=0.8`."""
    flag = f"{path[-1][1:-1]}=" if path and path[-1].startswith("[-") else ""
    before, arrow, after = change.partition(" → ")
    if flag and before.startswith(flag) and after.startswith(flag):
        return f"{before.removeprefix(flag)}{arrow}{after.removeprefix(flag)}"
    return change


def _plain(about: str, difference: Difference) -> Change:
    text = _sentence(about, noun(difference.path), difference)
    return Change(about, difference.path, difference.before, difference.after, text)


def _shown(item: Any) -> Any:
    return "nothing" if item is ABSENT else item
