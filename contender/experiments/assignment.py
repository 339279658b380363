"""Which variant a user gets: the same one as long as the shares stay, from a hash alone, with no table read.

Weighted rendezvous hashing: user and variant give a number u, evenly spread over (0, 1), and the variant with the least
-log(u) / share wins. When shares change, nobody moves between variants whose shares kept their proportion; with two
variants no scheme moves fewer.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

_SPAN = 1 << 64


@dataclass(frozen=True, slots=True)
class Assignment:
    """A variant, and the probability with which a user gets it."""

    variant: str
    propensity: float


def assign(experiment: str, user: str, shares: Mapping[str, float]) -> Assignment:
    """Give a user a variant with the shares as probabilities; shares that do not sum to 1 count in proportion.

    Another experiment spreads the same users anew. A variant without share is never given. ValueError when none has
    a share.
    """
    key = hashlib.blake2b(f"{len(experiment)}:{experiment}{user}".encode(errors="surrogatepass"), digest_size=8)
    best, least, total = "", math.inf, 0.0
    for variant, share in shares.items():
        if share <= 0:
            continue
        total += share
        hashed = key.copy()
        hashed.update(b"\0" + variant.encode())
        ranked = -math.log((int.from_bytes(hashed.digest(), "big") + 0.5) / _SPAN) / share
        if ranked < least or (ranked == least and variant < best):
            best, least = variant, ranked
    if not best:
        raise ValueError(f"experiment {experiment!r} has no variant with a share above 0: {dict(shares)}")
    return Assignment(best, shares[best] / total)
