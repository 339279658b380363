"""`contender logs`: what the jobs of an execution, a Lambda or a model said."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import click

from contender.aws import client
from contender.cli.output import json_option
from contender.config import load
from contender.executions.logs import Line, Reader, find, finished, sources
from contender.naming import Names

_PAUSE_S = 1.0


@click.command("logs")
@click.argument("word", metavar="DIMENSION|EXECUTION|JOB|FUNCTION")
@click.option("--follow", "-f", is_flag=True, help="Go on until the execution ends, or you do.")
@json_option
def command(word: str, follow: bool, as_json: bool) -> None:
    """Print logs from CloudWatch.

    A dimension stands for its latest execution, an execution (ARN or id) for all of its jobs and Lambdas. A function
    is starter, champion, model, deploy, tick, record, watch or drift. With --json every line is an object of its own.
    """
    settings = load()
    names = Names(settings.project)
    sagemaker, logs = client("sagemaker", settings.region), client("logs", settings.region)
    target = find(sagemaker, logs, names, word)
    reader = Reader(logs)
    while True:
        over = not follow or finished(sagemaker, target)
        _print(reader.read(sources(sagemaker, target)), as_json=as_json)
        if over:
            return
        time.sleep(_PAUSE_S)


def _print(lines: Sequence[Line], *, as_json: bool) -> None:
    for line in lines:
        if as_json:
            click.echo(json.dumps({"at": line.at.isoformat(), "source": line.label, "message": line.text}))
        else:
            click.echo(f"{line.at:%H:%M:%S} {line.label:<12} {line.text}")
