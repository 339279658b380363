"""`contender cost`: what this configuration costs per month on AWS, by number of dimensions and topology."""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from contender.aws import Connect, client
from contender.cli.experiment_options import Number
from contender.cli.output import emit, json_option
from contender.config import Settings, load
from contender.cost.assumptions import Assumptions
from contender.cost.bill import Bill, biggest, bill, money, quotas
from contender.cost.case import Case
from contender.cost.current import current_prices
from contender.cost.pipelines import jobs
from contender.cost.prices import SHIPPED, PriceTable, load_prices
from contender.cost.topologies import Topology, topologies

Command = TypeVar("Command", bound=Callable[..., Any])

WIDTH = 80
GAP = "  "
PER = {1: "", 1_000: "/k", 1_000_000: "/M"}
SHOWN = 12
"""Lines of a bill that a person sees; --json has all."""
MOST_DIMENSIONS = 4
"""Columns that fit a terminal."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A topology, and its bill for each number of dimensions."""

    topology: Topology
    bills: tuple[Bill, ...]


def assumption_options(command: Command) -> Command:
    """An option for each assumption, in their order."""
    for assumed in reversed(fields(Assumptions)):
        command = click.option(
            f"--{assumed.name.replace('_', '-')}",
            type=Number(0),
            default=assumed.default,
            show_default=assumed.default is not None,
            help=assumed.metadata["help"],
        )(command)
    return command


@click.command()
@click.option("--dimensions", default="3,100,1000", show_default=True, help="Numbers of dimensions, by comma.")
@click.option("--instead", default="ml.t2.medium", show_default=True, help="Instance types to compare, by comma.")
@assumption_options
@click.option(
    "--prices", type=click.Path(dir_okay=False, path_type=Path), help="Your own table of prices, in the place of ours."
)
@click.option("--current", is_flag=True, help="Ask AWS for the prices of instance types.")
@json_option
@click.pass_obj
def command(
    obj: Connect | None,
    /,
    dimensions: str,
    instead: str,
    prices: Path | None,
    current: bool,
    as_json: bool,
    **assumed: Any,
) -> None:
    """Compute what this configuration costs per month on AWS.

    By number of dimensions, beside other ways to run the same models; the lines of the largest number, the biggest
    named. Every default above is an assumption: give your own numbers.
    """
    settings = load()
    assumptions = Assumptions(**assumed)
    counts, types = _counts(dimensions), [each for part in instead.split(",") if (each := part.strip())]
    table = load_prices(prices or SHIPPED)
    listed = list(topologies(settings, types))
    if current:
        pricing = (obj or client)("pricing", "us-east-1")  # the price list is served from few regions, for all
        table = current_prices(pricing, table, settings.region, _types(listed))
    compared = [
        Compared(each, tuple(bill(Case(each.settings, assumptions, table, count)) for count in counts))
        for each in listed
    ]
    largest = Case(settings, assumptions, table, counts[-1])
    about = [*_about(table, settings), quotas(largest)]
    if as_json:
        emit(_document(compared, table, assumptions, about))
        return
    _print(compared, about, assumptions, table.currency)


def _counts(text: str) -> tuple[int, ...]:
    """The numbers of dimensions in a list of them, the largest last."""
    try:
        found = sorted({int(part.replace("_", "")) for part in text.split(",")})
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no list of whole numbers, like 3,100,1000") from error
    if found[0] < 1 or len(found) > MOST_DIMENSIONS:
        raise click.BadParameter(f"{text!r} should be 1 to {MOST_DIMENSIONS} numbers of at least one dimension")
    return tuple(found)


def _types(listed: Sequence[Topology]) -> list[str]:
    """Every instance type that a bill needs the price of."""
    found: set[str] = set()
    for each in listed:
        settings = each.settings
        found |= {settings.checks.instance_type, settings.monitoring.instance_type}
        found |= {job.instance_type for job in jobs(settings)} | {settings.checks.model_instance_type}
        for _, stage in settings.stages_in_order:
            pins = (instance.type for pinned in stage.dimensions.values() for instance in pinned.instances.values())
            found |= {stage.instance_type, *pins}
    return sorted(found)


def _about(table: PriceTable, settings: Settings) -> Iterator[str]:
    """What whoever relies on the figures must know of them."""
    days = table.age_days(datetime.datetime.now(datetime.UTC).date())
    age = f"{days} days ago" if days > 1 else "today" if days <= 0 else "yesterday"
    yield (
        f"list prices of {table.region} as known on {table.date} ({age}), not read again from AWS's pages that day: "
        f"{table.file} names the page of each; compare before you rely on them"
    )
    if table.asked:
        yield f"those of instance types are AWS's own of now, in {table.asked}"
    if settings.region not in (table.region, table.asked):
        yield f"the project is in {settings.region}, where prices differ: ask with --current, or pass --prices FILE"
    yield "without free tiers, volume discounts, savings plans, data sent out of AWS, Studio, support and tax"


def _document(
    compared: Sequence[Compared], table: PriceTable, assumptions: Assumptions, about: Sequence[str]
) -> dict[str, Any]:
    return {
        "currency": table.currency,
        "region": table.region,
        "dated": table.date,
        "prices": table.file,
        "about": list(about),
        "assumed": asdict(assumptions),
        "topologies": [
            {
                "topology": each.topology.name,
                "bills": [
                    {
                        "dimensions": found.dimensions,
                        "total": found.total,
                        "per_dimension": found.per_dimension,
                        "biggest": list(biggest(found)),
                        "lines": [{**asdict(line), "cost": line.cost} for line in found.by_cost()],
                    }
                    for found in each.bills
                ],
            }
            for each in compared
        ],
    }


def _print(compared: Sequence[Compared], about: Sequence[str], assumptions: Assumptions, currency: str) -> None:
    configured = compared[0]
    heads = [f"{found.dimensions:,}" for found in configured.bills]
    rows = [(each.topology.name, *(money(found.total) for found in each.bills)) for each in compared]
    rows.insert(1, ("  for each dimension", *(money(found.per_dimension) for found in configured.bills)))
    _table((f"{currency} a month, by dimensions", *heads), rows)
    lines = list(_lines(configured.bills[-1]))
    _table((f"{heads[-1]} of them, {configured.topology.name}", "quantity", "price", currency), lines)
    for sentence in biggest(configured.bills[-1]):
        _say(sentence)
    click.echo()
    for sentence in about:
        _say(f"{sentence[0].upper()}{sentence[1:]}.")
    click.echo()
    _say("Assumed: " + ", ".join(_assumed(assumptions)) + ".")


def _lines(found: Bill) -> Iterator[tuple[str, ...]]:
    lines = found.by_cost()
    for line in lines[:SHOWN]:
        price = f"{line.price:g}{PER[line.per]}" if line.per in PER else f"{line.price / line.per:g}"
        yield f"{line.part}: {line.what}", f"{_amount(line.quantity)} {line.unit}", price, money(line.cost)
    if small := lines[SHOWN:]:
        yield f"{len(small)} smaller lines", "", "", money(sum(line.cost for line in small))
    yield "all", "", "", money(found.total)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The first column to the left and shortened to what the others, to the right, leave of the width."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    widths[0] = min(widths[0], WIDTH - sum(width + len(GAP) for width in widths[1:]))
    for row in (columns, *rows):
        first = row[0] if len(row[0]) <= widths[0] else f"{row[0][: widths[0] - 1]}…"
        cells = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        click.echo(GAP.join((first.ljust(widths[0]), *cells)))
    click.echo()


def _amount(quantity: float) -> str:
    return f"{quantity / 1e6:,.1f}M" if quantity >= 1e6 else f"{quantity:,.0f}" if quantity >= 10 else f"{quantity:.2g}"


def _assumed(assumptions: Assumptions) -> Iterator[str]:
    for each in fields(assumptions):
        value = getattr(assumptions, each.name)
        yield f"{each.name.replace('_', '-')} {'computed' if value is None else f'{value:,g}'}"


def _say(sentence: str) -> None:
    click.echo(textwrap.fill(sentence, WIDTH, break_on_hyphens=False))
