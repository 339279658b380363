"""Small configurations whose costs can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from contender.config import Settings
from contender.cost.assumptions import Assumptions
from contender.cost.bill import bill
from contender.cost.case import Case, Line
from contender.cost.prices import load_prices

PRICES = load_prices()
EVERYTHING = Assumptions(pushes_per_month=20)


def case(
    dimensions: int = 10, assumed: Assumptions = EVERYTHING, settings: Settings | None = None, **more: Any
) -> Case:
    return Case(settings or Settings(), replace(assumed, **more), PRICES, dimensions)


def lines(found: Case) -> dict[str, Line]:
    """By `part: what`; of lines alike, all but the last would be lost, and there are none."""
    listed = [(f"{line.part}: {line.what}", line) for line in bill(found).lines]
    assert len({name for name, _ in listed}) == len(listed)
    return dict(listed)


def settings(**values: Any) -> Settings:
    return Settings.model_validate(values)
