"""The bare repository that is pushed to, and the remote that names it in the project's own repository.

Plain git does all of it. What a hook inherits (GIT_DIR and its like) would send git into the wrong repository, so no
variable of git's reaches a command here.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

REMOTE = "laptop"
NOTHING = "0" * 40
"""What git calls the commit of a ref that is not there."""

PACKAGE_ROOT = Path(__file__).resolve().parents[3]
"""Where Python finds this package, however it was installed."""

_BRANCH = "contender.branch"
_HOOK = """#!/bin/sh
# Written by `contender local up`: what was pushed stands on stdin.
cd {root} && exec {python} -m contender.local.builds.receiving --home {home} --repository {repository}
"""


class GitFailure(Exception):
    """A git command failed; the message is git's."""


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without git's variables."""
    return {name: value for name, value in environment.items() if not name.startswith("GIT_")}


def git(folder: Path, *words: str) -> str:
    """What the command printed. Raises GitFailure; FileNotFoundError where git is not installed."""
    command = ["git", "-C", str(folder), *words]
    done = subprocess.run(command, env=clean(os.environ), capture_output=True, text=True, check=False)
    if done.returncode:
        raise GitFailure(f"git {words[0]}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout.strip()


class Repository:
    """One project's bare repository in a laptop's home."""

    def __init__(self, home: Path, name: str) -> None:
        self.home, self.path = home, home / "git" / f"{name}.git"

    def prepare(self, branch: str) -> None:
        """Make it if absent; its hook is for this interpreter, and builds `branch`. Safe to repeat."""
        self.path.mkdir(parents=True, exist_ok=True)
        if not (self.path / "HEAD").exists():
            git(self.path, "init", "--quiet", "--bare")
        git(self.path, "symbolic-ref", "HEAD", f"refs/heads/{branch}")
        git(self.path, "config", _BRANCH, branch)
        git(self.path, "config", "receive.denyDeleteCurrent", "ignore")  # no host refuses what its owner wants
        words = {
            "root": str(PACKAGE_ROOT),
            "python": sys.executable,
            "home": str(self.home),
            "repository": str(self.path),
        }
        hook = self.path / "hooks" / "post-receive"
        hook.parent.mkdir(exist_ok=True)
        draft = hook.with_suffix(f".{os.getpid()}")
        draft.write_text(_HOOK.format(**{name: shlex.quote(word) for name, word in words.items()}))
        draft.chmod(0o755)
        draft.replace(hook)

    @property
    def ref(self) -> str:
        """The ref whose pushes are built."""
        return f"refs/heads/{git(self.path, 'config', _BRANCH)}"

    def commit(self, ref: str) -> str | None:
        """The commit a ref is at; None if there is no such ref."""
        try:
            return git(self.path, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        except GitFailure:
            return None

    def check_out(self, commit: str, folder: Path) -> None:
        """A clean tree of the commit: a repository of its own, so that no tool reads the .gitignore around it."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        git(self.path, "clone", "--quiet", "--shared", "--no-checkout", str(self.path), str(folder))
        git(folder, "checkout", "--quiet", "--detach", commit)


def offer(repository: Path, folder: Path) -> str:
    """Name the repository `laptop` in the project at `folder`, if that can be no surprise; a line about it.

    It is none where the laptop's home lies in the project, as it does by default. A remote `laptop` that leads
    elsewhere is somebody's own, or another worktree's, and stays; one to where the repository was before the project
    moved is renewed.
    """
    by_hand = f"git remote add {REMOTE} {shlex.quote(str(repository))}"
    try:
        top = Path(git(folder, "rev-parse", "--show-toplevel"))
        remotes = git(folder, "remote").split()
        known = git(folder, "remote", "get-url", REMOTE) if REMOTE in remotes else None
    except GitFailure:
        return f"A push can build and deploy the project: {by_hand}"
    if known == str(repository):
        return f"git push {REMOTE}: builds and deploys what is pushed"
    if known is not None and (_tail(Path(known)) != _tail(repository) or Path(known).exists()):
        return f"git remote {REMOTE} leads to {known} and stays; to push here: git push {shlex.quote(str(repository))}"
    if not repository.is_relative_to(top):
        return f"A push can build and deploy the project: {by_hand}"
    words: Sequence[str] = ("add", REMOTE) if known is None else ("set-url", REMOTE)
    git(folder, "remote", *words, str(repository))
    done = "has the remote" if known is None else "found again the remote"
    return f"{top} {done} {REMOTE}: git push {REMOTE} builds and deploys what is pushed"


def _tail(repository: Path) -> tuple[str, ...]:
    return repository.parts[-2:]
