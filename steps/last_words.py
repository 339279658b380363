"""How a script refuses: one line in the log, and where SageMaker reads a job's last words.

Stands beside every script in its container. Needs nothing beyond the standard library.
"""

import sys

MOST = 1000
# `message` is read of a processing job, `failure` of a training job.
FILES = ("message", "failure")


def fail(error, folder):
    """Say why; the exit code to end with."""
    line = " ".join(str(error).split())[:MOST]
    print(f"Refused: {line}", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).write_text(line, encoding="utf-8")
    return 1
