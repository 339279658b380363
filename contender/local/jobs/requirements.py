"""A job's requirements.txt: installed into the job's own Python, and only if something is missing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement


def command_with(requirements: Path, argv: Sequence[str], inside: str) -> tuple[str, ...]:
    """`argv`, with what is missing of `requirements` installed first; `inside` is that file as the job sees it.

    A job whose requirements are met already runs in the warm process. One that brings other versions needs an
    interpreter of its own, because a library that is imported cannot be exchanged.
    """
    if are_met(requirements):
        return tuple(argv)
    install = f"python3 -m pip install --quiet --requirement {shlex.quote(inside)}"
    return ("bash", "-c", f"{install} && exec {shlex.join(argv)}")


def are_met(requirements: Path) -> bool:
    """Whether this interpreter has everything that the file asks for; a file that is not there asks for nothing."""
    return not requirements.is_file() or all(_is_met(line) for line in requirements.read_text().splitlines())


def _is_met(line: str) -> bool:
    text = line.partition("#")[0].strip()
    if not text:
        return True
    try:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate():
            return True
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except (InvalidRequirement, metadata.PackageNotFoundError):
        return False
