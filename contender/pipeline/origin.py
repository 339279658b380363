"""Where a definition comes from: the commit of the project's folder, and who deploys it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contender.aws import caller

DIRTY = "-dirty"


@dataclass(frozen=True, slots=True)
class Origin:
    """`commit` is whole, ends in -dirty where files differ from it, and is empty where nobody knows."""

    commit: str
    by: str


def origin(sts: Any, folder: Path, environ: Mapping[str, str]) -> Origin:
    """A build knows its commit and who began it; elsewhere git and the machine are asked."""
    commit = environ.get("CODEBUILD_RESOLVED_SOURCE_VERSION") or _commit_of(folder)
    return Origin(commit, environ.get("CODEBUILD_INITIATOR") or caller(sts))


def clean(commit: str) -> str:
    """The commit without what says that files differed from it."""
    return commit.removesuffix(DIRTY)


def short(commit: str) -> str:
    """As people read it."""
    whole, dirty, _ = commit.partition(DIRTY)
    return f"{whole[:10]}{dirty}" or "-"


def _commit_of(folder: Path) -> str:
    head = _git(folder, "rev-parse", "--verify", "HEAD")
    return f"{head}{DIRTY}" if head and _git(folder, "status", "--porcelain") else head


def _git(folder: Path, *words: str) -> str:
    """What git printed; nothing where there is no git, no repository, or no commit."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
