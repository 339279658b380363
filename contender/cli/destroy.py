"""`contender destroy`: take the project away again, from whichever AWS the environment names."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import click

from contender.aws import Connect, client
from contender.cli.deploy import TEMPLATES
from contender.cli.output import dry_run_option, emit, emit_rows, json_option, note
from contender.config import Settings, load
from contender.destroying.remover import Project
from contender.destroying.run import destroy
from contender.naming import Names
from contender.templates import read_all


@click.command("destroy")
@click.option(
    "--templates",
    type=click.Path(file_okay=False, path_type=Path),
    default=TEMPLATES,
    show_default=True,
    help="Folder of the CloudFormation templates.",
)
@click.option("--data", is_flag=True, help="Also buckets, tables, the registry and the key, with all they hold.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@dry_run_option
@json_option
@click.pass_obj
def command(obj: Connect | None, templates: Path, data: bool, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Stop and remove everything that this project made: nothing of it costs anything any more.

    Executions, schedules, endpoints, models, pipelines, then the stacks. Data stays unless --data is given: the next
    `contender deploy` takes it over. It may be stopped at any moment and run again.
    """
    settings = load()
    project = project_at_hand(settings, templates, obj or client)
    if not (yes or dry_run):
        what = "and all its data " if data else ""
        where = f"in account {project.account}, {project.region}"
        click.confirm(f"Remove project {settings.project} {what}{where}?", abort=True, err=True)
    done = destroy(project, data=data, dry_run=dry_run, say=note)
    if as_json:
        emit(asdict(done))
    else:
        word = "would be removed" if dry_run else "removed"
        rows = [{"what": word, **asdict(thing)} for thing in done.removed]
        rows += [{"what": "kept", **asdict(thing)} for thing in done.kept]
        emit_rows(rows, ["what", "kind", "name", "detail"], as_json=False)
    if done.kept:
        note("What is kept costs what it stores. Remove it too: contender destroy --data")


def project_at_hand(settings: Settings, templates: Path, connect: Connect) -> Project:
    """The project of these settings in the account that the environment names; its clients are made once."""
    made: dict[str, object] = {}

    def once(service: str) -> object:
        if service not in made:
            made[service] = connect(service, settings.region)
        return made[service]

    account = connect("sts", settings.region).get_caller_identity()["Account"]
    return Project(Names(settings.project), account, settings.region, once, read_all(templates), time.sleep)
