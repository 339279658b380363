"""One build, from waiting for its turn to a line that says how it ended; a process of its own, its stdout is the log.

Builds take turns. One that gets its turn after its branch went on builds nothing: the newer push's build comes.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from contender.local.builds.buildspec import FILE, BuildspecError, parse
from contender.local.builds.folders import Build, Folders
from contender.local.builds.phases import run_phases
from contender.local.builds.repository import GitFailure, Repository
from contender.local.builds.shell import Shell
from contender.local.builds.surroundings import surroundings
from contender.local.launcher.failure import LaptopFailure
from contender.local.launcher.laptop import Laptop

Pipelines = Mapping[str, Any]
"""By name, when each was changed last."""


class _Unbuildable(Exception):
    """The build ends before its first command; one line."""


def say(line: str) -> None:
    print(line, flush=True)


def run(folders: Folders, build: Build, repository: Repository, laptop: Laptop, shell: Mapping[str, str]) -> Build:
    """Run the build when its turn comes; as it ended."""
    with _turn(folders, build) as turn:
        _end_killed(folders)
        if repository.commit(build.ref) != build.commit:
            say(f"build {build.number}: {build.commit[:10]} is superseded by a newer push; nothing is built")
            return folders.change(build, status="superseded")
        build = folders.change(build, status="running")
        try:
            return _run(folders, build, repository, laptop, shell, turn)
        except _Unbuildable as error:
            say(f"build {build.number} failed before its first phase: {error}; the pipeline is as it was")
            return folders.change(build, status="failed")
        except BaseException:
            folders.change(build, status="interrupted")
            raise
        finally:
            shutil.rmtree(folders.work(build), ignore_errors=True)


def _run(
    folders: Folders, build: Build, repository: Repository, laptop: Laptop, shell: Mapping[str, str], turn: int
) -> Build:
    start = time.monotonic()
    work = folders.work(build)
    source, scratch = work / "src", work / "scratch"
    try:
        env = laptop.env()
        repository.check_out(build.commit, source)
        spec = parse((source / FILE).read_text(encoding="utf-8"))
        before = _pipelines(env)
    except FileNotFoundError as error:
        raise _Unbuildable(f"the commit has no {FILE}") from error
    except (LaptopFailure, GitFailure, BuildspecError, UnicodeDecodeError) as error:
        raise _Unbuildable(str(error)) from error
    scratch.mkdir()
    variables = {**surroundings(build, repository, source, folders.log(build), env, shell), **spec.variables}
    if spec.left_out:
        say(f"left out, as there is no CodeBuild here: {', '.join(spec.left_out)}")
    with Shell(spec.shell, source, scratch, variables, turn) as commands:
        failure = run_phases(spec, commands, say, lambda phase: _note(folders, build, phase))
    took = f"{time.monotonic() - start:.0f} s"
    if failure is None:
        say(f"build {build.number} succeeded in {took}")
        return folders.change(build, status="succeeded")
    what = _what_changed(before, env)
    say(f"build {build.number} failed in phase {failure.phase.upper()} ({failure.command}) after {took}: {what}")
    return folders.change(build, status="failed", phase=failure.phase)


def end_killed(folders: Folders) -> None:
    """Have builds that were killed listed so; not while one runs, or something that a killed one left."""
    if folders.path.exists():
        with (folders.path / "lock").open("w") as handle, suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _end_killed(folders)


def _end_killed(folders: Folders) -> None:
    """Whoever has the turn is alone: a build that runs all the same was killed before it could say so."""
    for build in folders.all():
        if build.status == "running":
            folders.change(build, status="interrupted")
            shutil.rmtree(folders.work(build), ignore_errors=True)


def _note(folders: Folders, build: Build, phase: str) -> None:
    folders.change(build, phase=phase)


@contextmanager
def _turn(folders: Folders, build: Build) -> Iterator[int]:
    """One build at a time: the open file of a lock, which the kernel frees when the last that holds it ends.

    That is the build, or what it ran, should the build be killed: that ends before the next begins.
    """
    with (folders.path / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"build {build.number} waits for the one that runs")
            fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield handle.fileno()
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)  # whatever a command has left in the background


def _pipelines(env: Mapping[str, str]) -> Pipelines:
    """What SageMaker here has, to say truly what a failed build left behind."""
    sagemaker = boto3.client(
        "sagemaker",
        region_name=env["AWS_REGION"],
        endpoint_url=env["AWS_ENDPOINT_URL_SAGEMAKER"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        config=Config(proxies={}, retries={"max_attempts": 2}),
    )
    try:
        pages = sagemaker.get_paginator("list_pipelines").paginate()
        return {each["PipelineName"]: each["LastModifiedTime"] for page in pages for each in page["PipelineSummaries"]}
    except (BotoCoreError, ClientError) as error:
        raise _Unbuildable(f"SageMaker does not answer: {error}") from error
    finally:
        sagemaker.close()


def _what_changed(before: Pipelines, env: Mapping[str, str]) -> str:
    try:
        after = _pipelines(env)
    except _Unbuildable as error:
        return f"whether pipelines changed cannot be told: {error}"
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return f"changed already: {', '.join(changed)}" if changed else "the pipeline is as it was"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the build that waits under a number; 0 unless it failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--repository", type=Path, required=True)
    parser.add_argument("--number", type=int, required=True)
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, _end)
    folders = Folders(options.home)
    repository = Repository(options.home, options.repository.stem)
    done = run(folders, folders.read(options.number), repository, Laptop(options.home), os.environ)
    return 1 if done.status == "failed" else 0


def _end(number: int, frame: Any) -> NoReturn:
    """So that whoever is stopped cleans up behind it."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
