"""What is said about a process that ended: the reasons AWS gives, with the job's own words in them."""

from __future__ import annotations

import signal
from pathlib import Path

from contender.local.context import Context
from contender.local.jobs.job import Job, JobFailed, JobStopped
from contender.local.jobs.process import Limits, Outcome

MESSAGE_LIMIT = 1024
TAIL_BYTES = 16384
TRACEBACK = "Traceback (most recent call last):"


def stream(context: Context, name: str) -> str:
    """The log stream's name, as AWS makes it: the job, the host, the time."""
    return f"{name}/algo-1-{int(context.clock().timestamp() * 1000)}"


def check(outcome: Outcome, job: Job, limits: Limits, script: str | None = None) -> None:
    """Pass a process that ended well by itself. `script` is a training script's command line, for the message.

    Raises:
        JobStopped: it was stopped.
        JobFailed: it failed, or outgrew its memory.
    """
    if outcome.ending == "stopped":
        raise JobStopped
    if outcome.ending == "out of memory":
        raise JobFailed(
            "ClientError: Please use an instance type with more memory, or reduce the size of the data: "
            f"the job used {outcome.used_mb} MB and its instance has {limits.memory_mb} MB"
        )
    if outcome.code == 0:
        return
    said = read_message(job.ml / "output" / "failure") or last_line(job.log)
    code = outcome.code if outcome.code >= 0 else 128 - outcome.code
    if said.startswith(("ClientError: ", "AlgorithmError: ")):
        raise JobFailed(f"{said}, exit code: {code}")
    if outcome.code < 0:
        said = f"killed by {signal.Signals(-outcome.code).name}" + (f" after: {said}" if said else "")
    if script is not None:
        said = f'ExecuteUserScriptError:\nExitCode {code}\nErrorMessage "{said}"\nCommand "{script}"'
    raise JobFailed(f"AlgorithmError: {said or 'See job logs for more information'}, exit code: {code}")


def read_message(path: Path) -> str:
    """What the container left in a file for us, at most a kilobyte."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(MESSAGE_LIMIT).strip()
    except OSError:
        return ""


def last_line(log: Path) -> str:
    """The last line that says something; of a Python traceback the error, whose message may go on for lines."""
    try:
        with open(log, "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    lines = [line for line in lines if line.strip()]
    if TRACEBACK in lines:
        after = len(lines) - lines[::-1].index(TRACEBACK)
        lines = [line for line in lines[after:] if not line.startswith(" ")][:1] or lines
    return lines[-1].strip() if lines else ""
