"""What the SageMaker SDK's `sm_train.sh` does, in one process: its own programs prepare, the user's script runs."""

from __future__ import annotations

import os
import runpy
import shlex
import sys
import traceback
from pathlib import Path

DRIVERS = Path("/opt/ml/input/data/sm_drivers")
CODE = Path("/opt/ml/input/data/code")
VARIABLES = Path("/opt/ml/input/sm_training.env")


def main() -> int:
    command = _prepare()
    print(f"Executing command: {' '.join(command)}")
    os.chdir(CODE)
    sys.argv = command[1:]
    script = Path(command[1]).resolve()
    sys.path.insert(0, str(script.parent))
    try:
        runpy.run_path(command[1], run_name="__main__")
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and Path(trace.tb_frame.f_code.co_filename).resolve() != script:
            trace = trace.tb_next
        traceback.print_exception(type(error), error, trace or error.__traceback__)
        return 1
    return 0


def _prepare() -> list[str]:
    """The variables set as the SDK's program writes them; the command that its driver would start.

    Both bring a package `common`, which must not hide one of the user's.
    """
    path, modules = list(sys.path), set(sys.modules)
    runpy.run_path(str(DRIVERS / "scripts" / "environment.py"), run_name="__main__")
    assignments = (word for word in shlex.split(VARIABLES.read_text()) if word != "export")
    os.environ.update(dict(each.split("=", 1) for each in assignments))
    driver = runpy.run_path(str(DRIVERS / "distributed_drivers" / "basic_script_driver.py"))
    command: list[str] = driver["create_commands"]()
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(DRIVERS)):
            del sys.modules[name]
    return command
