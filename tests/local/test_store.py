"""Documents in SQLite: transactions, pages, and what is left after a process is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contender.local.store import AlreadyExists, Filter, Missing, Store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "state.sqlite")
    yield store
    store.close()


def test_a_document_comes_back_as_it_went_in(store: Store) -> None:
    body = {"Name": "a", "When": NOON, "Nested": [{"Deep": NOON, "Number": 1.5, "Text": "ü"}]}
    store.insert("model", "a", body, now=NOON)
    assert store.get("model", "a") == body


def test_a_name_is_taken_once_per_kind(store: Store) -> None:
    store.insert("model", "a", {}, now=NOON)
    store.insert("endpoint", "a", {}, now=NOON)
    with pytest.raises(AlreadyExists):
        store.insert("model", "a", {}, now=NOON)


def test_update_merges_and_none_removes(store: Store) -> None:
    store.insert("job", "a", {"Status": "InProgress", "Reason": "x"}, now=NOON, status="InProgress")
    assert store.update("job", "a", {"Status": "Done", "Reason": None}, now=NOON, status="Done") == {"Status": "Done"}
    assert store.page("job", Filter(status="Done")) == [{"Status": "Done"}]
    assert store.page("job", Filter(status="InProgress")) == []


def test_what_is_missing_says_so(store: Store) -> None:
    assert store.find("model", "a") is None
    for attempt in (
        lambda: store.get("model", "a"),
        lambda: store.delete("model", "a"),
        lambda: store.update("model", "a", {}, now=NOON),
    ):
        with pytest.raises(Missing, match="model a"):
            attempt()


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def half() -> None:
        with store.transaction():
            store.insert("model", "a", {}, now=NOON)
            store.next_number("versions")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert store.find("model", "a") is None
    assert store.next_number("versions") == 1


def test_a_page_filters_and_sorts(store: Store) -> None:
    for index, name in enumerate(("Beta", "alpha", "gamma")):
        store.insert("job", name, {"Name": name}, now=NOON + timedelta(hours=index), parent="p" if index else "")
    assert [d["Name"] for d in store.page("job", sort="name")] == ["Beta", "alpha", "gamma"]
    assert [d["Name"] for d in store.page("job", descending=True)] == ["gamma", "alpha", "Beta"]
    assert [d["Name"] for d in store.page("job", Filter(parent="p"))] == ["alpha", "gamma"]
    assert [d["Name"] for d in store.page("job", Filter(name_contains="ETA"))] == ["Beta"]
    assert [d["Name"] for d in store.page("job", Filter(created_after=NOON + timedelta(minutes=1)))] == [
        "alpha",
        "gamma",
    ]
    assert [d["Name"] for d in store.page("job", limit=1)] == ["Beta"]
    assert store.count("job", Filter(parent="p")) == 2


def test_a_walk_goes_on_where_it_stopped_whatever_came_or_went(store: Store) -> None:
    for name in "bdfh":
        store.insert("job", name, {"Name": name}, now=NOON)

    def walk(after: tuple[float | str, str] | None) -> list[str]:
        found = store.walk("job", Filter(), sort="created", descending=True, after=after, batch=2)
        return [document["Name"] for _, document in found]

    assert walk(None) == ["h", "f", "d", "b"]
    store.insert("job", "g", {"Name": "g"}, now=NOON)
    store.delete("job", "d")
    assert walk((NOON.timestamp(), "f")) == ["b"]


def test_numbers_are_never_given_twice(store: Store) -> None:
    given: list[int] = []

    def take() -> None:
        for _ in range(50):
            given.append(store.next_number("versions"))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == list(range(1, 201))


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """A process writes and says so; it is killed in the middle of writing; everything it said is there."""
    script = f"""
import itertools
from datetime import UTC, datetime
from pathlib import Path
from contender.local.store import Store
store = Store(Path({str(tmp_path / "state.sqlite")!r}))
for number in itertools.count():
    store.insert("job", str(number), {{"n": number}}, now=datetime.now(UTC))
    print(number, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [int(next(process.stdout)) for _ in range(200)]
        process.send_signal(signal.SIGKILL)
        said += [int(line) for line in process.stdout if line.endswith("\n")]
    store = Store(tmp_path / "state.sqlite")
    assert all(store.find("job", str(number)) == {"n": number} for number in said)
    store.close()
