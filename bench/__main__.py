"""`make bench`: every measurement, one after the other; or those named as arguments (`make bench ARGS=serving`).

Each module of this package has `run() -> Iterator[Figure]`. Figures are printed beside the project's own bound
and, where that is the fairer measure, as a ratio to a bare loop or a peer timed in the same run: machines are noisy.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from bench.figure import Figure

MODULES = (
    "laptop",
    "pipeline",
    "every_step",
    "jobs",
    "serving",
    "tick",
    "api",
    "counting",
    "inference",
    "statistics",
    "experiments",
    "studio",
)


def main(argv: Sequence[str]) -> int:
    names = argv or MODULES
    if unknown := set(names) - set(MODULES):
        print(f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(MODULES)}", file=sys.stderr)
        return 2
    missed = 0
    for name in names:
        for figure in importlib.import_module(f"bench.{name}").run():
            print(_line(name, figure), flush=True)
            missed += not figure.holds
    print(f"{missed} figures miss their bound" if missed else "every figure holds its bound")
    return 0


def _line(name: str, figure: Figure) -> str:
    bound = "" if figure.bound is None else f"  bound {figure.sign} {figure.bound:g} {figure.unit}"
    verdict = "" if figure.bound is None else ("  holds" if figure.holds else "  MISSED")
    return f"{name:11} {figure.name:62} {figure.value:10.4g} {figure.unit:5}{bound}{verdict}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
