"""Names are made and read back exactly."""

from __future__ import annotations

import random

import pytest

from contender.errors import NamingError
from contender.naming import (
    MAX_ENDPOINT,
    Names,
    ObjectKey,
    Place,
    dimension_of_execution,
    object_key,
    parse_object_key,
    parse_variant,
    variant_name,
)

NAMES = Names("contender")


def random_name(rng: random.Random, first: str, inner: str, longest: int) -> str:
    return rng.choice(first) + "".join(rng.choice(inner) for _ in range(rng.randrange(longest)))


def random_places(seed: int, count: int) -> list[tuple[Names, str]]:
    """Projects, stages and dimensions that are as alike as the rules allow: few letters, many hyphens."""
    rng = random.Random(seed)
    places = []
    while len(places) < count:
        project = random_name(rng, "ab", "ab1", 3)
        stage = rng.choice(["", random_name(rng, "ab", "ab1", 3)])
        dimension = random_name(rng, "abA1v", "abA1v--", rng.choice([1, 3, 8, 40])).rstrip("-")
        names = Names(project, stage)
        prefix = len(project) + (len(stage) + 3 if stage else 1)
        if prefix + len(dimension) <= MAX_ENDPOINT and len(dimension) <= 40:
            places.append((names, dimension))
    return places


def test_reads_back_every_stage_and_dimension_and_never_another() -> None:
    """Ten thousand names: each is parsed into what it was made of, so no two places ever share one."""
    made: dict[str, tuple[Names, str]] = {}
    for names, dimension in random_places(seed=4, count=10_000):
        endpoint = names.endpoint(dimension)
        assert made.setdefault(endpoint, (names, dimension)) == (names, dimension)
        assert names.place_of(endpoint) == Place(names.stage, dimension)
        assert names.dimension_of(endpoint) == dimension
        assert names.endpoint_of_model(names.model(dimension, 3)) == names.endpoint(dimension)
        assert names.endpoint_of_config(names.config(dimension, ["a"])) == names.endpoint(dimension)
        assert len(names.model(dimension, 999_999_999)) <= 63
        assert names.dimension_of_group(names.group(dimension)) == dimension
    assert len(made) > 5_000


def test_a_stage_does_not_see_what_belongs_to_another() -> None:
    dev, prod = NAMES.at("dev"), NAMES
    assert dev.endpoint("SM-1") == "contender--dev-SM-1"
    assert (dev.dimension_of("contender-SM-1"), prod.dimension_of("contender--dev-SM-1")) == (None, None)
    assert prod.dimension_of("contender-dev-SM-1") == "dev-SM-1"
    for stage in (dev, prod):
        assert dev.endpoint_of_model(stage.model("SM-1", 1)) == stage.endpoint("SM-1")
        assert prod.endpoint_of_config(stage.config("SM-1", ["a"])) == stage.endpoint("SM-1")
    assert NAMES.place_of("contender--dev-SM-1") == Place("dev", "SM-1")
    for other in ("contender--SM-1", "contender--dev", "contender---dev-SM-1", "contender--dev--SM-1", "contenders-A"):
        assert NAMES.place_of(other) is None


def test_all_stages_share_a_dimensions_versions_and_candidates() -> None:
    assert NAMES.at("dev").group("SM-1") == NAMES.group("SM-1") == "contender-SM-1"
    assert NAMES.at("dev").candidate("SM-1", ["a"]) == NAMES.candidate("SM-1", ["a"])


@pytest.mark.parametrize("stage", ["1a", "Dev", "a-b", "a" * 11, "dev\n"])
def test_refuses_what_cannot_be_a_stage(stage: str) -> None:
    with pytest.raises(NamingError, match=r"stage .* cannot be a name: use 1 to 10"):
        NAMES.at(stage)


def test_says_how_long_a_dimension_may_be_in_a_stage() -> None:
    assert NAMES.at("staging").endpoint("x" * 33)
    with pytest.raises(NamingError, match=r"too long for project 'contender' in stage 'staging': use at most 33"):
        NAMES.at("staging").endpoint("x" * 34)


@pytest.mark.parametrize("dimension", ["A", "SM-1", "SM-10", "a--b", "v2", "SM-1-v2", "SM-1-0123abcdef", "x" * 40])
def test_reads_back_every_name_it_makes(dimension: str) -> None:
    execution = {"PipelineExecutionDisplayName": NAMES.execution(dimension, "0123456789abcdef")}
    assert dimension_of_execution(execution) == dimension
    assert NAMES.dimension_of(NAMES.endpoint(dimension)) == dimension
    assert NAMES.endpoint_of_model(NAMES.model(dimension, 12)) == NAMES.endpoint(dimension)
    assert NAMES.dimension_of_candidate(NAMES.candidate(dimension, ["a", "b"])) == dimension
    assert NAMES.dimension_of_candidate(NAMES.model(dimension, 12)) is None
    assert NAMES.endpoint_of_config(NAMES.config(dimension, ["a", "b"])) == NAMES.endpoint(dimension)
    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:model-package/{NAMES.group(dimension)}/7"
    assert NAMES.version_of_package(dimension, arn) == 7
    assert NAMES.package_of(arn) == NAMES.at("dev").package_of(arn) == (dimension, 7)
    assert parse_object_key("data/", object_key("data/", dimension, "a b.csv")) == ObjectKey(dimension, "a b.csv")


@pytest.mark.parametrize("dimension", ["", "-a", "a-", "a_b", "a/b", "ä", "x" * 41, "a" + "-" * 40 + "b", "a\n"])
def test_refuses_what_cannot_be_a_dimension(dimension: str) -> None:
    with pytest.raises(NamingError, match="cannot be a name"):
        NAMES.endpoint(dimension)
    assert NAMES.dimension_of(f"contender-{dimension}") is None


@pytest.mark.parametrize("project", ["", "1a", "A", "a-b", "a" * 21])
def test_refuses_what_cannot_be_a_project(project: str) -> None:
    with pytest.raises(NamingError, match="project"):
        Names(project)


def test_every_name_fits_into_what_sagemaker_allows() -> None:
    longest = "x" * 40
    assert len(NAMES.config(longest, [])) <= 63
    assert len(NAMES.model(longest, 999_999_999)) <= 63
    assert len(NAMES.candidate(longest, [])) <= 63
    assert len(NAMES.execution(longest, "f" * 64)) <= 82
    with pytest.raises(NamingError, match="use at most 31 characters"):
        Names("p" * 20).endpoint(longest)


def test_a_dimension_does_not_see_what_belongs_to_its_neighbours() -> None:
    for other in ("SM-10", "SM-1-v2", "SM-1-0123abcdef", "SM", "xSM-1"):
        assert NAMES.endpoint_of_model(NAMES.model(other, 3)) != NAMES.endpoint("SM-1")
        assert NAMES.endpoint_of_model(NAMES.candidate("SM-1", [other])) is None
        assert NAMES.dimension_of_candidate(NAMES.candidate(other, [])) == other
        assert NAMES.endpoint_of_config(NAMES.config(other, ["a"])) != NAMES.endpoint("SM-1")
        with pytest.raises(NamingError, match="no version of group"):
            NAMES.version_of_package(
                "SM-1", f"arn:aws:sagemaker:eu-west-1:123456789012:model-package/{NAMES.group(other)}/1"
            )
    assert NAMES.endpoint_of_model("contender-SM-1") is None
    assert NAMES.dimension_of("contenders-SM-1") is None
    assert NAMES.dimension_of("contender") is None
    with pytest.raises(NamingError, match="none of project"):
        NAMES.package_of("arn:aws:sagemaker:eu-west-1:123456789012:model-package/contenders-SM-1/1")


def test_a_config_is_named_by_its_content() -> None:
    assert NAMES.config("A", ["v1 1.0"]) == NAMES.config("A", ["v1 1.0"])
    assert NAMES.config("A", ["v1 1.0"]) != NAMES.config("A", ["v1 0.9", "v2 0.1"])


@pytest.mark.parametrize("name", ["v0", "v01", "v", "V1", "v1x", "1", "v-1", "v1\n"])
def test_other_variants_are_no_versions(name: str) -> None:
    assert parse_variant(name) is None
    assert parse_variant(variant_name(10)) == 10


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("other/A/x.csv", "not under 'data/'"),
        ("data/x.csv", "not of the form"),
        ("data/A/b/x.csv", "not of the form"),
        ("data/A/", "names no .csv file"),
        ("data/A/.csv", "names no .csv file"),
        ("data/A/x.CSV", "names no .csv file"),
        ("data/A/x.parquet", "names no .csv file"),
        ("data/A/march (1).csv", "cannot be recorded"),
        (f"data/A/{'x' * 100}.csv", "up to 100"),
        ("data//x.csv", "cannot be a name"),
        ("data/a_b/x.csv", "cannot be a name"),
        ("data/A%20B/x.csv", "cannot be a name"),
    ],
)
def test_says_what_is_wrong_with_a_key(key: str, says: str) -> None:
    with pytest.raises(NamingError, match=says):
        parse_object_key("data/", key)


def test_takes_keys_as_they_are_written() -> None:
    assert parse_object_key("data/", "data/A/a+b @41.csv").file == "a+b @41.csv"


@pytest.mark.parametrize("name", ["", "A", "A-1", "nightly-retrain", "-01234567", "a_b-01234567", "A-0123456x"])
def test_an_execution_that_somebody_else_named_is_of_no_dimension(name: str) -> None:
    assert dimension_of_execution({"PipelineExecutionDisplayName": name}) is None
    assert dimension_of_execution({}) is None
