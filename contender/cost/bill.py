"""All lines of a case, their sum, the biggest ones, and what would lower them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from contender.cost import delivery, experiments, inference, monitoring, pipelines, rollouts, serving, storage
from contender.cost.assumptions import HOURS_PER_MONTH
from contender.cost.case import Case, Line

PARTS = (serving, pipelines, rollouts, experiments, inference, monitoring, storage, delivery)
NAMED = 3


@dataclass(frozen=True, slots=True)
class Bill:
    """A month of one case."""

    dimensions: int
    lines: tuple[Line, ...]

    @property
    def total(self) -> float:
        return sum((line.cost for line in self.lines), 0.0)

    @property
    def per_dimension(self) -> float:
        return self.total / self.dimensions

    def by_cost(self) -> list[Line]:
        """The lines, the biggest first."""
        return sorted(self.lines, key=lambda line: -line.cost)


def bill(case: Case) -> Bill:
    """A month of this case: the lines that cost anything."""
    return Bill(case.dimensions, tuple(line for part in PARTS for line in part.lines(case) if line.quantity))


def biggest(found: Bill) -> Iterator[str]:
    """A sentence for each of the biggest lines."""
    for line in islice(found.by_cost(), NAMED):
        share = f"{line.part}, {line.what}: {money(line.cost)}, {line.cost / found.total:.0%} of the total."
        yield f"{share} Less with {line.lower}." if line.lower else share


def quotas(case: Case) -> str:
    """The limit of SageMaker's that many dimensions meet first, in a sentence."""
    needed = sum(line.quantity for line in serving.lines(case) if line.unit == case.prices.instances.unit)
    instances = needed / HOURS_PER_MONTH
    return (
        f"{case.dimensions:,} dimensions serve from {instances:,.0f} instances on average: each type has a quota for "
        "endpoint usage, and so have endpoints and executions at once; ask in Service Quotas before you grow"
    )


def money(amount: float) -> str:
    return f"{amount:,.2f}"
