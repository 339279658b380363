"""`contender doctor`: what this machine and this project have, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import click

from contender.cli.extras import EXTRAS, advice, missing
from contender.cli.output import emit_rows, json_option
from contender.config import FILE, load
from contender.errors import ContenderError

FREE_DISK_GB = 3
PURPOSES = {"pipeline": "to compile the pipeline", "local": "for the laptop", "studio": "for the web page"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `advice` is empty where all is well. `needed` findings make the exit code 1."""

    check: str
    found: str
    ok: bool
    advice: str = ""
    needed: bool = True


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Check that this machine and this project have what they need."""
    findings = list(examine(Path.cwd()))
    rows = [{**asdict(finding), "verdict": _verdict(finding)} for finding in findings]
    emit_rows(rows, ("check", "verdict", "found", "advice"), as_json=as_json)
    if any(finding.needed and not finding.ok for finding in findings):
        raise click.exceptions.Exit(1)


def examine(project: Path) -> Iterator[Finding]:
    """Every finding about this machine and the project in `project`; changes nothing."""
    yield _python()
    for extra, purpose in PURPOSES.items():
        yield _extra(extra, purpose)
    yield _settings(project)
    yield _private_mounts()
    yield _disk(project)
    yield _credentials()


def _verdict(finding: Finding) -> str:
    return "ok" if finding.ok else "missing" if finding.needed else "note"


def _python() -> Finding:
    ok = sys.version_info >= (3, 11)
    return Finding("python", platform.python_version(), ok, "" if ok else "install Python 3.11 or newer")


def _extra(extra: str, purpose: str) -> Finding:
    """An extra is not needed by who does without its part: the laptop's are not, to work with an account."""
    if absent := missing(extra):
        what = f"without {', '.join(absent)}"
        return Finding(f"extra [{extra}]", what, False, f"{purpose}: {advice(extra)}", needed=False)
    versions = ", ".join(f"{package} {metadata.version(package)}" for package in EXTRAS[extra].values())
    return Finding(f"extra [{extra}]", versions, True)


def _settings(project: Path) -> Finding:
    try:
        settings = load(project / FILE)
    except ContenderError as error:
        return Finding("contender.yaml", str(error), False, "run this in the project's folder, or correct the file")
    return Finding("contender.yaml", f"project {settings.project} in {settings.region}", True)


def _private_mounts() -> Finding:
    """Jobs get an /opt/ml of their own where the kernel lends user namespaces; elsewhere SM_* variables."""
    if platform.system() != "Linux":
        return Finding(
            "private /opt/ml",
            platform.system(),
            False,
            "scripts must find their folders by SM_* variables",
            needed=False,
        )
    setting = Path("/proc/sys/user/max_user_namespaces")
    allowed = os.geteuid() == 0 or (setting.exists() and int(setting.read_text()) > 0)
    advice = "" if allowed else "allow user namespaces, or let scripts find their folders by SM_* variables"
    return Finding("private /opt/ml", "possible" if allowed else "not allowed here", allowed, advice, needed=False)


def _disk(project: Path) -> Finding:
    free_gb = shutil.disk_usage(project).free / 1e9
    ok = free_gb >= FREE_DISK_GB
    return Finding("disk", f"{free_gb:.0f} GB free", ok, "" if ok else f"free {FREE_DISK_GB} GB", needed=False)


def _credentials() -> Finding:
    url = os.environ.get("AWS_ENDPOINT_URL_SAGEMAKER")
    checks: tuple[tuple[Callable[[], bool], str], ...] = (
        (lambda: bool(url), f"the laptop at {url}"),
        (lambda: bool(os.environ.get("AWS_PROFILE") or os.environ.get("AWS_ACCESS_KEY_ID")), "an AWS account"),
    )
    for holds, name in checks:
        if holds():
            return Finding("this shell talks to", name, True)
    advice = 'for the laptop: eval "$(contender local env)"; for AWS: set AWS_PROFILE'
    return Finding("this shell talks to", "nothing yet", False, advice, needed=False)
