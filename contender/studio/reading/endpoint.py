"""Everything about one dimension's endpoint: read at the same time, in some twenty calls.

what it serves, versions, rollout, published shares, configs, alarms, comparisons   at once
what its variants were asked, captured requests, each config                        once it is known which
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from contender import stage_settings
from contender.endpoints import Serving, Slot
from contender.errors import NotFoundError
from contender.measurements.settings import Settings as Published
from contender.naming import parse_variant, variant_name
from contender.registry import Version
from contender.rollout.decision import Entry
from contender.rollout.state import State
from contender.studio.desk import Desk
from contender.studio.gaps import Gaps
from contender.studio.reading import captured, config_history, portfolio, traffic, watched
from contender.studio.reading.captured import Exchange
from contender.studio.reading.config_history import Config
from contender.studio.reading.metrics import Window
from contender.studio.reading.standing import published_of, serving_of, state_of
from contender.studio.reading.summary import Summary
from contender.studio.reading.traffic import Flow
from contender.studio.reading.watched import Alarm
from contender.watching.executions import Found

VERSIONS_S, DECISIONS_S = 3.0, 3.0
DECISIONS = 40
"""Items of the ledger that are looked through for what led to a config."""
TRAFFIC, CONFIGS, CAPTURED = "Traffic", "The configs", "The captured requests"
ALARMS, COMPARISONS = "The alarms", "The comparisons"
"""What is told to be unknown where it stands, too."""
CAPTURED_OF = 2
"""Variants whose captured requests are read at once: those with the largest shares."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant as it serves. `version` is None for one that is not ours; shares are None where nobody says any."""

    slot: Slot
    version: Version | None
    asked: float | None
    published: float | None
    observed: float | None

    @property
    def name(self) -> str:
        return self.slot.variant

    @property
    def role(self) -> str:
        return self.version.role.value if self.version else ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`serving` is None where there is no such endpoint; `execution` is the dimension's last one.

    `gaps`: what could not be read, and why.
    """

    name: str
    serving: Serving | None
    state: State | None
    versions: tuple[Version, ...]
    variants: tuple[Variant, ...]
    flow: Flow
    configs: tuple[Config, ...]
    exchanges: tuple[Exchange, ...]
    captured_of: tuple[str, ...]
    alarms: tuple[Alarm, ...]
    comparisons: Sequence[Found]
    execution: Summary | None
    gaps: Mapping[str, str]

    @property
    def known(self) -> bool:
        """Whether there is, or was, anything of this dimension."""
        return bool(self.serving or self.state or self.versions or self.execution)


def read(desk: Desk, dimension: str, window: Window, captured_of: str | None) -> Endpoint:
    """The endpoint of a dimension in the desk's stage; `captured_of` is whose captured requests are wanted."""
    name, gaps = desk.names.endpoint(dimension), Gaps()
    later_serving = desk.later(lambda: serving_of(desk, name))
    later_state = desk.later(lambda: state_of(desk, name))
    later_published = desk.later(lambda: published_of(desk, name))
    later_configs = desk.later(lambda: config_history.newest(desk, name))
    later_versions = desk.later(lambda: versions_of(desk, dimension))
    later_decisions = desk.later(lambda: decisions_of(desk, name))
    later_alarms = desk.later(lambda: watched.alarms(desk, name))
    later_found = desk.later(lambda: watched.comparisons(desk, dimension))
    serving, state = later_serving.result(), gaps.fill("What was decided", None, later_state.result)
    slots = _in_order(serving, state)
    wanted = _captured_of(slots, captured_of)
    later_flow = desk.later(lambda: traffic.flow(desk, name, _variants(slots, state), window))
    capturing = serving if serving is not None and serving.capture_percent else None
    later_exchanges = [
        desk.later(
            partial(captured.exchanges, desk, capturing.capture_uri, name, variant, captured.FILES // len(wanted))
        )
        for variant in wanted
        if capturing is not None
    ]
    configs = gaps.fill(CONFIGS, (), later_configs.result)
    later_described = [desk.later(partial(config_history.described, desk, config)) for config in configs]
    later_execution = None
    if serving is None:
        later_execution = desk.later(lambda: portfolio.last_executions(desk).of.get(dimension))
    flow = gaps.fill(TRAFFIC, traffic.unknown(desk, _variants(slots, state), window), later_flow.result)
    versions = gaps.fill("The versions", (), later_versions.result)
    decisions = gaps.fill("The decisions before each config", (), later_decisions.result)
    published = gaps.fill("The shares by API", None, later_published.result)
    described = [gaps.fill(CONFIGS, None, later.result) for later in later_described]
    return Endpoint(
        name,
        serving,
        state,
        versions,
        tuple(_variant(slot, versions, state, published, flow) for slot in slots),
        flow,
        tuple(config_history.config(found, decisions) for found in described if found),
        tuple(captured.together([gaps.fill(CAPTURED, (), later.result) for later in later_exchanges])),
        wanted,
        gaps.fill(ALARMS, (), later_alarms.result),
        gaps.fill(COMPARISONS, (), later_found.result),
        gaps.fill("The last execution", None, later_execution.result) if later_execution else None,
        gaps.sentences,
    )


def decisions_of(desk: Desk, name: str) -> tuple[Entry, ...]:
    """The last ones, the newest first."""

    def read() -> tuple[Entry, ...]:
        try:
            return desk.ledger.newest(name, DECISIONS)
        except NotFoundError:
            return ()

    return desk.kept.get(("decisions", name), DECISIONS_S, read)


def versions_of(desk: Desk, dimension: str) -> tuple[Version, ...]:
    """The dimension's versions with their roles in the desk's stage, the oldest first."""
    versions = stage_settings.versions_of(desk.settings, desk.client, desk.stage, desk.clock)
    return desk.kept.get(("versions", desk.stage, dimension), VERSIONS_S, lambda: versions.of(dimension))


def _in_order(serving: Serving | None, state: State | None) -> tuple[Slot, ...]:
    """The champion first, then as versions are numbered."""
    champion = variant_name(state.champion) if state and state.champion else ""
    slots = serving.slots if serving else ()
    return tuple(sorted(slots, key=lambda slot: (slot.variant != champion, parse_variant(slot.variant) or 0)))


def _variants(slots: Sequence[Slot], state: State | None) -> tuple[str, ...]:
    """Those that serve, and those that were tried of late: their traffic may lie within the window."""
    tried = [variant_name(track.version) for track in (state.tracks if state else ())]
    return tuple(dict.fromkeys([*(slot.variant for slot in slots), *tried]))


def _captured_of(slots: Sequence[Slot], wanted: str | None) -> tuple[str, ...]:
    names = [slot.variant for slot in sorted(slots, key=lambda slot: -slot.share)]
    return (wanted,) if wanted is not None and wanted in names else tuple(names[:CAPTURED_OF])


def _variant(
    slot: Slot, versions: Sequence[Version], state: State | None, published: Published | None, flow: Flow
) -> Variant:
    number = parse_variant(slot.variant)
    shares: Mapping[str, Any] = published.shares if published is not None and published.open else {}
    return Variant(
        slot,
        next((version for version in versions if version.number == number), None),
        state.shares.get(number, 0.0) if state is not None and number is not None else None,
        shares.get(slot.variant),
        flow.share(slot.variant),
    )
