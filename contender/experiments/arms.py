"""What was counted of one variant: sufficient statistics that add up, whoever counted them and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["binary", "real"]
"""What a request earns: a success or none, or any number."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Requests of a variant and what they earned; `Arm()` is none.

    The rewards of one request are summed first. `successes` counts requests whose sum is positive; `total` and
    `squares` add the sums and their squares. `n` counts requests, failed ones too; `errors` counts the failed ones.
    All are whole numbers until somebody discounts them (`forgetting`).
    """

    n: float = 0
    successes: float = 0
    total: float = 0.0
    squares: float = 0.0
    errors: float = 0

    def __add__(self, other: Arm) -> Arm:
        return Arm(
            self.n + other.n,
            self.successes + other.successes,
            self.total + other.total,
            self.squares + other.squares,
            self.errors + other.errors,
        )

    def scaled(self, factor: float) -> Arm:
        """The same rates, on `factor` times as many requests."""
        return Arm(
            self.n * factor, self.successes * factor, self.total * factor, self.squares * factor, self.errors * factor
        )

    @property
    def converted(self) -> float:
        """Successes, at most one a request: what was credited to more requests than were counted is left out."""
        return min(max(self.successes, 0), self.n)

    @property
    def rate(self) -> float:
        """Successes per request; 0 without requests."""
        return self.converted / self.n if self.n > 0 else 0.0

    @property
    def mean(self) -> float:
        """Reward per request; 0 without requests."""
        return self.total / self.n if self.n > 0 else 0.0

    @property
    def variance(self) -> float:
        """Unbiased variance of the reward of a request; 0 below two requests."""
        return self.spread / (self.n - 1) if self.n > 1 else 0.0

    @property
    def spread(self) -> float:
        """Sum of the squared distances from the mean; never negative, whatever rounding left of it."""
        return max(self.squares - self.total * self.mean, 0.0)

    @property
    def error_rate(self) -> float:
        """Failed requests per request; 0 without requests."""
        return min(self.errors / self.n, 1.0) if self.n > 0 else 0.0

    def of(self, kind: Kind) -> tuple[float, float]:
        """Mean and variance of what a request earns, counted as this kind of reward."""
        if kind == "real":
            return self.mean, self.variance
        return self.rate, self.rate * (1 - self.rate)

    def to_json(self) -> list[float]:
        return [self.n, self.successes, self.total, self.squares, self.errors]

    @classmethod
    def from_json(cls, document: Sequence[Any]) -> Arm:
        return cls(*document)
