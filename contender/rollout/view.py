"""What there is of a dimension in one stage: its versions, its endpoint, and what the API is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from contender.endpoints import SHARE_DIGITS, Serving, Slot
from contender.measurements.settings import Settings
from contender.naming import Names, variant_name
from contender.registry import Version


@dataclass(frozen=True, slots=True)
class View:
    """What is known of a dimension in one stage at one moment.

    `published` is what the API assigns users by; None where experiments are off or the endpoint is not registered yet.
    `capture_uri` is where requests and answers are kept, where a spec wants them kept. `refused` holds changes that
    AWS would not make, by the version they were for.
    """

    names: Names
    dimension: str
    versions: tuple[Version, ...]
    serving: Serving | None
    experiments: bool = False
    published: Settings | None = None
    capture_uri: str = ""
    refused: Mapping[int, str] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        return self.names.endpoint(self.dimension)

    def version(self, number: int) -> Version | None:
        return next((version for version in self.versions if version.number == number), None)

    def slot(self, number: int) -> Slot | None:
        """The slot in which the endpoint serves this version's own model. A config deleted meanwhile names no model."""
        if self.serving is None or not self.serving.answers:
            return None
        slot = self.serving.slot(variant_name(number))
        own = ("", self.names.model(self.dimension, number))
        return slot if slot is not None and slot.model in own else None

    @property
    def live(self) -> dict[int, float]:
        """Live share by version of those that serve their own model, as parts of what they have together."""
        live = self.serving.live_shares() if self.serving else {}
        own = {number: share for number, share in live.items() if self.slot(number) is not None}
        total = sum(own.values()) or 1.0
        return {number: round(share / total, SHARE_DIGITS) for number, share in own.items()}
