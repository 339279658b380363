"""What a strategy still counts when rewards change: arms by time, oldest first, as one arm each that counts less of
what is long ago."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contender.experiments.arms import Arm


def discounted(history: Sequence[Mapping[str, Arm]], gamma: float) -> dict[str, Arm]:
    """Each stretch of time counts `gamma` times what the next one does (Garivier & Moulines, arXiv:0805.3415)."""
    kept: dict[str, Arm] = {}
    for arms in history:
        kept = {name: arm.scaled(gamma) for name, arm in kept.items()}
        for name, arm in arms.items():
            kept[name] = kept.get(name, Arm()) + arm
    return kept
