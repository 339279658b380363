"""How far a column's distribution has moved from its baseline's, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass

from contender.local.containers.monitor import distance
from contender.local.containers.monitor.constraints import FeatureConstraints
from contender.local.containers.monitor.statistics import Feature, NumberStatistics, TextStatistics
from contender.local.containers.monitor.words import percent, quoted


@dataclass(frozen=True, slots=True)
class Drift:
    """`amount` is a distance from 0 to 1, or with the chi-squared test a p-value."""

    amount: float
    is_violation: bool
    description: str


def measure(asked: FeatureConstraints, before: Feature | None, now: Feature) -> Drift | None:
    """None where nothing is to be compared, or can be."""
    if before is None or not asked.monitoring.perform_comparison or not before.present or not now.present:
        return None
    if before.numbers and now.numbers:
        return _numerical(asked, before.numbers, now.numbers)
    if before.texts and now.texts and before.texts.counts and not before.texts.other:
        return _categorical(asked, before.texts, now.texts, now.present)
    return None


def _numerical(asked: FeatureConstraints, before: NumberStatistics, now: NumberStatistics) -> Drift | None:
    if before.sketch is None or now.sketch is None:
        return None
    gap, n, m = distance.numerical(before.sketch, now.sketch)
    apart = gap.distance if _simple(asked) else distance.robust(gap.distance, n, m)
    moved = now.mean - before.mean
    steps = f" ({moved / before.std_dev:+.2f} baseline standard deviations)" if before.std_dev > 0 else ""
    return _compared(
        apart,
        asked.monitoring.comparison_threshold,
        f"The mean moved from {before.mean:.6g} to {now.mean:.6g}{steps}, the standard deviation from "
        f"{before.std_dev:.6g} to {now.std_dev:.6g}; {percent(gap.baseline)} of the values were at most {gap.at:.6g}, "
        f"now {percent(gap.current)}.",
    )


def _categorical(asked: FeatureConstraints, before: TextStatistics, now: TextStatistics, rows: int) -> Drift:
    threshold = asked.monitoring.categorical_comparison_threshold
    gap = distance.categorical(before.counts, now.counts, rows)
    words = f"{quoted(str(gap.at))} made up {percent(gap.baseline)} of the values, now {percent(gap.current)}."
    if asked.monitoring.categorical_drift_method == "ChiSquared":
        chance = distance.chi_squared(before.counts, now.counts)
        said = f"{words} Baseline drift p-value: {chance:.6g} of the chi-squared test is below threshold: {threshold:g}"
        return Drift(chance, chance < threshold, said)
    apart = gap.distance
    if not _simple(asked):
        apart = distance.robust(apart, sum(before.counts.values()), rows)
    return _compared(apart, threshold, words)


def _compared(apart: float, threshold: float, words: str) -> Drift:
    """AWS's own words, and at the end, where programs look for them."""
    said = f"{words} Baseline drift distance: {apart} exceeds threshold: {threshold}"
    return Drift(apart, apart > threshold, said)


def _simple(asked: FeatureConstraints) -> bool:
    return asked.monitoring.comparison_method.lower() in ("simple", "linf_simple")
