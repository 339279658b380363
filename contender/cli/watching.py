"""What `contender pipeline watch` shows: a line for each step that ends; in a terminal, what runs now below them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import ClientError
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from contender.executions import violations
from contender.executions.logs import last_words
from contender.executions.snapshot import Snapshot, Step
from contender.executions.watch import Uploaded, ended_since

COLOURS = {"Succeeded": "green", "Failed": "red", "Stopped": "red", "Executing": "yellow", "Starting": "yellow"}
STILL_RUNS_S = 20.0
"""Where nothing can be redrawn, a step that takes longer than this gets a line that says so, once."""
FEW = 4
"""Steps that were not run which are named; of more only how many."""
REPORTED = 3
"""Violations told of a check that did not end the execution; the rest are in its report, and in --json."""
LOGS_ARRIVE_S = 3.0
"""CloudWatch has a job's last lines a moment after the job has ended."""


class Screen:
    """Prints each thing once. Violations and last lines are read when they are shown, and kept for --json."""

    def __init__(
        self, sagemaker: Any, s3: Any, logs: Callable[[], Any], log_lines: int, *, to_stderr: bool = False
    ) -> None:
        self._sagemaker, self._s3, self._logs, self._log_lines = sagemaker, s3, logs, log_lines
        self._console = Console(file=sys.stderr if to_stderr else sys.stdout, highlight=False, soft_wrap=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._before: dict[str, Snapshot] = {}
        self._told: set[tuple[str, str]] = set()
        self.violations: dict[tuple[str, str], tuple[str, ...]] = {}
        self.logs: dict[tuple[str, str], tuple[str, ...]] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, snapshots: Sequence[Snapshot], awaited: Sequence[Uploaded]) -> None:
        """What is new since the last time, and what runs now."""
        several = len(snapshots) + len(awaited) > 1
        for snapshot in snapshots:
            label = f"{snapshot.dimension or snapshot.name}  " if several else ""
            before = self._before.get(snapshot.arn)
            for step in ended_since(before, snapshot):
                self._print_step(snapshot, step, label)
            if not self._console.is_terminal:
                self._print_slow(snapshot, label)
            if not snapshot.running and (before is None or before.running):
                self._print(f"{label}{summary(snapshot)}", COLOURS.get(snapshot.status, ""))
            self._before[snapshot.arn] = snapshot
        for uploaded in awaited:
            if not self._console.is_terminal and self._once("", uploaded.uri):
                self._print(waiting(uploaded))
        if self._console.is_terminal:
            lines = [Text(line, "yellow", no_wrap=True, overflow="ellipsis") for line in _now(snapshots, awaited)]
            self._live.update(Group(*lines), refresh=True)

    def _print_step(self, snapshot: Snapshot, step: Step, label: str) -> None:
        key = (snapshot.arn, step.name)
        report = (step.check or {}).get("ViolationReport")
        if report:
            self.violations[key] = violations.read(self._s3, report)
        found = self.violations.get(key, ())
        self._print(f"{label}{step_line(step, found, _width(snapshot))}", COLOURS.get(step.status, ""))
        shown = found if step.status == "Failed" else found[:REPORTED]
        for text in shown:
            self._print(f"{label}    {text}")
        if len(shown) < len(found):
            self._print(f"{label}    and {len(found) - len(shown)} more: {report}")
        if step.status == "Failed" and step.type != "Fail" and self._log_lines:
            self.logs[key] = tuple(self._last_words(step, snapshot.dimension or ""))
            for text in self.logs[key]:
                self._print(f"{label}  | {text}", "dim")

    def _last_words(self, step: Step, dimension: str) -> list[str]:
        if not _has_log(step):
            return []
        raw: dict[str, Any] = {"StepName": step.name, "Metadata": step.metadata}
        raw |= {"StartTime": step.started} if step.started else {}
        raw |= {"EndTime": step.ended} if step.ended else {}
        deadline = time.monotonic() + LOGS_ARRIVE_S
        try:
            while True:
                lines = last_words(self._sagemaker, self._logs(), raw, dimension, self._log_lines)
                if lines or time.monotonic() > deadline:
                    return [line.text for line in lines]
                time.sleep(0.5)
        except ClientError as error:
            return [f"its log cannot be read: {error.response['Error']['Code']}"]

    def _print_slow(self, snapshot: Snapshot, label: str) -> None:
        for step in snapshot.steps:
            slow = step.status == "Executing" and step.started and float(_seconds(step)) > STILL_RUNS_S
            if slow and self._once(snapshot.arn, step.name):
                self._print(f"{label}{step_line(step, (), _width(snapshot))}")

    def _once(self, *key: str) -> bool:
        new = (key[0], key[1]) not in self._told
        self._told.add((key[0], key[1]))
        return new

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(Text(text.rstrip(), style))


def _now(snapshots: Sequence[Snapshot], awaited: Sequence[Uploaded]) -> Iterator[str]:
    """A line for each execution that runs or is about to."""
    for snapshot in snapshots:
        if snapshot.running:
            doing = [f"{step.name} {_seconds(step)} s" for step in snapshot.steps if step.status == "Executing"]
            of = f"{snapshot.done} of {len(snapshot.steps)} steps"
            yield f"{snapshot.name}: {snapshot.status}, {of}: {', '.join(doing) or '…'}"
    yield from map(waiting, awaited)


def step_line(step: Step, found: Sequence[str], width: int) -> str:
    """`Train  Succeeded  12.3 s  reused`: a step, how it ended, how long it took, and what to know about it."""
    seconds = "" if step.cached or not step.started else f"{_seconds(step)} s"
    return f"{step.name:<{width}}  {step.status:<9}  {seconds:>9}  {'; '.join(_notes(step, found))}"


def _notes(step: Step, found: Sequence[str]) -> list[str]:
    notes = ["reused"] if step.cached else []
    if step.outcome:
        notes.append(step.outcome)
    if step.roll_out:
        notes.append(step.roll_out)
    if step.check is not None and (step.ended_as == "Succeeded" or found):
        notes.append(_checked(step.check, found))
    if step.reason and not found:
        notes.append(" ".join(step.reason.split()))
    return notes


def _checked(check: Mapping[str, Any], found: Sequence[str]) -> str:
    if found:
        return f"{len(found)} violation{'s' if len(found) > 1 else ''}"
    said = "check skipped" if check.get("SkipCheck") else "no violations"
    return f"{said}, baseline registered" if check.get("RegisterNewBaseline") else said


def summary(snapshot: Snapshot) -> str:
    """`SM-1-89abcdef Succeeded after 34.2 s: 12 steps, 4 of them reused, not run: Refuse`."""
    ran = [step for step in snapshot.steps if step.status not in ("Skipped", "Waiting")]
    reused = sum(1 for step in ran if step.cached)
    skipped = [step.name for step in snapshot.steps if step.status == "Skipped"]
    took = ""
    if snapshot.started and snapshot.ended:
        took = f" after {(snapshot.ended - snapshot.started).total_seconds():.1f} s"
    parts = [f"{len(ran)} step{'' if len(ran) == 1 else 's'}"]
    parts += [f"{reused} of them reused"] if reused else []
    parts += [f"not run: {', '.join(skipped) if len(skipped) <= FEW else len(skipped)}"] if skipped else []
    return f"{snapshot.name} {snapshot.status}{took}: {', '.join(parts)}"


def waiting(uploaded: Uploaded) -> str:
    return f"{uploaded.dimension}: waiting for the execution that {uploaded.uri} starts"


def as_json_of(snapshot: Snapshot, screen: Screen) -> dict[str, Any]:
    """A snapshot for programs: with the violations and last lines that were shown."""
    document = asdict(snapshot)
    for step in document["steps"]:
        key = (snapshot.arn, step["name"])
        step["violations"] = list(screen.violations.get(key, ()))
        step["log"] = list(screen.logs.get(key, ()))
    return document


def _has_log(step: Step) -> bool:
    return bool(step.metadata.keys() - {"Condition", "Fail", "Model", "RegisterModel"})


def _width(snapshot: Snapshot) -> int:
    return max((len(step.name) for step in snapshot.steps), default=0)


def _seconds(step: Step) -> str:
    assert step.started is not None
    return f"{((step.ended or datetime.now(UTC)) - step.started).total_seconds():.1f}"
