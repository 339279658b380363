"""Each event is counted once, for the variant that served, whatever arrives when and how often."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contender.measurements.counting import MAX_NAMES
from contender.measurements.counts import RewardCounts, bucket_key, bucket_start, parse_bucket_key, to_number
from contender.measurements.events import Event
from contender.measurements.recorder import TRIES, Contended
from contender.measurements.remembered import REMEMBERED_FOR, request_key
from tests.measurements.agreement import agrees, users_agree
from tests.measurements.dynamodb import canceled
from tests.measurements.histories import deliveries, history
from tests.measurements.world import EVENTS, EXPERIMENTS, NOW, SHARES, Plain, World, plainly


class Killed(BaseException):
    """The function is gone: no handler of ours sees this."""


def test_a_request_counts_for_its_variant_and_bucket() -> None:
    world = World()
    assert world.count(world.request("a", "v2")) == {"counted": 1}
    ((variant, start),) = [key for key, counts in world.buckets().items() if counts.judged.n]
    assert (variant, start) == ("v2", NOW - timedelta(minutes=5))
    counts = world.total("v2").judged
    assert (counts.n, counts.users, counts.errors) == (1, 1, 0)
    assert sum(counts.latencies.values()) == 1


def test_the_shares_say_what_every_variant_was_to_expect() -> None:
    world = World()
    world.count(*(world.request(str(number), "v1", user_id="one" if number < 4 else "two") for number in range(5)))
    assert world.total("v1").judged.expected_n == pytest.approx(4.5)
    assert world.total("v2").judged.expected_n == pytest.approx(0.5)
    assert world.total("v1").judged.expected_users == pytest.approx(1.8)
    assert world.total("v2").judged.expected_users == pytest.approx(0.2)
    assert world.total("v1").judged.users == 2


def test_a_user_counts_again_in_the_next_experiment() -> None:
    world = World()
    world.publish(number=2, revision=2)
    second = f"{world.endpoint}-e2"
    world.count(world.request("a", user_id="one"), world.request("b", user_id="one", experiment=second))
    assert world.total("v1").judged.users == 1
    assert world.total("v1", second).judged.users == 1


def test_a_failed_request_counts_as_error_of_the_variant_that_was_to_serve_and_not_as_fast() -> None:
    world = World()
    world.count(world.request("a", "v2", endpoint_variant=None, status=424, error="it failed", latency_ms=1.0))
    counts = world.total("v2").judged
    assert (counts.n, counts.errors, counts.latencies) == (1, 1, {})


@pytest.mark.parametrize("strategy", ["Manual", "Fallback"])
def test_a_request_that_nobody_assigned_is_counted_apart(strategy: str) -> None:
    world = World()
    world.count(world.request("a", "v2", strategy=strategy, shares=None, experiment=None), world.reward("a", 3.0))
    counts = world.total("v2")
    assert (counts.judged.n, counts.judged.users, counts.judged.rewards) == (0, 0, {})
    assert counts.other.n == 1
    assert counts.other.reward() == RewardCounts(1, 1, 3.0, 9.0)


def test_a_reward_counts_for_who_served_though_shares_and_experiment_changed_since() -> None:
    world = World()
    world.count(world.request("a", "v2"))
    world.publish(number=2, shares={"v3": 1.0}, revision=9)
    assert world.count(world.reward("a", 2.0)) == {"credited": 1}
    assert world.total("v2").judged.reward() == RewardCounts(1, 1, 2.0, 4.0)
    assert world.buckets(f"{world.endpoint}-e2") == {}


def test_rewards_of_a_request_are_one_total_by_name() -> None:
    world = World()
    rewards = [world.reward("a", value, f"reward-{value}") for value in (1.0, 2.5, -4.0)]
    clicks = world.reward("a", 1.0, "click", name="clicks")
    world.count(world.request("a"), *rewards[:2], clicks)
    assert world.total("v1").judged.reward() == RewardCounts(2, 1, 3.5, 12.25)
    world.count(rewards[2])
    assert world.total("v1").judged.reward() == RewardCounts(3, 0, -0.5, 0.25)
    assert world.total("v1").judged.reward("clicks") == RewardCounts(1, 1, 1.0, 1.0)


def test_a_reward_before_its_request_waits_and_counts_with_it() -> None:
    world = World()
    assert world.count(world.reward("a", 2.0, "one"), world.reward("a", 1.0, "two")) == {"waiting": 2}
    assert world.store.waiting_rewards(world.endpoint) == 2
    assert world.count(world.reward("a", 2.0, "one")) == {"duplicate": 1}
    assert world.count(world.request("a")) == {"counted": 1}
    assert world.store.waiting_rewards(world.endpoint) == 0
    assert world.total("v1").judged.reward() == RewardCounts(2, 1, 3.0, 9.0)


def test_a_reward_whose_request_never_comes_stays_counted_as_waiting() -> None:
    world = World()
    world.count(world.reward("nobody"), world.request("a"))
    world.dynamodb.tables[EVENTS].pop(("request#contender-SM-1#nobody",))  # DynamoDB lets it lapse
    assert world.store.waiting_rewards(world.endpoint) == 1
    assert world.total("v1").judged.rewards == {}


def test_what_is_delivered_again_is_counted_once() -> None:
    world = World()
    events: list[Event] = [world.request("a"), world.reward("a"), world.request("b", "v2"), world.reward("b", 0.0)]
    assert world.count(*events) == {"counted": 2, "credited": 2}
    assert world.count(*events, *events) == {"duplicate": 8}
    agrees(world, events)


def test_the_first_of_two_requests_with_one_inference_id_counts() -> None:
    world = World()
    again = world.request("a", "v2", event_id="another", user_id="somebody else")
    assert world.count(world.request("a", "v1"), again) == {"counted": 1, "repeated_inference_id": 1}
    assert world.count(again, world.reward("a")) == {"repeated_inference_id": 1, "credited": 1}
    assert world.total("v1").judged.reward().positive == 1
    assert world.total("v2").judged.n == 0


def test_one_inference_id_on_two_endpoints_is_two_requests() -> None:
    world = World()
    other = World(world.dynamodb, "contender-SM-10")
    world.count(world.request("a"), other.request("a", "v2", event_id="other"), other.reward("a"))
    assert world.total("v1").judged.n == other.total("v2").judged.n == 1
    assert world.total("v1").judged.rewards == {}
    assert other.total("v2").judged.reward().positive == 1


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda world: world.request("a", endpoint_name="contender-SM-2"), "unknown_endpoint"),
        (lambda world: world.reward("a", endpoint_name="contender-SM-2"), "unknown_endpoint"),
        (lambda world: world.request("a", experiment="contender-SM-1-e2"), "unknown_experiment"),
        (lambda world: world.request("a", experiment="contender-SM-10-e1"), "unknown_experiment"),
        (lambda world: world.request("a", experiment="contender-SM-1"), "unknown_experiment"),
        (
            lambda world: world.request("a", "v9", strategy="Manual", endpoint_variant=None, status=400),
            "unknown_variant",
        ),
        (lambda world: world.request("a", at=world.now - timedelta(days=36)), "too_old"),
        (lambda world: world.reward("a", at=world.now - timedelta(days=36)), "too_old"),
        (lambda world: world.request("a", at=world.now + timedelta(days=2)), "from_the_future"),
    ],
)
def test_what_belongs_to_nothing_here_is_refused_and_the_rest_counts(make: Callable[[World], Event], code: str) -> None:
    world = World()
    assert world.count(make(world), world.request("b"), world.reward("b")) == {code: 1, "counted": 1, "credited": 1}
    assert world.total("v1").judged.n == 1


def test_an_experiment_that_began_while_the_file_is_read_is_known() -> None:
    world = World()

    def events() -> list[Event]:
        return [world.request("a"), world.request("b", experiment=f"{world.endpoint}-e2")]

    def begin(operation: str) -> None:
        if operation == "transact_write_items":
            world.dynamodb.before = lambda operation: None
            world.publish(number=2, revision=2)

    world.dynamodb.before = begin
    first, second = events()
    padding = [world.request(f"p{number}", "v2") for number in range(60)]
    assert world.count(first, *padding, second) == {"counted": 62}
    assert world.total("v1", f"{world.endpoint}-e2").judged.n == 1


@pytest.mark.parametrize("request_first", [True, False])
def test_a_request_is_remembered_from_its_own_time(request_first: bool) -> None:
    world = World()
    late = [world.request("a", at=NOW - timedelta(days=30)), world.reward("a", at=NOW)]
    for event in late if request_first else reversed(late):
        world.count(event)
    item = world.dynamodb.tables[EVENTS][request_key(world.endpoint, "a"),]
    assert int(item["expires"]["N"]) == (NOW - timedelta(days=30) + REMEMBERED_FOR).timestamp()
    assert world.total("v1").judged.reward().conversions == 1


def test_an_endpoint_has_rewards_of_a_limited_number_of_names() -> None:
    """Somebody puts an id into the name: the buckets stay small, and everything else is counted on."""
    world = World()
    requests = [world.request(str(number)) for number in range(200)]
    rewards = [world.reward(str(number), 1.0, name=f"order-{number}") for number in range(200)]
    first = world.count(*requests[:100], *rewards[:100])
    assert first == {"counted": 100, "credited": MAX_NAMES, "too_many_reward_names": 100 - MAX_NAMES}
    assert world.count(*requests[100:], *rewards[100:]) == {"counted": 100, "too_many_reward_names": 100}
    assert world.count(world.reward("7", 1.0, "again", name="order-8")) == {"credited": 1}
    assert len(world.store.reward_names(world.endpoint)) == MAX_NAMES
    assert set(world.total("v1").judged.rewards) == world.store.reward_names(world.endpoint)


def test_a_reward_that_waits_for_its_request_has_its_name_already() -> None:
    world = World()
    rewards = [world.reward("a", 1.0, f"reward-{number}", name=f"n{number}") for number in range(MAX_NAMES + 1)]
    assert world.count(*rewards) == {"waiting": MAX_NAMES, "too_many_reward_names": 1}
    assert world.count(world.request("a")) == {"counted": 1}
    assert len(world.total("v1").judged.rewards) == MAX_NAMES


def test_names_of_rewards_are_asked_for_once_while_they_are_known() -> None:
    world = World()
    events = [world.request(str(number)) for number in range(200)]
    events += [world.reward(str(number)) for number in range(200)]
    world.dynamodb.calls.clear()
    world.count(*events)
    assert world.dynamodb.calls.count("get_item") <= 3


def test_a_request_cannot_earn_more_than_a_reward_may_be() -> None:
    world = World()
    amounts = (9e8, 9e8, -9e8, -9e8, -9e8, 9e8)
    rewards = [world.reward("a", amount, str(number)) for number, amount in enumerate(amounts)]
    outcome = world.count(world.request("a"), *rewards)
    assert outcome == {"counted": 1, "credited": 4, "reward_too_large": 2}
    assert world.total("v1").judged.reward() == RewardCounts(4, 0, 0.0, 0.0)


def test_squares_of_large_and_small_rewards_add_up_exactly() -> None:
    world = World()
    events: list[Event] = []
    for number, value in enumerate((999_999_999.999999, 0.000001, -123_456_789.654321, 1.1)):
        events += [world.request(str(number)), world.reward(str(number), value)]
    world.count(*events)
    agrees(world, events)


@pytest.mark.parametrize("seed", range(30))
def test_any_order_any_number_of_deliveries_and_kills_anywhere_end_in_the_same_counts(seed: int) -> None:
    """A file is delivered until it was counted without being killed; several files, shuffled, some twice."""
    draw = random.Random(seed)
    world = World()
    events = history(world, draw, 120)

    def perhaps_die(operation: str) -> None:
        if draw.random() < 0.15:
            raise Killed

    world.dynamodb.before = world.dynamodb.after = perhaps_die
    for file in deliveries(events, draw):
        while True:
            try:
                world.count(*file)
                break
            except Killed:
                pass
    world.dynamodb.before = world.dynamodb.after = lambda operation: None
    agrees(world, events)
    users_agree(world, events)
    requests = {event.inference_id for event in events if hasattr(event, "strategy")}
    orphans = {event.event_id for event in events if event.inference_id not in requests}
    assert world.store.waiting_rewards(world.endpoint) == len(orphans)


@pytest.mark.parametrize("seed", range(10))
def test_two_that_count_the_same_file_at_once_count_it_once(seed: int) -> None:
    """Another function counts some of the events between this one's reading and writing."""
    draw = random.Random(seed)
    world = World()
    events = history(world, draw, 80)
    within = False

    def interleave(operation: str) -> None:
        nonlocal within
        if operation == "transact_write_items" and not within and draw.random() < 0.5:
            within = True
            world.count(*draw.sample(events, 10))
            within = False

    world.dynamodb.before = interleave
    world.count(*events)
    world.dynamodb.before = lambda operation: None
    agrees(world, events)
    assert world.pauses


def test_rewards_of_one_request_counted_at_the_same_time_are_one_total() -> None:
    """Between reading the request and writing it, another function counts another reward of it."""
    world = World()
    world.count(world.request("a"))

    def interleave(operation: str) -> None:
        if operation == "transact_write_items":
            world.dynamodb.before = lambda operation: None
            world.count(world.reward("a", 3.0, "meanwhile"))

    world.dynamodb.before = interleave
    assert world.count(world.reward("a", 2.0, "one")) == {"credited": 1}
    assert world.total("v1").judged.reward() == RewardCounts(2, 1, 5.0, 25.0)


def test_a_request_reported_while_its_reward_is_counted_gets_it() -> None:
    world = World()

    def interleave(operation: str) -> None:
        if operation == "transact_write_items":
            world.dynamodb.before = lambda operation: None
            world.count(world.request("a"))

    world.dynamodb.before = interleave
    assert world.count(world.reward("a", 2.0)) == {"credited": 1}
    assert world.store.waiting_rewards(world.endpoint) == 0
    assert world.total("v1").judged.reward() == RewardCounts(1, 1, 2.0, 4.0)


def test_a_busy_table_is_asked_again_and_given_up_after_some_tries() -> None:
    world = World()
    busy = 3

    def refuse(operation: str) -> None:
        nonlocal busy
        if operation == "transact_write_items" and busy:
            busy -= 1
            raise canceled({"Code": "None"}, {"Code": "TransactionConflict"}, {"Code": "ThrottlingError"})

    world.dynamodb.before = refuse
    assert world.count(world.request("a")) == {"counted": 1}
    assert world.pauses == [1, 2, 3]
    busy = 1000
    with pytest.raises(Contended):
        world.count(world.request("b"))
    assert world.total("v1").judged.n == 1
    assert len(world.pauses) == 3 + TRIES


def test_what_is_both_overtaken_and_never_taken_is_not_tried_on_and_on() -> None:
    world = World()

    def refuse(operation: str) -> None:
        if operation == "transact_write_items":
            raise canceled({"Code": "TransactionConflict"}, {"Code": "ValidationError"})

    world.dynamodb.before = refuse
    assert world.count(world.request("a")) == {"unwritable": 1}
    assert world.pauses == []


def test_keys_that_dynamodb_left_out_are_read_again() -> None:
    world = World()
    world.count(world.request("a"), world.reward("a"))
    world.dynamodb.page = 1
    assert world.count(world.request("a"), world.reward("a"), world.request("b")) == {"duplicate": 2, "counted": 1}


def test_an_event_that_dynamodb_never_takes_does_not_stop_the_others() -> None:
    world = World()
    place = world.experiment, bucket_key("v2", bucket_start(NOW - timedelta(minutes=5), 60))
    full = {"pk": {"S": place[0]}, "sk": {"S": place[1]}, "squares:reward": {"N": "9" * 38}}
    world.dynamodb.tables[EXPERIMENTS][place] = full
    events = [event for name in "abc" for event in (world.request(name), world.reward(name))]
    events[2:2] = [world.request("x", "v2"), world.reward("x", 0.5)]
    assert world.count(*events) == {"counted": 4, "credited": 3, "unwritable": 1}
    assert world.total("v1").judged.n == 3


def test_an_error_that_says_nothing_about_the_event_is_passed_on() -> None:
    world = World()

    def deny(operation: str) -> None:
        if operation == "transact_write_items":
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, operation)

    world.dynamodb.before = deny
    with pytest.raises(ClientError, match="AccessDenied"):
        world.count(world.request("a"))


def test_events_of_many_endpoints_fit_into_transactions() -> None:
    """Ten variants each on forty endpoints: far more counters than one transaction takes."""
    first = World()
    shares = {f"v{number}": 0.1 for number in range(1, 11)}
    worlds = [World(first.dynamodb, f"contender-D{number}") for number in range(40)]
    events = [world.request("a", "v3", shares=shares, event_id=world.endpoint) for world in worlds]
    assert first.count(*events) == {"counted": 40}
    assert all(world.total("v3").judged.n == 1 for world in worlds)
    assert all(world.total("v7").judged.expected_n == pytest.approx(0.1) for world in worlds)


def test_markers_lapse_only_after_their_events_are_refused() -> None:
    """Else a file that is delivered once more after weeks would be counted twice."""
    world = World()
    world.count(world.request("a"), world.reward("a"))
    for (key,), item in world.dynamodb.tables[EVENTS].items():
        at = NOW - timedelta(minutes=1 if key.startswith("reward") else 5)
        refused_from = at + timedelta(days=35)
        assert int(item["expires"]["N"]) > refused_from.timestamp()


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("n", 3, "3"),
        ("sum:reward", -1_500_000, "-1.5"),
        ("sum:reward", 1, "0.000001"),
        ("other_sum:reward", 2_000_000, "2"),
        ("squares:reward", 10**30, "1000000000000000000"),
        ("squares:x", 1, "0.000000000001"),
        ("expected_users", 900_000, "0.9"),
        ("other_n", 10, "10"),
        ("lat_10", 20, "20"),
    ],
)
def test_whole_numbers_become_the_decimals_they_stand_for(name: str, value: int, text: str) -> None:
    assert to_number(name, value) == text


def test_a_bucket_key_reads_back() -> None:
    start = bucket_start(NOW + timedelta(seconds=59.9), 60)
    assert start == NOW
    assert parse_bucket_key(bucket_key("v12", start)) == ("v12", NOW)


def test_counts_add_up_over_buckets() -> None:
    world = World()
    world.count(world.request("a"), world.request("b", at=NOW - timedelta(hours=2)), world.reward("b", 2.0))
    assert len([counts for counts in world.buckets().values() if counts.judged.n]) == 2
    assert world.total("v1").judged.n == 2
    assert world.total("v1").judged.reward() == RewardCounts(1, 1, 2.0, 4.0)


def test_the_reference_itself_counts_plainly() -> None:
    world = World()
    events: list[Any] = [world.request("a"), world.reward("a", 2.0), world.request("a")]
    (plain,) = [plain for key, plain in plainly(events).items() if key[1] == "v1"]
    assert plain == Plain(1, 0, Fraction(9, 10), {("a", "reward"): Fraction(2)}, {"reward": 1})
    assert sum(SHARES.values()) == 1
