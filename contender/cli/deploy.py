"""`contender deploy`: the project's stacks, on whichever AWS the environment names."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

import contender
from contender.aws import client
from contender.cli.output import dry_run_option, emit, emit_rows, json_option, note
from contender.config import Settings, load
from contender.deployment import PARAMETERS_VARIABLE, ROLE_VARIABLE, Cloud, Deployment, parse_parameters
from contender.naming import Names
from contender.rollout.ledger import Ledger
from contender.rollout_settings import StageChange, publish, tell
from contender.stacks import deploy_stacks

TEMPLATES = Path("infra")


@dataclass(frozen=True, slots=True)
class Deployed:
    """What became of each stack, and of each stage's settings of rollouts."""

    stacks: tuple[Deployment, ...]
    rollouts: tuple[StageChange, ...]


@click.command("deploy")
@click.argument("only", metavar="[STACK]...", nargs=-1)
@click.option(
    "--templates",
    type=click.Path(file_okay=False, path_type=Path),
    default=TEMPLATES,
    show_default=True,
    help="Folder of the CloudFormation templates.",
)
@click.option("--parameter", "-p", "given", multiple=True, metavar="NAME=VALUE", help="Stack parameter; repeatable.")
@dry_run_option
@json_option
def command(only: tuple[str, ...], templates: Path, given: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Deploy buckets, queues, tables, Lambdas, roles and the API, or bring them up to date.

    The stacks named, or all that contender.yaml asks for: the core, and experiments, inference and monitoring unless
    their sections say enabled: false. With the core each stage's settings of rollouts, which the next look at a
    dimension goes by. delivery, studio and catalog only where they are named.

    Stack parameters come from contender.yaml; CONTENDER_STACK_PARAMETERS ("Name=value,Name=value") overrides it,
    and --parameter overrides both. CONTENDER_STACK_ROLE is the role that CloudFormation works as, if not the caller's.
    """
    settings = load()
    overrides = overrides_from(os.environ) | parse_parameters(given)
    deployed = deploy_all(settings, overrides, only=only, templates=templates, dry_run=dry_run, say=note)
    results = deployed.stacks
    if as_json:
        emit(asdict(deployed))
    elif dry_run:
        rows = [{"stack": result.stack, **asdict(change)} for result in results for change in result.changes]
        emit_rows(rows, ["stack", "action", "resource", "type", "replacement"], as_json=False)
    else:
        rows = [
            {"stack": result.stack, "output": name, "value": value}
            for result in results
            for name, value in result.outputs.items()
        ]
        emit_rows(rows, ["stack", "output", "value"], as_json=False)
    for result in results:
        note(f"stack {result.stack}: {'nothing to change' if result.action == 'unchanged' else result.action}")
    for change in deployed.rollouts:
        note(tell(change, dry_run=dry_run))
    if reason := settings.monitoring_rests:
        note(reason)


def deploy_all(
    settings: Settings,
    overrides: Mapping[str, str],
    *,
    only: Sequence[str] = (),
    templates: Path = TEMPLATES,
    dry_run: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Deployed:
    """Deploy the stacks into the account and region at hand, the core first and with it the settings of rollouts."""
    cloud = Cloud(
        client("cloudformation", settings.region),
        client("s3", settings.region),
        client("sts", settings.region).get_caller_identity()["Account"],
        settings.region,
        dynamodb=client("dynamodb", settings.region),
        stack_role=os.environ.get(ROLE_VARIABLE, ""),
    )
    root = Path(contender.__file__).parents[1]
    deployed = deploy_stacks(
        cloud, settings, overrides, folder=templates, root=root, only=only, dry_run=dry_run, say=say
    )
    if only and "core" not in only:
        return Deployed(deployed, ())
    ledger = Ledger(client("dynamodb", settings.region), Names(settings.project).table("rollouts"))
    return Deployed(deployed, publish(ledger, settings, dry_run=dry_run))


def overrides_from(environ: Mapping[str, str]) -> dict[str, str]:
    """Stack parameters that the environment sets."""
    return parse_parameters(environ.get(PARAMETERS_VARIABLE, "").split(","))
