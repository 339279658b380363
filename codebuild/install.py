"""Install: a virtual environment in build/venv with what setup.py asks for, in the versions of constraints.txt.

It is layered over the Python that runs this: what that one has already, as asked for, is not downloaded. On CodeBuild
that is next to nothing; on the laptop it is everything, unless the commit asks for something new.
"""

from __future__ import annotations

import sysconfig
import venv
from distutils.core import run_setup  # setuptools' own where the standard library has none any more
from pathlib import Path

import setuptools
from phase import ROOT, VENV, Phase, python


def main() -> None:
    phase = Phase("install", "what setup.py asks for, in a virtual environment of the build's own")
    with phase.step("environment"):
        venv.create(VENV, clear=True, with_pip=False, symlinks=True)
        own = sysconfig.get_path("purelib", vars={"base": str(VENV), "platbase": str(VENV)})
        Path(own, "below.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    with phase.step("packages"):
        # Not the project itself: building it in isolation would download setuptools where nothing is to install.
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input")
        python(*pip, "--constraint", "constraints.txt", *requirements())
    phase.done()


def requirements() -> list[str]:
    """What setup.py asks for, with the tools that check it."""
    assert setuptools
    project = run_setup(str(ROOT / "setup.py"), stop_after="init")
    return [*project.install_requires, *project.extras_require["dev"]]


if __name__ == "__main__":
    main()
