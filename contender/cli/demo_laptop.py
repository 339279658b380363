"""What the demos share: a laptop of their own, the project deployed on it, and a stopwatch."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from contender.aws import client
from contender.cli.deploy import deploy_all, overrides_from
from contender.cli.home import one_line_errors
from contender.cli.local_page import NAME, show_page
from contender.cli.output import note
from contender.config import Settings
from contender.local.launcher.laptop import Laptop, Ports
from contender.pipeline.compiling import compile_project
from contender.pipeline.origin import origin
from contender.pipeline.targets import targets
from contender.pipeline.upserting import release


class Stopwatch:
    """Seconds between laps, by name."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name] = round(now - self._last, 2)
        self._last = now


@contextmanager
def laptop(home: Path, *, keep: bool) -> Iterator[str]:
    """A laptop that this process's AWS clients talk to: the usual one in `home`, or one that is gone afterwards.

    Gives the address of the usual one's web page, "" where there is none.
    """
    with ExitStack() as stack:
        stack.enter_context(stopped_by_signals())
        env, page = stack.enter_context(_kept(home) if keep else _throwaway())
        stack.enter_context(_environment(env))
        yield page


def set_up(settings: Settings, clock: Stopwatch) -> Mapping[str, str]:
    """Deploy stacks and pipelines; the outputs of all stacks, whose names differ."""
    outputs: dict[str, str] = {}
    for result in deploy_all(settings, overrides_from(os.environ)).stacks:
        note(f"stack {result.stack} {result.action}")
        outputs |= result.outputs
    clock.lap("deploy")
    sagemaker, s3 = client("sagemaker", settings.region), client("s3", settings.region)
    source = origin(client("sts", settings.region), Path.cwd(), os.environ)
    compiled = {target: compile_project(settings, outputs, target=target) for target in targets(settings)}
    for target, upserted in release(sagemaker, s3, settings, outputs["PipelineRoleArn"], compiled, source).items():
        note(f"pipeline {target.name} {upserted.action}")
    clock.lap("compile")
    return outputs


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
def _throwaway() -> Iterator[tuple[dict[str, str], str]]:
    with tempfile.TemporaryDirectory(prefix="contender-demo-") as place, one_line_errors():
        laptop = Laptop(Path(place))
        try:
            laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
            yield laptop.env(), ""
        finally:
            laptop.down()


@contextmanager
def _kept(home: Path) -> Iterator[tuple[dict[str, str], str]]:
    with one_line_errors():
        laptop = Laptop(home)
        laptop.up()
        page = show_page(laptop).get(NAME, "")
        yield laptop.env(), page


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
