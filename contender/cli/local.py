"""`contender local`: AWS on this machine, on and off."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from contender.cli.builds import build, builds, offer_remote
from contender.cli.extras import need
from contender.cli.home import home_option, one_line_errors
from contender.cli.local_page import NAME, show_page
from contender.cli.output import emit, emit_rows, json_option, note
from contender.config import load
from contender.local.launcher.environment import exports
from contender.local.launcher.laptop import Laptop, Ports

Command = TypeVar("Command", bound=Callable[..., Any])

_PORT = click.IntRange(0, 65_535)


@click.group("local")
def command() -> None:
    """Start and stop AWS on this machine: MiniStack, and SageMaker beside it."""


command.add_command(builds)
command.add_command(build)


@command.command()
@home_option
@click.option("--aws-port", type=_PORT, help="All services but SageMaker; at first 4566.")
@click.option("--sagemaker-port", type=_PORT, help="At first 4567.")
@click.option("--runtime-port", type=_PORT, help="InvokeEndpoint; at first 4568.")
@click.option("--region", envvar="AWS_DEFAULT_REGION", default="us-east-1", show_default=True)
@click.option(
    "--enforce-iam/--no-enforce-iam",
    default=None,
    help="Let Lambdas do only what their roles allow, as on AWS; at first not.",
)
@click.option("--studio/--no-studio", "page", default=True, help="Start the web page beside it, or leave it as it is.")
@click.option("--studio-port", type=_PORT, help="The web page; at first 4569.")
@click.option("--allow-actions", is_flag=True, help="Let the page pause, promote, roll back, approve and reject.")
@json_option
def up(
    home: Path,
    aws_port: int | None,
    sagemaker_port: int | None,
    runtime_port: int | None,
    region: str,
    enforce_iam: bool | None,
    page: bool,
    studio_port: int | None,
    allow_actions: bool,
    as_json: bool,
) -> None:
    """Start what does not run yet, and wait until it answers.

    Ports, and whether roles are enforced, are as the last time unless others are given; port 0 takes any free one. It
    offers a git remote too: a push of the delivered branch (delivery.branch in contender.yaml) builds and deploys it.
    Where the home lies in the git repository that this folder belongs to, that repository gets the remote `laptop`.

    The web page (`contender studio`) shows the project of this folder, and acts if this command allows it: one that
    runs otherwise starts again. It answers a moment later than the rest.
    """
    need("local")
    with one_line_errors():
        laptop = Laptop(home, region)
        addresses = asdict(laptop.up(Ports(aws_port, sagemaker_port, runtime_port), enforce_iam=enforce_iam))
    if page:
        addresses |= show_page(laptop, studio_port, allow_actions=allow_actions)
    if as_json:
        emit(addresses)
    else:
        rows = [{"service": name, "address": address} for name, address in addresses.items()]
        emit_rows(rows, ["service", "address"], as_json=False)
        note('For this shell: eval "$(contender local env)"')
    note(offer_remote(home, load()))


@command.command()
@home_option
def down(home: Path) -> None:
    """Stop it. What it holds stays, and is there again after the next `up`."""
    with one_line_errors():
        stopped = Laptop(home).down()
    note(f"stopped: {', '.join(stopped)}" if stopped else f"nothing was running in {home.resolve()}")


@command.command()
@home_option
@json_option
def status(home: Path, as_json: bool) -> None:
    """Every process with its pid and address. Exit code 1 if AWS does not run here, with the web page or without."""
    with one_line_errors():
        rows = [asdict(each) for each in Laptop(home).status()]
    emit_rows(rows, ["name", "pid", "state", "address", "memory_mb", "roles"], as_json=as_json)
    if not rows or any(row["state"] != "running" for row in rows if row["name"] != NAME):
        note(f"it does not run ({home.resolve()}); start it: contender local up")
        raise click.exceptions.Exit(1)


@command.command(short_help="Print what points a shell's AWS tools here.")
@home_option
@json_option
def env(home: Path, as_json: bool) -> None:
    """Print what makes any AWS tool in a shell talk to this machine: eval "$(contender local env)"."""
    with one_line_errors():
        settings = Laptop(home).env()
    if as_json:
        emit(settings)
    else:
        click.echo(exports(settings, os.environ))


@command.command(short_help="Stop it and delete everything it holds.")
@home_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(home: Path, yes: bool) -> None:
    """Stop it and delete everything it holds: objects, models, endpoints, logs."""
    if not yes:
        click.confirm(f"Delete everything in {home.resolve()}?", abort=True, err=True)
    with one_line_errors():
        Laptop(home).reset()
    note(f"{home.resolve()} holds nothing of it any more")
