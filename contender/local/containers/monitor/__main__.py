"""`python -m contender.local.containers.monitor`: one analysis, as the environment says; see `settings`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from contender.local.containers.monitor.analysis import analyse
from contender.local.containers.monitor.errors import MonitorError
from contender.local.containers.monitor.settings import Settings

EXIT_REFUSED = 255


def main(environment: Mapping[str, str]) -> int:
    message = Path(environment.get("SM_OUTPUT_DIR", "/opt/ml/output")) / "message"
    try:
        said, code = analyse(Settings.from_environment(environment)), 0
        print(said)
    except MonitorError as error:
        said, code = "Error: " + " ".join(str(error).split()), EXIT_REFUSED
        print(said, file=sys.stderr)
    message.parent.mkdir(parents=True, exist_ok=True)
    message.write_text(said)
    return code


if __name__ == "__main__":
    sys.exit(main(os.environ))
