"""The start script that the SageMaker SDK's ModelTrainer uploads, recognised so that its Python runs warm.

`sm_train.sh` writes the SM_* variables with a program it brings along, and starts a second one that starts the user's
script: three interpreters, each of which imports everything again. One process does the same for the common case, a
Python script whose requirements are met; the rest runs as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from contender.local.jobs.requirements import are_met

DRIVERS = "/opt/ml/input/data/sm_drivers"
CODE = "/opt/ml/input/data/code"
START = f"{DRIVERS}/sm_train.sh"
ENTRYPOINT = ["/bin/bash", "-c", f"chmod +x {START} && {START}"]
WARM = ("-c", "import sys; from contender.local.containers.model_trainer import main; sys.exit(main())")

SHAPE = re.compile(
    rf"""
\$SM_PYTHON_CMD {DRIVERS}/scripts/environment\.py
.*
source /opt/ml/input/sm_training\.env
set -x
cd {CODE}
(?:\$SM_PYTHON_CMD {DRIVERS}/scripts/install_requirements\.py (?P<requirements>\S+)
)?\$SM_PYTHON_CMD {DRIVERS}/distributed_drivers/basic_script_driver\.py
$""",
    re.DOTALL,
)
"""What is left of the end of it without the lines that only talk; what stands before only looks for Python."""


def is_recognised(entrypoint: Sequence[str], ml: Path) -> bool:
    """Whether a job's entrypoint with its arguments can be `WARM` instead; `ml` is the host's side of `/opt/ml`."""
    if list(entrypoint) != ENTRYPOINT:
        return False
    drivers, code = (ml / place.removeprefix("/opt/ml/") for place in (DRIVERS, CODE))
    try:
        lines = [line.strip() for line in (drivers / "sm_train.sh").read_text().splitlines()]
        program = json.loads((drivers / "sourcecode.json").read_text())["entry_script"]
    except (OSError, ValueError, KeyError):
        return False
    found = SHAPE.search("\n".join(line for line in lines if line and not line.startswith("echo ")) + "\n")
    if found is None or not str(program).endswith(".py"):
        return False
    return found["requirements"] is None or are_met(code / found["requirements"])
