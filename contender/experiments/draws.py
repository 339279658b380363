"""Counts by chance: what a batch of requests comes to, drawn at once and exactly, not request by request."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random

FEW = 10
"""Below so many expected successes, walking from success to success is faster than rejection, and rejection fails."""


def binomial(random: Random, n: int, p: float) -> int:
    """Successes among n trials: by geometric gaps, or by Hörmann's transformed rejection (BTRS) where there are many.

    W. Hörmann, "The generation of binomial random variates", J. Stat. Comput. Simul. 46 (1993) 101-110.
    """
    if n <= 0 or p <= 0:
        return 0
    if p >= 1:
        return n
    if p > 0.5:
        return n - binomial(random, n, 1 - p)
    return _by_gaps(random, n, p) if n * p < FEW else _by_rejection(random, n, p)


def multinomial(random: Random, n: int, shares: Mapping[str, float]) -> dict[str, int]:
    """How many of n users each share gets; shares add up to 1."""
    counts, left, rest = {}, n, 1.0
    for name, share in shares.items():
        counts[name] = binomial(random, left, min(share / rest, 1.0)) if rest > 0 else 0
        left -= counts[name]
        rest -= share
    if left:  # rounding of the shares left a request without an owner
        counts[max(shares, key=lambda name: shares[name])] += left
    return counts


def normal_sums(random: Random, n: int, mean: float, deviation: float) -> tuple[float, float]:
    """Sum and sum of squares of n normal numbers: mean and variance of a normal sample are independent (Cochran)."""
    if n <= 0:
        return 0.0, 0.0
    average = random.gauss(mean, deviation / math.sqrt(n))
    spread = deviation**2 * random.gammavariate((n - 1) / 2, 2.0) if n > 1 else 0.0
    return n * average, n * average**2 + spread


def _by_gaps(random: Random, n: int, p: float) -> int:
    successes, trials, scale = 0, 0, math.log1p(-p)
    while True:
        trials += int(math.log(1.0 - random.random()) / scale) + 1
        if trials > n:
            return successes
        successes += 1


def _by_rejection(random: Random, n: int, p: float) -> int:
    deviation = math.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    centre = n * p + 0.5
    certain = 0.92 - 4.2 / b
    alpha = (2.83 + 5.1 / b) * deviation
    odds = math.log(p / (1 - p))
    mode = math.floor((n + 1) * p)
    peak = math.lgamma(mode + 1) + math.lgamma(n - mode + 1)
    while True:
        u, v = random.random() - 0.5, random.random()
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = math.floor((2 * a / us + b) * u + centre)
        if us >= 0.07 and v <= certain:
            return k
        if not 0 <= k <= n or v == 0:
            continue
        height = peak - math.lgamma(k + 1) - math.lgamma(n - k + 1) + (k - mode) * odds
        if math.log(v * alpha / (a / (us * us) + b)) <= height:
            return k
