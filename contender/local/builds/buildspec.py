"""buildspec.yml, version 0.2: the phases and their commands. What cannot be honoured here is refused by name.

The format: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

FILE = "buildspec.yml"
PHASES = ("install", "pre_build", "build", "post_build")
SHELLS = {"sh": "sh", "/bin/sh": "sh", "bash": "bash"}

ELSEWHERE = ("artifacts", "cache", "reports", "proxy")
"""Sections about what CodeBuild does around the commands: there is no such thing here, and nothing fails without."""
_OF_ENV = ("shell", "variables", "exported-variables", "git-credential-helper")
_OF_PHASE = ("commands", "finally", "on-failure", "runtime-versions")


class BuildspecError(Exception):
    """buildspec.yml is absent or holds what cannot be run; one line."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Commands in order. `aborts`: whether the build ends where this phase fails; None: as CodeBuild's phases do."""

    name: str
    commands: tuple[str, ...]
    last: tuple[str, ...] = ()
    aborts: bool | None = None


@dataclass(frozen=True, slots=True)
class Buildspec:
    """What is run, in order; `left_out` are sections that have no meaning on this machine."""

    phases: tuple[Phase, ...]
    variables: Mapping[str, str]
    shell: str = "sh"
    left_out: tuple[str, ...] = ()


def parse(text: str) -> Buildspec:
    """Raises BuildspecError."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BuildspecError(f"{FILE} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict) or str(document.get("version")) != "0.2":
        raise BuildspecError(f"{FILE} must say `version: 0.2`, the one version that is run here")
    _known(FILE, document, ("version", "env", "phases", *ELSEWHERE))
    env = _mapping("env", document.get("env", {}))
    _known("env", env, _OF_ENV)
    shell = str(env.get("shell", "sh"))
    if shell not in SHELLS:
        raise BuildspecError(f"{FILE}: env.shell {shell!r} is not run here: use {' or '.join(SHELLS)}")
    phases = _mapping("phases", document.get("phases"))
    _known("phases", phases, PHASES)
    return Buildspec(
        tuple(_phase(name, _mapping(f"phases.{name}", phases[name])) for name in PHASES if name in phases),
        {name: str(value) for name, value in _mapping("env.variables", env.get("variables", {})).items()},
        SHELLS[shell],
        tuple(name for name in ELSEWHERE if name in document),
    )


def _phase(name: str, body: Mapping[str, Any]) -> Phase:
    place = f"phases.{name}"
    _known(place, body, _OF_PHASE)
    failing = body.get("on-failure")
    if failing not in (None, "ABORT", "CONTINUE"):
        raise BuildspecError(f"{FILE}: {place}.on-failure {failing!r} is not run here: use ABORT or CONTINUE")
    return Phase(
        name,
        _commands(f"{place}.commands", body.get("commands", [])),
        _commands(f"{place}.finally", body.get("finally", [])),
        None if failing is None else failing == "ABORT",
    )


def _commands(place: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BuildspecError(f"{FILE}: {place} must be a list of commands; quote one that holds `: `")
    return tuple(value)


def _mapping(place: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BuildspecError(f"{FILE}: {place} must hold keys and values")
    return value


def _known(place: str, found: Mapping[str, Any], names: tuple[str, ...]) -> None:
    if unknown := sorted(set(found) - set(names)):
        raise BuildspecError(f"{place}: {unknown[0]!r} is not run here; known are {', '.join(names)}")
