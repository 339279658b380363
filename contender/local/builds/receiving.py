"""What happens after a push: the hook's program. It refuses nothing, for the refs have moved already.

    <old> <new> refs/heads/<branch>    the delivered branch: one build of its new commit; its log is shown to the end
    anything else                      accepted, and said to build nothing

A push that is stopped with Ctrl-C stops watching: the build goes on, as it does on AWS. Were it to end, the branch
would stay where the push moved it, and pushing again would build nothing.
"""

from __future__ import annotations

import argparse
import getpass
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from contender.local.builds.folders import Build, Folders
from contender.local.builds.repository import NOTHING, PACKAGE_ROOT, Repository, clean
from contender.local.launcher.environment import for_processes

_GLANCE_S = 0.05


def receive(lines: Iterable[str], repository: Repository, folders: Folders, say: Callable[[str], None]) -> list[Build]:
    """Tell what each pushed ref means; the builds that are to run."""
    builds = []
    for line in lines:
        before, commit, ref = line.split()
        if commit == NOTHING:
            say(f"{ref} is deleted; nothing is built")
        elif ref != repository.ref:
            say(f"{ref} is accepted; only {repository.ref} is built")
        else:
            builds.append(folders.new(ref, commit, before, getpass.getuser()))
    return builds


def start(
    build: Build, repository: Repository, folders: Folders, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """The build in a session of its own, writing its log."""
    command = [sys.executable, "-m", "contender.local.builds.build", "--home", str(repository.home)]
    command += ["--repository", str(repository.path), "--number", str(build.number)]
    with folders.log(build).open("wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=for_processes(clean(environment)),
            cwd=PACKAGE_ROOT,
        )


def follow(log: Path, running: Callable[[], bool], write: Callable[[bytes], object]) -> None:
    """Hand on what is written to the log, whole lines as they come, until whoever writes it has ended."""
    rest = b""
    with log.open("rb") as file:
        while True:
            ended = not running()
            rest += file.read()
            whole, newline, rest = rest.rpartition(b"\n")
            if whole or newline:
                write(whole + newline)
            if ended:
                write(rest + b"\n" if rest else b"")
                return
            time.sleep(_GLANCE_S)


def build_and_follow(build: Build, repository: Repository, folders: Folders) -> int:
    """Start it and show its log to the end; its exit code, below 0 if it was killed."""
    process = start(build, repository, folders, os.environ)
    say(f"build {build.number} of {build.commit[:10]}; it goes on if you stop watching: {folders.log(build)}")
    follow(folders.log(build), lambda: process.poll() is None, _out)
    code = process.wait()
    if code < 0:
        say(f"build {build.number} was killed, and what it ran may go on a while; once more: contender local build")
    return code


def say(line: str) -> None:
    _out(f"{line}\n".encode())


def _out(text: bytes) -> None:
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--repository", type=Path, required=True)
    options = parser.parse_args(argv)
    repository, folders = Repository(options.home, options.repository.stem), Folders(options.home)
    for build in receive(sys.stdin, repository, folders, say):
        build_and_follow(build, repository, folders)


if __name__ == "__main__":
    main()
