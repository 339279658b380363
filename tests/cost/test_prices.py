"""The table of prices: whole, positive, with sources; what it lacks is refused by name."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import yaml

from contender.config import load
from contender.cost.bill import bill
from contender.cost.pipelines import jobs
from contender.cost.prices import SHIPPED, load_prices
from contender.errors import NotFoundError, SettingsError
from tests.conftest import REPOSITORY
from tests.cost.cases import EVERYTHING, PRICES, case, settings


def test_every_price_has_a_unit_a_source_at_aws_and_costs_something() -> None:
    for name, price in PRICES.prices.items():
        assert price.price > 0, name
        assert price.unit, name
        assert price.source.startswith("https://aws.amazon.com/"), name
    assert PRICES.instances.source.startswith("https://aws.amazon.com/")
    assert min(PRICES.instances.prices.values()) > 0


def test_every_price_is_used() -> None:
    """A line's price is known by its unit, price and source together."""
    configured = settings(endpoint={"data_capture_percent": 10}, stacks={"encryption": "project"})
    bills = [
        bill(case(assumed=EVERYTHING, settings=each)) for each in (configured, settings(experiment={"enabled": False}))
    ]
    used = {(line.unit, line.price, line.per, line.source) for found in bills for line in found.lines}
    never = {n for n, p in PRICES.prices.items() if (p.unit, p.price, p.per, p.source) not in used}
    assert never == set()


def test_every_instance_type_of_the_project_is_in_the_table() -> None:
    found = load(REPOSITORY / "contender.yaml", environ={})
    types = {job.instance_type for job in jobs(found)} | {stage.instance_type for _, stage in found.stages_in_order}
    assert types | {found.monitoring.instance_type} <= PRICES.instances.prices.keys()


def test_bigger_instances_of_a_family_cost_more() -> None:
    for family in ("ml.t2.", "ml.t3.", "ml.m5.", "ml.c5.", "ml.r5."):
        listed = [price for name, price in PRICES.instances.prices.items() if name.startswith(family)]
        assert len(listed) >= 4
        assert listed == sorted(listed)


def test_a_type_that_the_table_lacks_is_refused_in_one_line_that_says_where_to_add_it() -> None:
    with pytest.raises(NotFoundError) as refused:
        bill(case(settings=settings(endpoint={"instance_type": "ml.x9.large"})))
    assert "'ml.x9.large'" in str(refused.value)
    assert str(SHIPPED) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_price_that_a_table_of_ones_own_lacks_is_refused_by_name(tmp_path: Path) -> None:
    document = yaml.safe_load(SHIPPED.read_text())
    del document["prices"]["alarms"]
    (file := tmp_path / "mine.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(NotFoundError, match=r"mine\.yaml has no price of 'alarms'"):
        load_prices(file).of("alarms")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"price": 0, "per": 1, "unit": "x", "source": "https://a"}, "prices.alarms.price"),
        ({"price": 1, "per": 1, "unit": "", "source": "https://a"}, "prices.alarms.unit"),
        ({"price": 1, "per": 1, "unit": "x"}, "prices.alarms.source"),
        ({"price": 1, "per": 1, "unit": "x", "source": "hearsay"}, "prices.alarms.source"),
    ],
)
def test_a_table_with_a_price_that_says_too_little_is_refused(
    change: dict[str, object], named: str, tmp_path: Path
) -> None:
    document = yaml.safe_load(SHIPPED.read_text())
    document["prices"]["alarms"] = change
    (file := tmp_path / "mine.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(SettingsError) as refused:
        load_prices(file)
    assert named in str(refused.value)


@pytest.mark.parametrize("content", [None, "{", "[]", "\xff"])
def test_what_is_no_table_is_refused_in_one_line(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    if content is not None:
        file.write_bytes(content.encode("latin-1"))
    with pytest.raises(SettingsError, match=r"table of prices .*mine\.yaml") as refused:
        load_prices(file)
    assert "\n" not in str(refused.value)


def test_the_age_is_counted_in_days_from_its_date() -> None:
    assert PRICES.age_days(PRICES.date + datetime.timedelta(days=40)) == 40


def test_the_next_smaller_type_is_of_the_same_family() -> None:
    assert PRICES.smaller("ml.m5.2xlarge") == "ml.m5.xlarge"
    assert PRICES.smaller("ml.m5.large") is None
