"""Which questions a dimension's experiments have asked, told from its decisions."""

from __future__ import annotations

from contender.rollout.observation import Verb
from contender.studio.reading.questions import chosen, questions
from tests.rollout.dimension import Dimension, a_spec, ramping


def asked(dimension: Dimension) -> list[tuple[int, int, int]]:
    found = questions(dimension.state, dimension.entries[::-1])
    return [(each.experiment, each.version, each.champion) for each in found]


def promoted_twice() -> Dimension:
    dimension = ramping(a_spec(bake_s=0.0))
    dimension.ask(Verb.PROMOTE, 2)
    dimension.ticks(4)
    dimension.versions = [1, 2, 3]
    dimension.ticks(4)
    return dimension


def test_a_question_keeps_the_champion_it_was_asked_of() -> None:
    dimension = promoted_twice()
    assert dimension.state.champion == 2
    (newest, _, against), (oldest, version, champion) = asked(dimension)
    assert (oldest, version, champion) == (1, 2, 1)
    assert (newest > oldest, against) == (True, 2)


def test_the_newest_under_way_is_shown_unless_somebody_chooses() -> None:
    dimension = promoted_twice()
    found = questions(dimension.state, dimension.entries[::-1])
    newest = chosen(found, dimension.state)
    assert newest is not None
    assert (newest.version, newest.state) == (3, dimension.state)
    older = chosen(found, dimension.state, experiment=1)
    assert older is not None
    assert (older.version, older.champion) == (2, 1)
    assert chosen(found, dimension.state, version=9) is None


def test_of_several_challengers_the_last_one_stays_the_question_when_all_have_left() -> None:
    dimension = ramping(a_spec(max_challengers=2), versions=3)
    dimension.ticks(3)
    assert [version for _, version, _ in asked(dimension)] == [3, 2]
    for version in (3, 2):
        dimension.ask(Verb.ROLLBACK, version)
    dimension.ticks(3)
    assert not dimension.state.active
    last = chosen(questions(dimension.state, dimension.entries[::-1]), dimension.state)
    assert last is not None
    assert last.version == 3


def test_a_dimension_without_challengers_has_asked_nothing() -> None:
    dimension = Dimension(a_spec())
    dimension.ticks(3)
    assert asked(dimension) == []
    assert chosen((), None) is None
