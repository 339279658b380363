"""One shell for all commands of a build: what one exports, or where it goes, holds for the next, as in CodeBuild."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

_PROLOGUE = "exec 9>{answers}\n"
_ROUND = ". {file} </dev/null 9>&-\necho $? >&9\n"
"""The command neither reads what is meant for the shell nor holds the pipe that its exit code is written to."""


class Shell:
    """Runs commands in `folder`; `scratch` is an empty folder of its own. Output goes where our own goes.

    The commands hold the open file `turn` for as long as they run.
    """

    def __init__(self, name: str, folder: Path, scratch: Path, environment: Mapping[str, str], turn: int) -> None:
        self._name, self._folder, self._scratch, self._turn = name, folder, scratch, turn
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: BinaryIO | None = None
        self._count = 0

    def __enter__(self) -> Shell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def run(self, command: str) -> int:
        """The command's exit code. One that ends the shell itself (`exit 3`) leaves the next one a fresh one."""
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._answers is not None
        self._count += 1
        file = self._scratch / f"{self._count}.sh"
        file.write_text(command + "\n", encoding="utf-8")
        self._process.stdin.write(_ROUND.format(file=shlex.quote(str(file))).encode())
        self._process.stdin.flush()
        if answer := self._answers.readline():
            return int(answer)
        code = self._process.wait()
        self._end()
        return code if code >= 0 else 128 - code

    def export(self, name: str, value: str) -> None:
        """Set a variable for the commands that follow."""
        self._environment[name] = value
        if self._process is not None:
            self.run(f"export {name}={shlex.quote(value)}")

    def _start(self) -> None:
        answers = self._scratch / f"answers-{self._count}"
        os.mkfifo(answers)
        self._process = subprocess.Popen(
            [self._name],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(self._turn,),
        )
        assert self._process.stdin is not None
        self._process.stdin.write(_PROLOGUE.format(answers=shlex.quote(str(answers))).encode())
        self._process.stdin.flush()
        self._answers = answers.open("rb", buffering=0)

    def _end(self) -> None:
        """End the shell, and what commands left running in the background."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with suppress(BrokenPipeError):
            process.communicate()
        if self._answers is not None:
            self._answers.close()
