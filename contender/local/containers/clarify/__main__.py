"""The image's entrypoint: finds its inputs as the job's configuration names them, and says in one line what it refuses.

Inputs `analysis_config` and `dataset` and the output `analysis_result` are where `processingjobconfig.json` says, or
else in the directories that the SageMaker SDK uses. SM_PROCESSING_DIR and SM_OUTPUT_DIR say where these lie on a
machine that gives jobs no `/opt/ml` of their own.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from contender.local.containers.clarify.errors import ClarifyError
from contender.local.containers.clarify.job import Places, run

ROOT = "/opt/ml/processing"
EXIT_REFUSED = 255


def find_places(processing: Path) -> Places:
    """`processing` is what `/opt/ml/processing` is here."""
    named: dict[str, str] = {}
    try:
        job = json.loads((processing.parent / "config" / "processingjobconfig.json").read_text())
    except OSError:
        job = {}
    for each in job.get("ProcessingInputs") or ():
        named[each["InputName"]] = (each.get("S3Input") or {}).get("LocalPath", "")
    for each in (job.get("ProcessingOutputConfig") or {}).get("Outputs") or ():
        named[each["OutputName"]] = (each.get("S3Output") or {}).get("LocalPath", "")

    def place(name: str, default: str) -> Path:
        return processing / (named.get(name) or default).removeprefix(ROOT).strip("/")

    return Places(
        config=place("analysis_config", "input/config"),
        data=place("dataset", "input/data"),
        output=place("analysis_result", "output"),
    )


def main(environment: Mapping[str, str]) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    logging.getLogger("contender").setLevel(logging.INFO)
    try:
        run(find_places(Path(environment.get("SM_PROCESSING_DIR", ROOT))), environment)
    except ClarifyError as error:
        print(f"ClientError: {error}", file=sys.stderr)
        message = Path(environment.get("SM_OUTPUT_DIR", "/opt/ml/output")) / "message"
        message.parent.mkdir(parents=True, exist_ok=True)
        message.write_text(f"ClientError: {error}")
        return EXIT_REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
