"""Whether what was counted is what a plain pass over the events says: exactly, in the decimals that DynamoDB holds."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest

from contender.measurements.counts import bucket_key
from contender.measurements.events import Event, Invocation
from tests.measurements.world import World, plainly


def agrees(world: World, events: Sequence[Event]) -> None:
    """Every counter of requests and rewards, and no bucket that should not be."""
    expected = plainly(events)
    experiments = {key[0] for key in expected}
    buckets = {experiment: world.buckets(experiment) for experiment in experiments}
    counted = {(experiment, *place) for experiment in experiments for place in buckets[experiment]}
    assert counted == {(experiment, variant, start) for experiment, variant, start, _ in expected}
    for (experiment, variant, start, judged), plain in expected.items():
        bucket = buckets[experiment][variant, start]
        counts = bucket.judged if judged else bucket.other
        assert (counts.n, counts.errors) == (plain.n, plain.errors)
        key = {"pk": {"S": experiment}, "sk": {"S": bucket_key(variant, start)}}
        item = world.dynamodb.get_item(TableName=world.experiments, Key=key, ConsistentRead=True)["Item"]

        def number(name: str, item: dict[str, dict[str, str]] = item, judged: bool = judged) -> Fraction:
            return Fraction(Decimal(item.get(name if judged else f"other_{name}", {"N": "0"})["N"]))

        assert number("expected_n") == plain.expected_n
        for name, conversions in plain.conversions.items():
            totals = [total for (_, of), total in plain.totals.items() if of == name]
            assert number(f"conversions:{name}") == conversions
            assert number(f"positive:{name}") == sum(total > 0 for total in totals)
            assert number(f"sum:{name}") == sum(totals)
            assert number(f"squares:{name}") == sum(total * total for total in totals)


def users_agree(world: World, events: Sequence[Event]) -> None:
    """Every user of the experiment is counted once, and expected once, whichever of its requests came first."""
    users = {event.user_id for event in events if isinstance(event, Invocation) and event.judged}
    counts = [counts.judged for counts in world.buckets().values()]
    assert sum(each.users for each in counts) == len(users)
    assert sum(each.expected_users for each in counts) == pytest.approx(len(users))
