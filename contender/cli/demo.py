"""`contender demo`: the whole story on this machine, in one command."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from contender.aws import client
from contender.cli.deploy import deploy_all, overrides_from
from contender.cli.local import home_option, one_line_errors
from contender.cli.output import emit, emit_rows, json_option, note
from contender.config import Settings, load_project
from contender.demo.main_job import Demo, Outcome, Uploads, raw_rows, uploads_from
from contender.errors import DeploymentError
from contender.local.launcher.laptop import Laptop, Ports
from contender.pipeline.compiling import compile_project
from contender.pipeline.targets import targets
from contender.pipeline.upserting import upsert
from contender.sample_data import dimension_names, write

INVOCATIONS = 300
TIMEOUT_S = 600.0


@click.command()
@click.option(
    "--data",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Your own <dimension>/*.csv; without it, sample data is made.",
)
@click.option("--dimensions", type=click.IntRange(1, 100), default=3, show_default=True, help="Of sample data.")
@click.option(
    "--rows", type=click.IntRange(500), default=5000, show_default=True, help="Of sample data, per dimension."
)
@click.option("--seed", type=int, default=7, show_default=True, help="Of sample data.")
@click.option("--keep", is_flag=True, help="Leave the laptop running, in its usual home and on its usual ports.")
@home_option
@json_option
def command(folder: Path | None, dimensions: int, rows: int, seed: int, keep: bool, home: Path, as_json: bool) -> None:
    """From CSV files to champions, and a challenger beside each, on this machine.

    Without --keep it runs on a laptop of its own, on free ports, that is gone afterwards.
    """
    settings = load_project()
    with ExitStack() as stack:
        stack.enter_context(stopped_by_signals())
        env = stack.enter_context(_kept(home) if keep else _throwaway())
        stack.enter_context(_environment(env))
        uploads = uploads_from(folder) if folder else _sample(dimensions, rows, seed)
        seconds, outcomes, failures = _play(settings, uploads)
    _report(outcomes, seconds, failures, as_json=as_json)
    if keep:
        note('still running. Look around: eval "$(contender local env)"; stop it: contender local down')
    if failures:
        raise DeploymentError(f"{len(failures)} of {len(uploads)} dimensions failed: {', '.join(failures)}")


def _play(settings: Settings, uploads: Mapping[str, Uploads]) -> tuple[dict[str, float], list[Outcome], dict[str, str]]:
    """Deploy, upload twice, send traffic; how long each part took, in seconds, what came of it, and what failed why."""
    clock = _Stopwatch()
    region = settings.region
    sagemaker, s3 = client("sagemaker", region), client("s3", region)
    outputs = _deploy(settings)
    clock.lap("deploy")
    for target in targets(settings):
        compiled = compile_project(settings, outputs, target=target)
        upserted = upsert(sagemaker, s3, settings, outputs["PipelineRoleArn"], compiled, target)
        note(f"pipeline {target.name} {upserted.action}")
    clock.lap("compile")
    demo = Demo(settings, outputs["DataBucket"], sagemaker, client("sagemaker-runtime", region), s3, note)
    names = list(uploads)
    failures: dict[str, str] = {}
    for lap in ("first", "second"):
        note(f"{lap} upload: {', '.join(names)}")
        before = demo.before(names)
        demo.upload({name: getattr(uploads[name], lap) for name in names})
        failures |= demo.serve_newer(names, before, TIMEOUT_S).failures
        names = [name for name in names if name not in failures]
        clock.lap(f"{lap}_upload")
    outcomes = []
    for name in names:
        rows = raw_rows(uploads[name].second[1], settings.data.label, INVOCATIONS)
        outcomes.append(demo.outcome(name, demo.invoke(name, rows, INVOCATIONS)))
    clock.lap("invoke")
    return clock.laps, outcomes, failures


def _deploy(settings: Settings) -> Mapping[str, str]:
    """The outputs of all stacks; their names differ."""
    outputs: dict[str, str] = {}
    for result in deploy_all(settings, overrides_from(os.environ)):
        note(f"stack {result.stack} {result.action}")
        outputs |= result.outputs
    return outputs


def _report(
    outcomes: list[Outcome], seconds: Mapping[str, float], failures: Mapping[str, str], *, as_json: bool
) -> None:
    if as_json:
        dimensions = [asdict(outcome) for outcome in outcomes]
        emit({"seconds": dict(seconds), "dimensions": dimensions, "failures": dict(failures)})
        return
    rows = [
        {
            "dimension": outcome.dimension,
            "champion": f"{outcome.champion}  AUC {outcome.champion_auc:.4f}",
            "challenger": f"{outcome.challenger}  AUC {outcome.challenger_auc:.4f}",
            "asked": _shares(outcome.asked),
            "observed": _shares(outcome.observed),
        }
        for outcome in outcomes
    ]
    columns = ("dimension", "champion", "challenger", "asked", "observed")
    emit_rows(rows, columns, as_json=False, title=f"Shares observed over {INVOCATIONS} invocations each")
    uploads = seconds["first_upload"] + seconds["second_upload"]
    note(f"{len(outcomes)} dimensions, two uploads: {uploads:.1f} s; everything: {sum(seconds.values()):.1f} s")


def _shares(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{variant} {share:.1%}" for variant, share in sorted(shares.items()))


def _sample(dimensions: int, rows: int, seed: int) -> dict[str, Uploads]:
    """Two uploads per dimension: the second holds new months of customers that are partly the same."""
    with tempfile.TemporaryDirectory() as place:
        for each in (seed, seed + 1):
            write(Path(place), dimension_names(dimensions), rows, each)
        return uploads_from(Path(place))


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let a closed terminal and a polite `kill` stop it as Ctrl-C does, so that no laptop stays behind."""

    def abort(signum: int, frame: object) -> None:
        raise click.Abort

    before = {signum: signal.signal(signum, abort) for signum in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


@contextmanager
def _throwaway() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="contender-demo-") as place, one_line_errors():
        laptop = Laptop(Path(place))
        try:
            laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
            yield laptop.env()
        finally:
            laptop.down()


@contextmanager
def _kept(home: Path) -> Iterator[dict[str, str]]:
    with one_line_errors():
        laptop = Laptop(home)
        laptop.up()
        yield laptop.env()


@contextmanager
def _environment(env: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in env}
    os.environ.update(env)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class _Stopwatch:
    """Seconds between laps, by name."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name] = round(now - self._last, 2)
        self._last = now
