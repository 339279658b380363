"""A job's own Python: it has what the server's has, and what the job installs stays its own.

Scripts run `pip install` as they would in a container that is thrown away afterwards. Here that would change the
environment the server itself runs in. So every job finds a virtual environment on its PATH, of a few links and files,
that sees the server's packages and lays its own over them.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from pathlib import Path

NAMES = ("python", "python3", f"python3.{sys.version_info.minor}")
PIP_NAMES = ("pip", "pip3")
PIP = '#!/bin/sh\nexec "$(dirname "$0")/python3" -m pip "$@"\n'


def make(directory: Path) -> None:
    """Lay out the environment at `directory`, which must not exist. Nothing is copied, so it takes a millisecond."""
    binaries, packages = directory / "bin", packages_of(directory)
    binaries.mkdir(parents=True)
    packages.mkdir(parents=True)
    real = Path(sys.executable).resolve()
    version = ".".join(map(str, sys.version_info[:3]))
    (directory / "pyvenv.cfg").write_text(
        f"home = {real.parent}\ninclude-system-site-packages = false\nversion = {version}\n"
    )
    for name in NAMES:
        (binaries / name).symlink_to(real)
    for name in PIP_NAMES:
        (binaries / name).write_text(PIP)
        (binaries / name).chmod(0o755)
    lines = [f"import site; site.addsitedir({place!r})" for place in _places()]
    (packages / "server.pth").write_text("\n".join(lines) + "\n")


def adopt(directory: Path) -> None:
    """Make this process, forked from one that has imported already, one that runs in that environment."""
    sys.executable = str(directory / "bin" / "python3")
    places = set(_places())
    first = next((index for index, entry in enumerate(sys.path) if entry in places), len(sys.path))
    sys.path.insert(first, str(packages_of(directory)))


def search_path(directory: Path, path: str) -> str:
    """The PATH with the environment's programs first."""
    return os.pathsep.join((str(directory / "bin"), path))


def packages_of(directory: Path) -> Path:
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(directory), "platbase": str(directory)}))


def _places() -> list[str]:
    """Where the server's packages are."""
    user = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    return [*site.getsitepackages(), *user]
