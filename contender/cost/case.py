"""One configuration with a number of dimensions, and how a line of its bill is written."""

from __future__ import annotations

from dataclasses import dataclass

from contender.config import Settings
from contender.cost.assumptions import DAYS_PER_MONTH, Assumptions
from contender.cost.prices import Price, PriceTable


@dataclass(frozen=True, slots=True)
class Line:
    """So much of something in a month, at a price for `per` units of it. `lower`: what would make it less."""

    part: str
    what: str
    quantity: float
    unit: str
    price: float
    per: int
    source: str
    lower: str = ""

    @property
    def cost(self) -> float:
        return self.quantity / self.per * self.price


@dataclass(frozen=True, slots=True)
class Case:
    """What a bill is computed from."""

    settings: Settings
    assumed: Assumptions
    prices: PriceTable
    dimensions: int

    @property
    def endpoints(self) -> int:
        """One for each dimension in each stage."""
        return self.dimensions * len(self.settings.stages_in_order)

    @property
    def requests(self) -> float:
        """Of all dimensions in all stages, a month."""
        return self.endpoints * self.assumed.requests_per_day * DAYS_PER_MONTH

    @property
    def conversions(self) -> float:
        return self.requests * self.assumed.conversions_per_request

    @property
    def executions(self) -> float:
        """Of the training pipeline, a month."""
        return self.dimensions * self.assumed.retrainings_per_month

    @property
    def files(self) -> float:
        """To predict, of all dimensions, a month."""
        return self.dimensions * self.assumed.files_per_day * DAYS_PER_MONTH

    def line(self, part: str, what: str, quantity: float, price: str, *, lower: str = "") -> Line:
        """A line at the price of this name."""
        return _line(part, what, quantity, self.prices.of(price), lower)

    def hours(self, part: str, what: str, quantity: float, instance_type: str, *, lower: str = "") -> Line:
        """A line of hours on instances of this type."""
        return _line(part, f"{what}, {instance_type}", quantity, self.prices.instance(instance_type), lower)

    def computing(self, part: str, what: str, calls: float, ms: float, memory_mb: int) -> tuple[Line, ...]:
        """Calls of a Lambda function that take so long each: the calls, their time, and their logs."""
        seconds, logged_gb = calls * ms / 1000, calls * LOGGED_KB * 1e3 / 1e9
        months_kept = self.settings.stacks.log_days / DAYS_PER_MONTH
        return (
            self.line(part, f"Lambda calls: {what}", calls, "lambda_calls"),
            self.line(part, f"Lambda time: {what}", seconds * memory_mb / 1024, "lambda_time"),
            self.line(part, f"logs: {what}", logged_gb, "log_writes"),
            self.line(part, f"logs kept: {what}", logged_gb * months_kept, "log_storage"),
        )


LOGGED_KB = 0.8
"""Of a call: Lambda's own three lines and our one."""
POLLS = 657_000
"""Lambda's of one queue, a month: five connections, each asking every twenty seconds."""


def _line(part: str, what: str, quantity: float, price: Price, lower: str) -> Line:
    return Line(part, what, quantity, price.unit, price.price, price.per, price.source, lower)
