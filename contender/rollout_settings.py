"""Brings each stage's spec in the rollouts table to what contender.yaml asks: what `contender deploy` does last.

The next tick of a dimension reads it. A stage that the file has no more is no longer looked after; its endpoints stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from contender.config import Settings
from contender.config.specs import specs
from contender.errors import NotFoundError
from contender.rollout.documents import to_json
from contender.rollout.ledger import Ledger
from contender.rollout.spec import Spec


@dataclass(frozen=True, slots=True)
class StageChange:
    """What became of a stage's spec, or would in a dry run; `differences` are its values then and now."""

    stage: str
    action: Literal["created", "updated", "unchanged", "removed"]
    differences: tuple[str, ...] = ()


def publish(ledger: Ledger, settings: Settings, *, dry_run: bool = False) -> tuple[StageChange, ...]:
    """Write every stage's spec that is another now, and forget those of stages that are gone."""
    there = _there(ledger)
    changes: list[StageChange] = []
    for spec in specs(settings):
        before = there.pop(spec.stage, None)
        changes.append(_change(settings, before, spec))
        if not dry_run and before != spec:
            ledger.put_spec(spec)
    for stage in sorted(there):
        changes.append(StageChange(stage, "removed"))
        if not dry_run:
            ledger.forget_spec(stage)
    return tuple(changes)


def tell(change: StageChange, *, dry_run: bool) -> str:
    """A change in words."""
    stage = f"rollouts of stage {change.stage}" if change.stage else "rollouts"
    match change.action:
        case "unchanged":
            return f"{stage}: settings unchanged"
        case "created":
            return f"{stage}: settings {'would be written' if dry_run else 'written'}"
        case "updated":
            return f"{stage}: settings {'would change' if dry_run else 'changed'}: {', '.join(change.differences)}"
        case "removed":
            return f"{stage} {'would be' if dry_run else 'are'} looked after no more; delete its endpoints by hand"


def _there(ledger: Ledger) -> dict[str, Spec]:
    """The specs that are in the table; none before the first deployment, whose dry run finds no table."""
    try:
        return ledger.specs()
    except NotFoundError:
        return {}


def _change(settings: Settings, before: Spec | None, after: Spec) -> StageChange:
    name = after.stage or settings.last_stage
    if before is None:
        return StageChange(name, "created")
    if before == after:
        return StageChange(name, "unchanged")
    old, new = dict(_leaves(to_json(before))), dict(_leaves(to_json(after)))
    differing = [key for key in (*old, *(key for key in new if key not in old)) if old.get(key) != new.get(key)]
    return StageChange(
        name, "updated", tuple(f"{key} {_word(old.get(key))} → {_word(new.get(key))}" for key in differing)
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The plain values inside a document, by path; an empty collection has none."""
    if isinstance(value, Mapping):
        inner = [(str(key), each) for key, each in value.items()]
    elif isinstance(value, list):
        inner = [(str(index), each) for index, each in enumerate(value)]
    else:
        yield path, value
        return
    for key, each in inner:
        yield from _leaves(each, f"{path}.{key}" if path else key)


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)
