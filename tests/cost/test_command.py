"""`contender cost` as a person and a program read it."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from click.testing import CliRunner, Result

from contender.cli.cost import command
from contender.cost.assumptions import Assumptions
from contender.cost.prices import SHIPPED
from contender.errors import NotFoundError
from tests.cost.cases import PRICES
from tests.cost.test_current import product


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "contender.yaml").write_text("project: churn\nregion: us-east-1\n")
    monkeypatch.chdir(tmp_path)


def run(*words: str, obj: Any = None) -> Result:
    return CliRunner().invoke(command, words, obj=obj, catch_exceptions=False)


def test_totals_lines_sentences_and_assumptions_fit_a_terminal() -> None:
    shown = run("--dimensions", "1000,3,100").stdout
    assert max(map(len, shown.splitlines())) <= len(str(SHIPPED)) + 80
    assert [line for line in shown.splitlines() if len(line) > 80 and str(SHIPPED) not in line] == []
    assert "USD a month, by dimensions " in shown
    assert "endpoints: champions, ml.m5.large " in shown
    assert "83,950.00" in shown
    assert shown.count("% of the total.") == 3


def test_many_stages_fit_too() -> None:
    stages = ", ".join(f"stage{number}: {{instance_type: ml.m5.24xlarge}}" for number in range(9))
    Path("contender.yaml").write_text(f"stages: {{{stages}}}\n")
    shown = run("--dimensions", "10,20,30,1000").stdout
    assert "endpoints: champions in stage" in shown
    assert [line for line in shown.splitlines() if len(line) > 80 and str(SHIPPED) not in line] == []


def test_every_assumption_is_an_option_and_told() -> None:
    shown = " ".join(run("--requests-per-day", "12345").stdout.split())
    told = shown.partition("Assumed: ")[2]
    for assumed in fields(Assumptions):
        assert f"{assumed.name.replace('_', '-')} " in told
    assert "requests-per-day 12,345" in told


def test_the_age_of_the_table_and_that_it_must_be_compared_are_told() -> None:
    shown = " ".join(run().stdout.split())
    assert f"as known on {PRICES.date} (" in shown
    assert "compare before you rely on them" in shown


def test_an_old_table_says_how_old_it_is(tmp_path: Path) -> None:
    text = SHIPPED.read_text().replace(f"date: {PRICES.date}", "date: 2020-01-01")
    (file := tmp_path / "old.yaml").write_text(text)
    about = json.loads(run("--prices", str(file), "--json").stdout)["about"]
    days = int(about[0].partition("2020-01-01 (")[2].partition(" days ago")[0])
    assert days > 2_000


def test_the_json_holds_every_line_of_every_bill() -> None:
    document = json.loads(run("--dimensions", "3,100", "--json").stdout)
    assert document["assumed"]["rows_per_file"] == 5_000
    assert len(document["topologies"]) == 6
    for topology in document["topologies"]:
        assert [each["dimensions"] for each in topology["bills"]] == [3, 100]
        for each in topology["bills"]:
            assert each["total"] == pytest.approx(sum(line["cost"] for line in each["lines"]))
            assert each["per_dimension"] == pytest.approx(each["total"] / each["dimensions"])
            for line in each["lines"]:
                assert line["cost"] == pytest.approx(line["quantity"] / line["per"] * line["price"])
                assert line["source"].startswith("https://")


@pytest.mark.parametrize("text", ["three", "0", "1,2,3,4,5", "", "-1"])
def test_what_is_no_number_of_dimensions_is_a_wrong_use(text: str) -> None:
    assert run("--dimensions", text).exit_code == 2


def test_a_type_to_compare_that_the_table_lacks_is_refused_by_name() -> None:
    with pytest.raises(NotFoundError, match=r"ml\.x9\.large"):
        run("--instead", "ml.x9.large")


def test_another_region_than_the_tables_is_told() -> None:
    Path("contender.yaml").write_text("region: eu-central-1\n")
    assert "the project is in eu-central-1, where prices differ" in " ".join(run("--json").stdout.split())


def test_current_asks_for_each_type_in_use_and_says_so() -> None:
    Path("contender.yaml").write_text("region: eu-central-1\nmonitoring: {instance_type: ml.r5.large}\n")
    pricing = boto3.client("pricing", region_name="us-east-1")
    with Stubber(pricing) as stub:
        for each in ("ml.m5.large", "ml.m5.xlarge", "ml.r5.large"):
            stub.add_response("get_products", {"PriceList": [product(f"EUC1-Host:{each}", "1.0")]})
        shown = run("--current", "--instead", "", "--json", obj=lambda service, region: pricing)
        stub.assert_no_pending_responses()
    document = json.loads(shown.stdout)
    assert "those of instance types are AWS's own of now, in eu-central-1" in document["about"]
    assert not [each for each in document["about"] if "prices differ" in each]
    (champions,) = (
        line
        for line in document["topologies"][0]["bills"][0]["lines"]
        if (line["part"], line["what"]) == ("endpoints", "champions, ml.m5.large")
    )
    assert champions["cost"] == pytest.approx(3 * 730)
