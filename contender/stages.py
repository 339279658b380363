"""A dimension's versions as one stage has them: their roles there, and which of them may come in.

All stages share a dimension's model package group. The last stage's life cycles are the packages' own (registry.py),
which the console shows. Those of the stages before it are items of the rollouts table, not properties of the packages:
a package's time of change is the last stage's, listing packages does not tell their properties, and a reason has more
letters than a property may.

    pk=versions#<endpoint>  sk=<version>    role, status, reason, changed_at · approved_at, approved_by

A version comes into the first stage when the registry approves it. It comes into a later one while it is champion of
the stage before (approval automatic there), or once a person has approved it there (either). One that has been replaced
before it came in stays out: its successor comes instead. One that the registry rejects comes in nowhere, and one that
had left the last stage, or failed there, before an earlier stage was added comes into none of the earlier ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from contender import registry
from contender.naming import Names
from contender.registry import APPROVED, WAITS, Role, Status, Version
from contender.rollout.spec import Follows

ELSEWHERE = "Pending"
"""Approval of a version that nobody can let in yet: it is not champion of the stage before."""

Item = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class StageVersions:
    """The versions of the stage that `names` are of; `follows` is the stage they come from, None for the first one."""

    sagemaker: Any
    dynamodb: Any
    names: Names
    follows: Follows | None
    clock: Callable[[], datetime]

    def of(self, dimension: str) -> tuple[Version, ...]:
        """All of the dimension's completed versions, oldest first, with role, status and approval in this stage."""
        return self.seen(dimension, registry.list_versions(self.sagemaker, self.names.group(dimension)))

    def seen(self, dimension: str, versions: tuple[Version, ...]) -> tuple[Version, ...]:
        """The registry's versions with role, status and approval in this stage."""
        if self.names.stage:
            items = self._items(self.names, dimension)
            versions = tuple(_marked(version, items.get(version.number, {})) for version in versions)
        if self.follows is not None and any(_at_the_door(version) for version in versions):
            items = self._items(self.names.at(self.follows.stage), dimension)
            versions = tuple(
                self._let_in(version, items.get(version.number, {})) if _at_the_door(version) else version
                for version in versions
            )
        return versions

    def mark(self, arn: str, role: Role, status: Status, reason: str) -> None:
        """Set a version's role and status in this stage. Writing the same again changes nothing."""
        if not self.names.stage:
            registry.mark(self.sagemaker, arn, role, status, reason)
            return
        dimension, number = self.names.package_of(arn)
        self._write(
            dimension,
            number,
            role=role.value,
            status=status.value,
            reason=registry.one_line(reason),
            changed_at=self.clock().isoformat(),
        )

    def approve(self, dimension: str, number: int, by: str) -> None:
        """Let a version go on from this stage to the next one."""
        self._write(dimension, number, approved_at=self.clock().isoformat(), approved_by=by)

    def approved(self, dimension: str) -> frozenset[int]:
        """The versions that a person has let go on from this stage."""
        items = self._items(self.names, dimension).items()
        return frozenset(number for number, item in items if "approved_at" in item)

    def _let_in(self, version: Version, before: Item) -> Version:
        assert self.follows is not None
        stage, role, status = self.follows.stage, _text(before, "role"), _text(before, "status")
        promoted = (role, status) == (Role.CHAMPION, Status.IN_SERVICE)
        if "approved_at" in before or (promoted and self.follows.approval == "automatic"):
            return version
        so_far = f"in stage {stage}: {role}, {status}" if role else f"has not begun in stage {stage}"
        return replace(version, approval=WAITS if promoted else ELSEWHERE, reason=so_far)

    def _items(self, names: Names, dimension: str) -> dict[int, Item]:
        return {int(item["sk"]["S"]): item for item in self._query(f"versions#{names.endpoint(dimension)}")}

    def _query(self, partition: str) -> Iterator[Item]:
        following: dict[str, Any] = {}
        while True:
            answer = self.dynamodb.query(
                TableName=self.names.table("rollouts"),
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": partition}},
                ConsistentRead=True,
                **following,
            )
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            following = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _write(self, dimension: str, number: int, **values: str) -> None:
        self.dynamodb.update_item(
            TableName=self.names.table("rollouts"),
            Key={"pk": {"S": f"versions#{self.names.endpoint(dimension)}"}, "sk": {"S": f"{number:09d}"}},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues={f":{name}": {"S": value} for name, value in values.items()},
        )


def _at_the_door(version: Version) -> bool:
    return version.approval == APPROVED and version.status is Status.PENDING


def _marked(version: Version, item: Item) -> Version:
    if "role" not in item:
        if version.status in (Status.REMOVED, Status.FAILED):
            return replace(version, reason=f"in the last stage: {version.reason}")
        return replace(version, role=Role.CHALLENGER, status=Status.PENDING, reason="", changed_at=None)
    return replace(
        version,
        role=Role(_text(item, "role")),
        status=Status(_text(item, "status")),
        reason=_text(item, "reason"),
        changed_at=datetime.fromisoformat(_text(item, "changed_at")),
    )


def _text(item: Item, name: str) -> str:
    return item[name]["S"] if name in item else ""
