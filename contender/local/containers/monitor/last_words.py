"""How a container ends: its last words in the log, and in the file that becomes the job's ExitMessage."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from contender.local.containers.monitor.errors import MonitorError

EXIT_REFUSED = 255


def tell(environment: Mapping[str, str], work: Callable[[], str]) -> int:
    """The exit code of `work`, which answers its last words or raises a MonitorError."""
    try:
        said, code = work(), 0
        print(said)
    except MonitorError as error:
        said, code = "Error: " + " ".join(str(error).split()), EXIT_REFUSED
        print(said, file=sys.stderr)
    message = Path(environment.get("SM_OUTPUT_DIR", "/opt/ml/output")) / "message"
    message.parent.mkdir(parents=True, exist_ok=True)
    message.write_text(said)
    return code
