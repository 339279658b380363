"""The phases of a buildspec, one after the other, as CodeBuild goes from one to the next.

    install ─► pre_build ─► build ─► post_build        a failed install or pre_build ends the build,
                              failed ─┘                after a failed build post_build runs all the same

`on-failure: ABORT` ends the build where the phase fails, `CONTINUE` goes on with the next phase. A phase's commands
end with the first that fails; its `finally` commands run in any case. Whatever happens after a failure, the build has
failed. Source: https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from contender.local.builds.buildspec import Buildspec, Phase
from contender.local.builds.shell import Shell

SUCCEEDING = "CODEBUILD_BUILD_SUCCEEDING"


@dataclass(frozen=True, slots=True)
class Failure:
    """The first thing that failed."""

    phase: str
    command: str
    code: int


def run_phases(
    spec: Buildspec, shell: Shell, say: Callable[[str], None], began: Callable[[str], None] = lambda phase: None
) -> Failure | None:
    """Run what the buildspec says; the first failure, or None. `began` hears of each phase as it begins."""
    first: Failure | None = None
    for phase in spec.phases:
        began(phase.name)
        say(f"phase {phase.name.upper()}")
        start = time.monotonic()
        failure = _run(phase, shell, say)
        took = f"{time.monotonic() - start:.1f} s"
        say(f"phase {phase.name.upper()} {'failed' if failure else 'succeeded'} after {took}")
        if failure is None:
            continue
        first = first or failure
        shell.export(SUCCEEDING, "0")
        if phase.aborts or (phase.aborts is None and phase.name != "build"):
            break
    return first


def _run(phase: Phase, shell: Shell, say: Callable[[str], None]) -> Failure | None:
    failure: Failure | None = None
    for commands in (phase.commands, phase.last):
        for command in commands:
            say(f"$ {command.strip()}")
            if code := shell.run(command):
                say(f"exit code {code}")
                failure = failure or Failure(phase.name, command.strip(), code)
                break
    return failure
