"""`contender deploy`: the stack, on whichever AWS the environment names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import click

import contender
from contender.aws import client
from contender.cli.output import dry_run_option, emit, emit_rows, json_option, note
from contender.config import Settings, load
from contender.deployment import PARAMETERS_VARIABLE, Cloud, deploy, parse_parameters
from contender.naming import Names


@click.command("deploy")
@click.option(
    "--template",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("infra/core.yaml"),
    show_default=True,
    help="CloudFormation template.",
)
@click.option("--parameter", "-p", "given", multiple=True, metavar="NAME=VALUE", help="Stack parameter; repeatable.")
@dry_run_option
@json_option
def command(template: Path, given: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Deploy buckets, queue, Lambdas and roles, or bring them up to date.

    Stack parameters come from contender.yaml; CONTENDER_STACK_PARAMETERS ("Name=value,Name=value") overrides it,
    and --parameter overrides both.
    """
    settings = load()
    cloud = Cloud(
        client("cloudformation", settings.region),
        client("s3", settings.region),
        client("sts", settings.region).get_caller_identity()["Account"],
        settings.region,
    )
    result = deploy(
        cloud,
        Names(settings.project),
        template,
        stack_parameters(settings, os.environ) | parse_parameters(given),
        root=Path(contender.__file__).parents[1],
        dry_run=dry_run,
        say=note,
    )
    if as_json:
        emit(asdict(result))
    elif dry_run:
        rows = [asdict(change) for change in result.changes]
        emit_rows(rows, ["action", "resource", "type", "replacement"], as_json=False)
    else:
        rows = [{"output": name, "value": value} for name, value in result.outputs.items()]
        emit_rows(rows, ["output", "value"], as_json=False)
    note(f"stack {result.stack}: {'nothing to change' if result.action == 'unchanged' else result.action}")


def stack_parameters(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The template's parameters: from the settings, and above them from the environment."""
    from_settings = {
        "DataPrefix": settings.data.prefix,
        "ChallengerShare": str(settings.rollout.steps[0].share),
        "MaxChallengers": str(settings.rollout.max_challengers),
        "EndpointInstanceType": settings.endpoint.instance_type,
        "EndpointInstanceCount": str(settings.endpoint.instance_count),
    }
    return from_settings | parse_parameters(environ.get(PARAMETERS_VARIABLE, "").split(","))
