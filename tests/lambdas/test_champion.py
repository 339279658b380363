"""The pipeline learns which version to beat."""

from __future__ import annotations

from contender.lambdas import champion
from tests.lambdas.world import NAMES, World

EVENT = {"Dimension": "A", "ChallengerModelUri": "s3://artifacts/new/model.tar.gz"}


def test_before_the_first_champion_the_challenger_stands_in() -> None:
    world = World()
    expected = {"ChampionVersion": "0", "ChampionModelUri": "s3://artifacts/new/model.tar.gz"}
    assert champion.answer(world.sagemaker, NAMES, EVENT) == expected
    world.register()
    assert champion.answer(world.sagemaker, NAMES, EVENT) == expected


def test_names_the_champion_and_its_artifact() -> None:
    world = World()
    world.roll_out()
    world.roll_out()
    assert champion.answer(world.sagemaker, NAMES, EVENT) == {
        "ChampionVersion": "1",
        "ChampionModelUri": "s3://artifacts/contender-A/1/model.tar.gz",
    }
