"""Telecom customers who stay or leave: seeded data for any number of dimensions that really differ.

A dimension's name fixes its customers and what makes them leave; a seed fixes which of them are in a file and how they
used their phones. Two files of one dimension with different seeds therefore share about half of their customers, as
two uploads of one business do. `drift` moves a dimension's reasons to leave towards other ones.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contender.errors import DataError

COLUMNS = (
    "Dimension", "State", "Account Length", "Area Code", "Phone", "Int'l Plan", "VMail Plan", "VMail Message",
    "Day Mins", "Day Calls", "Day Charge", "Eve Mins", "Eve Calls", "Eve Charge", "Night Mins", "Night Calls",
    "Night Charge", "Intl Mins", "Intl Calls", "Intl Charge", "CustServ Calls", "Churn?",
)  # fmt: skip

STATES = (
    "AK", "AL", "AR", "AZ", "CA", "CO", "CT", "DC", "DE", "FL", "GA", "HI", "IA", "ID", "IL", "IN", "KS", "KY", "LA",
    "MA", "MD", "ME", "MI", "MN", "MO", "MS", "MT", "NC", "ND", "NE", "NH", "NJ", "NM", "NV", "NY", "OH", "OK", "OR",
    "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VA", "VT", "WA", "WI", "WV", "WY",
)  # fmt: skip
AREA_CODES = (408, 415, 510, 650, 707, 916)
RATES = {"Day": 0.17, "Eve": 0.085, "Night": 0.045, "Intl": 0.27}
MIN_ROWS = 100

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reasons:
    """What makes a dimension's customers leave: weights of standardised usage, of plans, and of the two together."""

    usage: Floats
    plans: Floats
    fees: float
    complaints: float
    states: Floats
    minutes: Floats

    def towards(self, other: Reasons, drift: float) -> Reasons:
        """These reasons, moved by `drift` (0 to 1) towards other ones; the usage habits stay."""
        if drift == 0:
            return self
        mix = {
            name: (1 - drift) * getattr(self, name) + drift * getattr(other, name)
            for name in ("usage", "plans", "fees", "complaints", "states")
        }
        return Reasons(**mix, minutes=self.minutes)


def dimension_names(count: int) -> tuple[str, ...]:
    """region-1, region-2, …"""
    return tuple(f"region-{number}" for number in range(1, count + 1))


def generate(dimension: str, rows: int, seed: int, drift: float = 0.0) -> list[list[str]]:
    """Rows of one dimension in the order of COLUMNS; the same arguments give the same rows.

    A plain XGBoost model reaches an AUC of about 0.97 on 5,000 rows.
    """
    if rows < MIN_ROWS:
        raise DataError(f"{rows} rows are too few to train, tune and test on: ask for at least {MIN_ROWS}")
    if not 0 <= drift <= 1:
        raise DataError(f"drift {drift:g} must be between 0 (same reasons to leave) and 1 (entirely other ones)")
    place = zlib.crc32(dimension.encode())
    nature = np.random.default_rng(place)
    reasons = _reasons(nature).towards(_reasons(nature), drift)
    customers = _customers(place, population=2 * rows)
    chance = np.random.default_rng((place, seed, 4))
    chosen = chance.permutation(2 * rows)[:rows]
    return _calls(dimension, [customers[number] for number in chosen], reasons, chance)


def write(folder: Path, dimensions: Sequence[str], rows: int, seed: int, drift: float = 0.0) -> list[Path]:
    """One `<folder>/<dimension>/churn-<seed>.csv` each."""
    paths = []
    for dimension in dimensions:
        path = folder / dimension / f"churn-{seed}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(generate(dimension, rows, seed, drift))
        paths.append(path)
    return paths


@dataclass(frozen=True, slots=True)
class _Customer:
    state: int
    account_length: int
    area_code: int
    phone: str
    international: bool
    voicemail: bool


def _reasons(random: np.random.Generator) -> Reasons:
    return Reasons(
        usage=random.normal(0, 1.6, 5),
        plans=random.normal(0, 1.0, 2),
        fees=float(random.uniform(1.5, 3.5)),
        complaints=float(random.uniform(2.0, 4.0)),
        states=random.normal(0, 0.8, len(STATES)),
        minutes=random.uniform(0.7, 1.3, 4),
    )


def _customers(place: int, population: int) -> list[_Customer]:
    """A dimension's customers; a phone number belongs to one of them only.

    Each attribute has a generator of its own, so a larger population begins with the smaller one.
    """
    state, length, area, plan = (np.random.default_rng((place, attribute)) for attribute in range(4))
    states = state.integers(0, len(STATES), population)
    lengths = length.integers(1, 244, population)
    areas = area.choice(AREA_CODES, population)
    plans = plan.random((population, 2)) < (0.3, 0.4)
    first = place % 1_000_000
    return [
        _Customer(
            state=int(states[number]),
            account_length=int(lengths[number]),
            area_code=int(areas[number]),
            phone=_phone(first + number),
            international=bool(plans[number, 0]),
            voicemail=bool(plans[number, 1]),
        )
        for number in range(population)
    ]


def _phone(number: int) -> str:
    scattered = number * 7_368_787 % 8_000_000 + 2_000_000  # coprime: no two numbers meet
    return f"{scattered // 10_000}-{scattered % 10_000:04d}"


def _calls(
    dimension: str, customers: Sequence[_Customer], reasons: Reasons, random: np.random.Generator
) -> list[list[str]]:
    count = len(customers)
    typical = np.array([180.0, 200.0, 200.0, 10.0]) * reasons.minutes
    spread = np.array([54.0, 50.0, 50.0, 2.8])
    usual = random.normal(0, 1, (count, 4))
    minutes = np.clip(np.round(typical + spread * usual, 1), 0, None)
    calls = np.column_stack([random.poisson(mean, count) for mean in (100, 100, 100, 4.5)])
    complaints = random.poisson(1.6, count)
    international = np.array([customer.international for customer in customers], dtype=float)
    voicemail = np.array([customer.voicemail for customer in customers], dtype=float)
    messages = np.where(voicemail == 1, random.poisson(29, count), 0)

    score = usual @ reasons.usage[:4] + reasons.usage[4] * (calls[:, 3] - 4.5) / 2.1
    score += reasons.plans[0] * international + reasons.plans[1] * voicemail
    score += reasons.fees * international * usual[:, 3] + reasons.complaints * (complaints >= 3)
    score += reasons.states[[customer.state for customer in customers]]
    certainty = 9 * (score - np.median(score)) / score.std()
    churns = certainty + random.logistic(0, 1, count) > 0

    rows = []
    for number, customer in enumerate(customers):
        day, evening, night, abroad = (float(value) for value in minutes[number])
        usage: list[str] = []
        for name, amount, made in zip(RATES, (day, evening, night, abroad), calls[number], strict=True):
            usage += [f"{amount:.1f}", str(made), f"{amount * RATES[name]:.2f}"]
        rows.append(
            [
                dimension,
                STATES[customer.state],
                str(customer.account_length),
                str(customer.area_code),
                customer.phone,
                "yes" if customer.international else "no",
                "yes" if customer.voicemail else "no",
                str(messages[number]),
                *usage,
                str(complaints[number]),
                "True." if churns[number] else "False.",
            ]
        )
    return rows
