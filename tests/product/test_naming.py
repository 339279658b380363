"""Names are made and read back exactly."""

from __future__ import annotations

import pytest

from contender.errors import NamingError
from contender.naming import (
    Names,
    ObjectKey,
    dimension_of_execution,
    object_key,
    parse_object_key,
    parse_variant,
    variant_name,
)

NAMES = Names("contender")


@pytest.mark.parametrize("dimension", ["A", "SM-1", "SM-10", "a--b", "v2", "SM-1-v2", "SM-1-0123abcdef", "x" * 40])
def test_reads_back_every_name_it_makes(dimension: str) -> None:
    execution = {"PipelineExecutionDisplayName": NAMES.execution(dimension, "0123456789abcdef")}
    assert dimension_of_execution(execution) == dimension
    assert NAMES.dimension_of(NAMES.endpoint(dimension)) == dimension
    assert NAMES.version_of_model(dimension, NAMES.model(dimension, 12)) == 12
    assert NAMES.dimension_of_candidate(NAMES.candidate(dimension, ["a", "b"])) == dimension
    assert NAMES.dimension_of_candidate(NAMES.model(dimension, 12)) is None
    assert NAMES.is_config_of(dimension, NAMES.config(dimension, ["a", "b"]))
    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:model-package/{NAMES.group(dimension)}/7"
    assert NAMES.version_of_package(dimension, arn) == 7
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
        assert NAMES.version_of_model("SM-1", NAMES.model(other, 3)) is None
        assert NAMES.version_of_model("SM-1", NAMES.candidate("SM-1", [other])) is None
        assert NAMES.dimension_of_candidate(NAMES.candidate(other, [])) == other
        assert not NAMES.is_config_of("SM-1", NAMES.config(other, ["a"]))
        with pytest.raises(NamingError, match="no version of group"):
            NAMES.version_of_package(
                "SM-1", f"arn:aws:sagemaker:eu-west-1:123456789012:model-package/{NAMES.group(other)}/1"
            )
    assert NAMES.version_of_model("SM-1", "contender-SM-1") is None
    assert NAMES.dimension_of("contenders-SM-1") is None
    assert NAMES.dimension_of("contender") is None


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
