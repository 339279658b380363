"""The pipeline learns which version to beat."""

from __future__ import annotations

import pytest

from contender.errors import NotFoundError
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


def test_batch_scoring_learns_who_scores_and_whom_to_compare_with() -> None:
    world = World()
    world.roll_out()
    alone = {
        "ChampionVersion": "1",
        "ChampionModelName": "contender-A-v1",
        "ChampionModelUri": "s3://artifacts/contender-A/1/model.tar.gz",
        "ChallengerVersion": "0",
        "ChallengerModelName": "contender-A-v1",
        "ChallengerModelUri": "s3://artifacts/contender-A/1/model.tar.gz",
    }
    asked = {"Dimension": "A", "SideBySide": True}
    assert champion.answer(world.sagemaker, NAMES, asked) == alone
    world.roll_out()
    world.register()
    assert champion.answer(world.sagemaker, NAMES, {**asked, "SideBySide": "False"}) == alone
    beside = champion.answer(world.sagemaker, NAMES, {**asked, "SideBySide": "true"})
    assert (beside["ChallengerVersion"], beside["ChallengerModelName"]) == ("2", "contender-A-v2")
    assert beside["ChallengerModelUri"] == "s3://artifacts/contender-A/2/model.tar.gz"


def test_without_a_champion_nothing_can_be_scored() -> None:
    world = World()
    world.register()
    with pytest.raises(NotFoundError, match="dimension 'A' has no champion to score with"):
        champion.answer(world.sagemaker, NAMES, {"Dimension": "A", "SideBySide": False})
