"""The demo's three stories are true: every challenger passes the gate, and today's customers tell them apart."""

from __future__ import annotations

import csv
import tarfile
from pathlib import Path

import pytest

from contender.demo.challenges import Challenge, Customer, Truth, challenges
from tests.steps.chain import Chain, load

STORIES = {challenge.truth: challenge for challenge in challenges(rows=1500, customers=2000, seed=7)}


def right_answers(model: Chain, customers: tuple[Customer, ...]) -> float:
    """The share of today's customers about whom a packed model is right."""
    inference = load("package/inference.py")
    with tarfile.open(model.root / "artifact" / "model.tar.gz") as tar:
        tar.extractall(model.root / "opened", filter="data")
    loaded = inference.model_fn(model.root / "opened")
    rows = list(csv.reader(customer.row for customer in customers))
    answers = inference.predict_fn(loaded.encoder.encode(rows), loaded)
    return sum((answer >= 0.5) == customer.leaves for answer, customer in zip(answers, customers, strict=True)) / len(
        rows
    )


@pytest.mark.parametrize("truth", Truth)
def test_both_pass_the_gate_and_the_customers_know_which_is_better(truth: Truth, tmp_path: Path) -> None:
    challenge = STORIES[truth]
    champion, challenger = Chain(tmp_path / "champion"), Chain(tmp_path / "challenger")
    assert champion.upload(challenge.uploads.first[1]).run()["gate"]["passed"]
    assert challenger.upload(challenge.uploads.second[1]).run(champion)["gate"]["passed"]
    gained = right_answers(challenger, challenge.customers) - right_answers(champion, challenge.customers)
    low, high = {Truth.BETTER: (0.1, 0.4), Truth.EQUAL: (-0.03, 0.03), Truth.WORSE: (-0.4, -0.1)}[truth]
    assert low < gained < high


def test_a_customer_is_asked_about_without_the_label() -> None:
    for challenge in STORIES.values():
        customer = challenge.customers[0]
        assert "True." not in customer.row
        assert len(customer.row.split(",")) == 21
        assert customer.user in customer.row


def test_nobody_is_two_customers() -> None:
    challenge: Challenge = STORIES[Truth.BETTER]
    assert len({customer.user for customer in challenge.customers}) == len(challenge.customers)
