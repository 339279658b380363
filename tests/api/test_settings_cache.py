"""Settings that are seconds old at most, and are not read while a request waits."""

from __future__ import annotations

from collections.abc import Callable

from botocore.exceptions import EndpointConnectionError

from contender.api.settings_cache import MAX_ENDPOINTS, MISSING_AGE_S, SettingsCache
from contender.measurements.settings import Settings


class World:
    """A table with a version of the settings, a clock, and threads that run when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.revision: int | None = 1
        self.up = True
        self.reads = 0
        self.threads: list[Callable[[], None]] = []
        self.cache = SettingsCache(self.load, 10.0, lambda: self.now, self.threads.append)

    def load(self, endpoint: str) -> Settings | None:
        self.reads += 1
        if not self.up:
            raise EndpointConnectionError(endpoint_url="https://dynamodb")
        return None if self.revision is None else Settings(endpoint, "e1", {"v1": 1.0}, revision=self.revision)

    def get(self, endpoint: str = "a") -> int | None:
        """The revision of what is used; None when nothing is."""
        settings = self.cache.get(endpoint).settings
        return settings.revision if settings else None

    def run_threads(self) -> None:
        while self.threads:
            self.threads.pop()()


def test_reads_once_and_then_no_more_while_young() -> None:
    world = World()
    assert [world.get() for _ in range(3)] == [1, 1, 1]
    assert (world.reads, world.threads) == (1, [])


def test_past_half_of_the_age_one_thread_reads_again() -> None:
    world = World()
    world.get()
    world.now, world.revision = world.now + 6, 2
    assert [world.get(), world.get()] == [1, 1]
    assert len(world.threads) == 1
    world.run_threads()
    assert world.get() == 2
    assert world.threads == []


def test_nothing_older_than_the_age_is_used() -> None:
    world = World()
    world.get()
    world.now, world.revision = world.now + 10.1, 2
    assert world.get() == 2


def test_a_thread_frozen_with_its_answer_does_not_make_it_young() -> None:
    """A Lambda sleeps between its requests, its threads with it."""
    world = World()
    world.get()
    world.now += 6

    def answer_then_sleep_an_hour(endpoint: str) -> Settings | None:
        old = world.load(endpoint)
        world.now, world.revision = world.now + 3600, 2
        return old

    world.cache._load = answer_then_sleep_an_hour
    world.get()
    world.run_threads()
    world.cache._load = world.load
    assert world.get() == 2


def test_a_clock_that_was_put_back_keeps_nothing_young() -> None:
    world = World()
    world.get()
    world.now, world.revision = world.now - 100, 2
    assert world.get() == 2


def test_what_was_read_serves_until_it_is_too_old_while_the_table_does_not_answer() -> None:
    world = World()
    world.get()
    world.up = False
    world.now += 9
    assert world.get() == 1
    world.run_threads()
    assert world.get() == 1
    world.now += 2
    assert world.get() is None
    assert not world.cache.get("a").reached


def test_requests_wait_once_for_a_table_that_does_not_answer() -> None:
    world = World()
    world.up = False
    assert world.get() is None
    for _ in range(50):
        reads = world.reads
        world.now += 1
        assert world.get() is None
        assert world.reads == reads, "a request waited"
        world.run_threads()
    world.up = True
    world.get()
    world.run_threads()
    assert world.get() == 1


def test_an_endpoint_that_is_new_is_soon_seen() -> None:
    world = World()
    world.revision = None
    assert world.get() is None
    assert world.cache.get("a").reached
    world.revision = 1
    world.now += MISSING_AGE_S + 0.1
    assert world.get() == 1


def test_made_up_names_do_not_fill_the_memory() -> None:
    world = World()
    for number in range(3 * MAX_ENDPOINTS):
        world.get(f"endpoint-{number}")
    assert len(world.cache._entries) <= MAX_ENDPOINTS


def test_as_many_endpoints_as_fit_stay_known_while_they_are_read_again() -> None:
    world = World()
    names = [f"endpoint-{number}" for number in range(MAX_ENDPOINTS)]
    for name in names:
        world.get(name)
    world.now += 6
    world.get(names[0])
    world.run_threads()
    reads = world.reads
    for name in names:
        world.get(name)
    assert world.reads == reads
