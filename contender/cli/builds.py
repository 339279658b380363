"""The laptop's git remote: what `local up` says of it, and `contender local builds` and `build`."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from pathlib import Path

import click

from contender.cli.home import home_option
from contender.cli.output import emit_rows, json_option, note
from contender.config import Settings, load
from contender.errors import NotFoundError
from contender.local.builds.build import end_killed
from contender.local.builds.folders import Folders
from contender.local.builds.receiving import build_and_follow
from contender.local.builds.repository import GitFailure, Repository, offer


def offer_remote(home: Path, settings: Settings) -> str:
    """Make the repository that is pushed to, and say how; where there is no git, that there is none."""
    repository = Repository(home.resolve(), settings.project)
    try:
        repository.prepare(settings.delivery.branch)
        return offer(repository.path, Path.cwd())
    except FileNotFoundError:
        return "git is not installed, so there is nothing to push to"
    except GitFailure as error:
        return f"nothing can be pushed to {repository.path}: {error}"


@click.command(short_help="List the builds of what was pushed here.")
@home_option
@json_option
def builds(home: Path, as_json: bool) -> None:
    """List the builds of what was pushed to the laptop, the newest first; their logs are files."""
    folders = Folders(home.resolve())
    end_killed(folders)
    rows = [{**asdict(build), "log": str(folders.log(build))} for build in folders.all()]
    emit_rows(rows, ("number", "asked", "commit", "status", "phase", "by", "log"), as_json=as_json)
    if not rows:
        note("nothing was pushed yet: git push laptop")


@click.command(short_help="Build once more what was pushed last.")
@home_option
def build(home: Path) -> None:
    """Build the delivered branch once more as it was pushed last, and show the log. Exit code 1 if that fails."""
    repository, folders = Repository(home.resolve(), load().project), Folders(home.resolve())
    try:
        ref = repository.ref
    except (GitFailure, FileNotFoundError) as error:
        raise NotFoundError(f"nothing can be pushed to {repository.path} yet: contender local up") from error
    commit = repository.commit(ref)
    if commit is None:
        raise NotFoundError(f"{ref} was not pushed yet: git push laptop")
    again = folders.new(ref, commit, commit, getpass.getuser())
    if build_and_follow(again, repository, folders):
        raise click.exceptions.Exit(1)
