"""`contender experiment replay`: what other shares would have earned on the requests that were logged.

Events come from a folder, from a place in S3, or from the bucket that the project's own events go to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from contender.aws import Connect, client
from contender.cli.experiment_options import Number, means, strategy_named, strategy_options, taken_strategy
from contender.cli.output import emit, emit_rows, json_option, note, progress
from contender.config import load
from contender.errors import DataError, NotFoundError
from contender.experiments.arms import Kind
from contender.experiments.off_policy import Evaluation, Logged, Target, evaluate, fixed
from contender.measurements.events import Event
from contender.measurements.files import Refused, events, lines, read
from contender.measurements.log import Log
from contender.naming import Names
from contender.stack import stack_outputs

SCHEME = "s3://"
PREFIX = "events/"
ESTIMATED = ("estimator", "value", "error", "lower", "upper")
LEFT_OUT = {
    "by_hand": "requests for which somebody chose the variant (Manual)",
    "by_weights": "requests that the endpoint's weights sent (Fallback)",
    "no_propensity": "requests without a usable propensity",
    "repeated": "events delivered more than once",
    "other_endpoint": "events of other endpoints",
    "other_experiment": "requests of other experiments",
}

ALIKE = 1.2
"""A design effect beyond which verdicts on single requests are wrong too often."""
WRONG_WEIGHT = 0.2
"""How far the weights' average may be from 1 before something is wrong with the log."""


@click.command(short_help="Say what other shares would have earned.")
@click.argument("endpoint", required=False)
@click.option("--events", "place", metavar="PLACE", help="A folder, file or s3://bucket/prefix of events.")
@click.option("--strategy", "name", help="Whose shares, asked anew for each batch.")
@click.option("--shares", type=means, help="Fixed shares: v3=0.5,v5=0.5.")
@click.option("--experiment", help="Only this experiment's requests.")
@click.option("--reward", default="reward", show_default=True, help="The conversions' name.")
@click.option("--batch", type=click.IntRange(1), default=200, show_default=True, help="Requests between two looks.")
@click.option("--kind", type=click.Choice(("binary", "real")), default="binary", show_default=True, help="Of reward.")
@click.option("--alpha", type=Number(0, 0.5, min_open=True), default=0.05, show_default=True, help="Of the intervals.")
@strategy_options
@json_option
@click.pass_obj
def replay(
    obj: Connect | None,
    /,
    endpoint: str | None,
    place: str | None,
    name: str | None,
    shares: Mapping[str, float] | None,
    experiment: str | None,
    reward: str,
    batch: int,
    kind: Kind,
    alpha: float,
    as_json: bool,
    **options: Any,
) -> None:
    """Say what another strategy, or fixed shares, would have earned on the logged requests of ENDPOINT.

    Three estimates from the propensities in the log: ips, snips and dr. Without --events they are read from where the
    project's API leaves them.
    """
    if (name is None) == (shares is None):
        raise click.UsageError("give either --strategy or --shares: whose rewards are asked for")
    if endpoint is None and place is None:
        raise click.UsageError("give an ENDPOINT, or --events: where the log comes from")
    target = fixed(shares) if shares is not None else _advice(name or "", options, batch, kind)
    log, refused = Log(endpoint, experiment, reward), Refused()
    read_log(log, refused, place, obj or client)
    for reason, count in sorted(log.left_out.items()):
        note(f"left out: {count:,} {LEFT_OUT[reason]}")
    if log.orphans:
        note(f"left out: rewards of {log.orphans:,} requests that are not among these")
    for code, count in sorted(refused.codes.items()):
        note(f"left out: {count:,} lines that are no events ({code}), such as {refused.examples[0]}")
    requests = [_binary(each) if kind == "binary" else each for each in log.requests()]
    found = evaluate(requests, target, batch=batch, alpha=alpha)
    for warning in _warnings(found):
        note(f"caution: {warning}")
    if as_json:
        emit({**asdict(found), "excluded": dict(log.left_out), "orphans": log.orphans})
        return
    emit_rows(
        [{**asdict(found.logged), "estimator": "as served"}, *map(asdict, found.estimates)], ESTIMATED, as_json=False
    )
    click.echo(
        f"{found.requests:,} requests of {found.users:,} users, worth {found.effective:,.0f} served by these shares:"
        f" {', '.join(f'{variant} {share:.3f}' for variant, share in sorted(found.shares.items()))}"
    )


def _advice(name: str, options: Mapping[str, Any], batch: int, kind: Kind) -> Target:
    made = taken_strategy(options, None).make(strategy_named(name), batch)
    return lambda arms: made.shares(arms, kind)


def _binary(request: Logged) -> Logged:
    return replace(request, reward=float(request.reward > 0))


def _warnings(found: Evaluation) -> Iterator[str]:
    if found.design_effect > ALIKE:
        yield (
            f"a user's requests are alike: set rollout.goal.design_effect to {found.design_effect:.2g}, or a challenger"
            " that is no better is promoted more often than alpha says"
        )
    if found.left_out:
        yield f"{found.left_out:,} requests came while a variant that is asked for was not on offer; they are left out"
    if found.thin:
        yield f"only {found.effective:.0f} requests' worth of the log resembles these shares: the intervals are no good"
    if abs(found.mean_weight - 1) > WRONG_WEIGHT:
        yield f"weights average {found.mean_weight:.2f} where 1 is to be expected: look at the propensities"


def read_log(log: Log, refused: Refused, place: str | None, connect: Connect) -> None:
    """Add every event of a folder, of an `s3://bucket/prefix`, or of the project's own bucket, to the log."""
    if place is not None and not place.startswith(SCHEME):
        files = _files(Path(place))
        _add_all(log, (_from_file(file, refused) for file in files), len(files))
        return
    settings = load()
    if place is not None:
        bucket, _, prefix = place.removeprefix(SCHEME).partition("/")
    else:
        stack = Names(settings.project).stack("experiments")
        bucket, prefix = stack_outputs(connect("cloudformation", settings.region), stack)["EventBucket"], PREFIX
    s3 = connect("s3", settings.region)
    keys = [
        found["Key"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for found in page.get("Contents", ())
    ]
    if not keys:
        raise NotFoundError(
            f"there are no events at {SCHEME}{bucket}/{prefix}: they arrive some minutes after a request"
        )
    _add_all(log, (read(s3, bucket, key, refused) for key in keys), len(keys))


def _add_all(log: Log, files: Iterator[Iterator[Event]], count: int) -> None:
    with progress() as bar:
        task = bar.add_task("files of events", total=count)
        for found in files:
            log.add(found)
            bar.advance(task)


def _files(folder: Path) -> list[Path]:
    if not folder.exists():
        raise NotFoundError(f"{folder} does not exist: name a folder of event files, a file, or {SCHEME}bucket/prefix")
    files = [folder] if folder.is_file() else sorted(each for each in folder.rglob("*") if each.is_file())
    if not files:
        raise DataError(f"{folder} holds no files of events")
    return files


def _from_file(path: Path, refused: Refused) -> Iterator[Event]:
    with path.open("rb") as file:
        yield from events(lines(file, refused), refused)
