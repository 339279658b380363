"""Whether users went where the shares sent them: an alarm that may be looked at at any time, and follows the shares.

Sequential multinomial test (Lindon & Malek, arXiv:2011.03567): the counts' probability under a Dirichlet mixture over
that under the shares is a bet that cannot be expected to win while the shares are kept. Shares that strategies move
are other shares in each batch; the mixture then bets on the ratio of counts to shares that the batches before showed.
With shares that stay it is their test exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contender.experiments.evidence import Users

CONCENTRATION = 100.0
"""Users' worth of belief in the shares: the lower, the sooner a gross mismatch is seen, and the later a slight one."""


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """The test's p-value, and by variant the users that were expected and that came."""

    p_value: float
    expected: Mapping[str, float]
    observed: Mapping[str, int]

    def alarm(self, alpha: float) -> bool:
        """Whether the shares are not kept; a false alarm has probability `alpha` however often one looks."""
        return self.p_value < alpha


def sample_ratio(batches: Iterable[Users]) -> SampleRatio:
    """Test batches of new users, oldest first, each against its own shares."""
    expected: dict[str, float] = {}
    observed: dict[str, int] = {}
    log_odds = 0.0
    for batch in batches:
        shares = _shares(batch)
        count = sum(batch.counts.values())
        if not count or not shares:
            continue
        if any(number and shares.get(name, 0.0) <= 0 for name, number in batch.counts.items()):
            log_odds = math.inf
        else:
            log_odds += _log_odds(_bet(shares, expected, observed), shares, batch.counts)
        for name in {**shares, **batch.counts}:
            expected[name] = expected.get(name, 0.0) + count * shares.get(name, 0.0)
            observed[name] = observed.get(name, 0) + batch.counts.get(name, 0)
    return SampleRatio(math.exp(-log_odds) if log_odds > 0 else 1.0, expected, observed)


def _shares(batch: Users) -> dict[str, float]:
    total = sum(batch.expected.values())
    return {name: share / total for name, share in batch.expected.items() if share > 0} if total > 0 else {}


def _bet(shares: Mapping[str, float], expected: Mapping[str, float], observed: Mapping[str, int]) -> dict[str, float]:
    """Parameters of the Dirichlet distribution that the next batch is bet to come from."""
    weights = {
        name: share
        * (CONCENTRATION * share + observed.get(name, 0))
        / (CONCENTRATION * share + expected.get(name, 0.0))
        for name, share in shares.items()
    }
    strength = (CONCENTRATION + sum(observed.values())) / sum(weights.values())
    return {name: strength * weight for name, weight in weights.items()}


def _log_odds(bet: Mapping[str, float], shares: Mapping[str, float], counts: Mapping[str, int]) -> float:
    """Logarithm of the counts' probability under the bet over that under the shares."""
    whole = sum(bet.values())
    found = math.lgamma(whole) - math.lgamma(whole + sum(counts.values()))
    for name, share in shares.items():
        count = counts.get(name, 0)
        found += math.lgamma(bet[name] + count) - math.lgamma(bet[name]) - count * math.log(share)
    return found
