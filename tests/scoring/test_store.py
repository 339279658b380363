"""The table of predictions: the newest upload first, and no state over one that somebody else has set."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from contender.scoring.file import File, State
from contender.scoring.source import Source
from contender.scoring.store import Overtaken, Store
from tests.scoring.fakes import Calls, FakeTable
from tests.scoring.world import NOW

FILE = File("D", "march.csv", "a", Source("bucket", "inference/D/march.csv", "1"), 10, NOW, 1000)


@pytest.fixture
def store() -> Store:
    return Store(FakeTable(Calls()), "predictions")


def test_the_newest_upload_comes_first(store: Store) -> None:
    for upload, hours in (("b", 1), ("a", 3), ("c", 2)):
        store.begin(replace(FILE, upload=upload, began=NOW + timedelta(hours=hours)))
    assert [file.upload for file in store.files("D", "march.csv")] == ["a", "c", "b"]


def test_a_state_that_somebody_else_has_set_stays(store: Store) -> None:
    file = store.begin(FILE)
    store.change(file, state=State.SCORING, rows=3)
    with pytest.raises(Overtaken, match=r"file 'march\.csv' of dimension 'D' was begun and is not"):
        store.change(file, state=State.REFUSED)
    assert store.change(file, sent=True).state is State.SCORING
