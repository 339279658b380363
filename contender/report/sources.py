"""Where a record comes from: files of events in S3, and an endpoint's entries in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from contender.measurements.events import Event
from contender.measurements.files import Refused, read
from contender.naming import variant_name
from contender.report.records import Goal, Mark, Record, Request
from contender.rollout.decision import Entry
from contender.rollout.spec import Spec
from contender.rollout.state import Phase, Track
from contender.rollout.story import story

PREFIX = "events/"
LEAD_IN = timedelta(seconds=5)
"""How much is shown of the time before the challenger got its first share."""
MARKED = frozenset({"step", "shares", "asked", "by_hand", "put_back", "paused", "resumed"})
"""Decisions that get a line in the figures, beside whatever leads a track into another phase."""
OUTCOMES = {
    Phase.PROMOTED: "was promoted",
    Phase.ROLLED_BACK: "was rolled back",
    Phase.INCONCLUSIVE: "is for a person to decide",
    Phase.RAMPING: "is held: nothing was concluded yet",
    Phase.AWAITING_APPROVAL: "waits for approval",
}


class EventFiles:
    """The bucket's files of events, each of which is read once."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket
        self._read: set[str] = set()

    def unread(self) -> Iterator[Event]:
        """Every event of the files that have come since the last time, in no order that means anything."""
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=PREFIX):
            for key in (found["Key"] for found in page.get("Contents", ())):
                if key not in self._read:
                    self._read.add(key)
                    yield from read(self._s3, self._bucket, key, Refused())


def record(
    dimension: str,
    champion: int,
    track: Track,
    entries: Sequence[Entry],
    spec: Spec,
    requests: Sequence[Request],
    about: str = "",
) -> Record:
    """What happened to one challenger, from just before its first share on."""
    challenger = variant_name(track.version)
    first = next((request.at for request in requests if request.shares.get(challenger, 0) > 0), track.began)
    goal = spec.goal
    return Record(
        dimension=dimension,
        outcome=f"{challenger} {OUTCOMES.get(track.phase, f'is {track.phase}')}",
        champion=variant_name(champion),
        challenger=challenger,
        requests=tuple(request for request in requests if request.at >= first - LEAD_IN),
        about=about,
        goal=Goal(goal.kind, goal.alpha, goal.n_star, spec.reward_window_s) if goal else Goal(),
        marks=tuple(_marks(entries, track.version)),
        story=tuple(story(entries)),
    )


def _marks(entries: Sequence[Entry], version: int) -> Iterator[Mark]:
    """A line for each entry in which something about the version was decided."""
    for entry in entries:
        before, after = entry.before.track(version), entry.decision.state.track(version)
        turned = (before and before.phase) != (after and after.phase)
        for event in entry.decision.events:
            if event.code in MARKED or (turned and event.version == version):
                yield Mark(entry.at, event.sentence)
