"""The start script that the SageMaker SDK's FrameworkProcessor uploads, recognised so that its Python runs warm.

`runproc.sh` unpacks `sourcedir.tar.gz`, installs `requirements.txt` and starts `python3 script.py "$@"`. Run by bash it
would start a fresh interpreter and import everything again. A script that does anything else runs as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contender.local.artifacts import unpack
from contender.local.jobs.requirements import command_with

CODE = "/opt/ml/processing/input/code"
SHELLS = frozenset({"bash", "sh", "/bin/bash", "/bin/sh"})

TALK = re.compile(r"""(?:#.*|ls -la|echo "[^"$`\\]*")?""")
"""Lines that do nothing but explain."""

SHAPE = re.compile(
    rf"""set -e
cd {CODE}/?
if \[ -f sourcedir\.tar\.gz \]; then
tar -xzf sourcedir\.tar\.gz
else
exit 1
fi
if \[\[ -f '?(?P<requirements>[^'\] ]+)'? \]\]; then
pip uninstall --yes typing
(?:pip install -r \S+|python3 \S+/install_requirements\.py \S+)
fi
(?P<command>python3?(?: -\S+)*) (?P<script>\S+) "\$@\""""
)


@dataclass(frozen=True, slots=True)
class FrameworkScript:
    command: tuple[str, ...]
    script: str
    requirements: str


def recognise(entrypoint: Sequence[str], ml: Path) -> FrameworkScript | None:
    """What the job's entrypoint starts if it is the SDK's script; `ml` is the host's side of `/opt/ml`."""
    if len(entrypoint) != 2 or entrypoint[0] not in SHELLS or not entrypoint[1].startswith("/opt/ml/"):
        return None
    try:
        text = (ml / entrypoint[1].removeprefix("/opt/ml/")).read_text()
    except OSError:
        return None
    lines = (line.strip() for line in text.splitlines())
    found = SHAPE.fullmatch("\n".join(line for line in lines if not TALK.fullmatch(line)))
    if found is None or not (ml / "processing/input/code/sourcedir.tar.gz").is_file():
        return None
    return FrameworkScript(tuple(found["command"].split()), found["script"], found["requirements"])


def prepare(script: FrameworkScript, arguments: Sequence[str], ml: Path) -> tuple[str, ...]:
    """Do what the script does before it starts Python; the command it would start. Raises ArtifactError."""
    code = ml / "processing/input/code"
    unpack(code / "sourcedir.tar.gz", code)
    argv = (*script.command, script.script, *arguments)
    return command_with(code / script.requirements, argv, f"{CODE}/{script.requirements}")
