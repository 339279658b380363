"""From what a strategy prefers to shares that can be served: a floor for every arm, and a warm-up for new ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contender.experiments.arms import Arm


@dataclass(frozen=True, slots=True)
class Limits:
    """What a strategy must leave to every arm.

    floor: p = f + (1 - k·f)·w for each of k arms, so that none is ever forgotten; at most 1/k.
    warm_up: an arm that has answered fewer requests has its warm-up share, whatever it earned, and the others divide
    the rest. warm_up_shares: those shares by arm; an arm without one has 1/k. Given for a challenger alone, they let
    it start small while the champion, which is new to the experiment too, keeps the rest.
    """

    floor: float = 0.0
    warm_up: int = 0
    warm_up_shares: Mapping[str, float] | None = None

    def apply(self, preferred: Mapping[str, float], arms: Mapping[str, Arm]) -> dict[str, float]:
        """Shares that sum to 1, one for each arm."""
        floored = self._floored(_proportions(preferred))
        cold = {name: self._first_share(name, len(arms)) for name in arms if arms[name].n < self.warm_up}
        if not cold:
            return floored
        warm = {name: share for name, share in floored.items() if name not in cold}
        if not warm:
            return _proportions(self._all_cold(cold))
        taken = min(sum(cold.values()), 1 - self._least(len(arms)) * len(warm))
        first, rest = _proportions(cold), _proportions(warm)
        return {name: taken * first[name] if name in cold else (1 - taken) * rest[name] for name in arms}

    def _first_share(self, name: str, k: int) -> float:
        return (self.warm_up_shares or {}).get(name, 1 / k)

    def _all_cold(self, cold: Mapping[str, float]) -> dict[str, float]:
        """Arms whose share is given have it; the others divide the rest."""
        given = {name: share for name, share in (self.warm_up_shares or {}).items() if name in cold}
        others = [name for name in cold if name not in given]
        if not others:
            return dict(cold)
        rest = max(1 - sum(given.values()), 0.0) / len(others)
        return {name: given.get(name, rest) for name in cold}

    def _floored(self, shares: Mapping[str, float]) -> dict[str, float]:
        least = self._least(len(shares))
        return {name: least + (1 - len(shares) * least) * share for name, share in shares.items()}

    def _least(self, k: int) -> float:
        return min(max(self.floor, 0.0), 1 / k)


NO_LIMITS = Limits()


def _proportions(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights as shares that sum to 1; equal ones when none weighs anything."""
    total = sum(weights.values())
    if total <= 0:
        return dict.fromkeys(weights, 1 / len(weights))
    return {name: weight / total for name, weight in weights.items()}
