"""The AWS CLI as a client of a laptop: a process for every call, JSON in and out."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]
OVERRIDE = "CONTENDER_AWS_CLI"
AT_ONCE = 2
TIMEOUT_S = 60

Command = tuple[str, ...]


def find_cli(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The words that start the CLI of the repository's own environment, or the one that CONTENDER_AWS_CLI names."""
    own = REPOSITORY / ".venv-aws" / "bin"
    program = Path(environment.get(OVERRIDE) or own / "aws")
    assert program.is_file(), f"no AWS CLI at {program}: `make test` installs one, {OVERRIDE} names another"
    # Its first line names the interpreter, which fails in a folder with a space.
    return (str(own / "python"), str(program)) if program.parent == own else (str(program),)


def ask(operation: str, **options: Any) -> Command:
    """A call's words: `ask("list-models", max_items=2)` is `list-models --max-items 2`. Structures become JSON."""
    words = operation.split()
    for name, value in options.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", json.dumps(value) if isinstance(value, dict | list) else str(value)]
    return tuple(words)


class AwsCli:
    """`aws sagemaker …` in a shell that exported the laptop's `env`; `succeeded` holds the operations that did."""

    def __init__(self, program: tuple[str, ...], env: Mapping[str, str], folder: Path) -> None:
        self.succeeded: set[str] = set()
        self._program = program
        self._folder = folder
        self._env = {"PATH": os.environ["PATH"], "HOME": str(folder), **env}

    def __call__(self, operation: str, **options: Any) -> Any:
        """One call that must succeed; its answer."""
        return self.together(ask(operation, **options))[0]

    def together(self, *commands: Command) -> list[Any]:
        """Calls that do not wait for one another and must succeed; their answers."""
        answers = []
        for command, ended in self._run_all(commands):
            assert ended.returncode == 0, f"{' '.join(command)}: {ended.stderr}"
            self.succeeded.add(command[0])
            answers.append(json.loads(ended.stdout) if ended.stdout else None)
        return answers

    def refused(self, *commands: Command) -> list[str]:
        """Calls that must fail; what the CLI says of each."""
        messages = []
        for command, ended in self._run_all(commands):
            assert ended.returncode != 0, f"{' '.join(command)} succeeded: {ended.stdout}"
            assert ended.stdout == ""
            messages.append(ended.stderr.strip())
        return messages

    def invoke(self, endpoint: str, body: str, **options: Any) -> dict[str, Any]:
        """`aws sagemaker-runtime invoke-endpoint`: what it prints, and the model's answer as `Body`."""
        answer = self._folder / "answer"
        command = (*ask("invoke-endpoint", endpoint_name=endpoint, body=body, **options), str(answer))
        ended = self._run("sagemaker-runtime", command)
        assert ended.returncode == 0, ended.stderr
        return {**json.loads(ended.stdout), "Body": answer.read_text()}

    def invoke_refused(self, endpoint: str, body: str, **options: Any) -> str:
        """An invocation that must fail; what the CLI says of it."""
        command = (*ask("invoke-endpoint", endpoint_name=endpoint, body=body, **options), os.devnull)
        ended = self._run("sagemaker-runtime", command)
        assert ended.returncode != 0, f"{' '.join(command)} succeeded: {ended.stdout}"
        return ended.stderr.strip()

    def _run_all(self, commands: tuple[Command, ...]) -> list[tuple[Command, subprocess.CompletedProcess[str]]]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ended = list(pool.map(lambda command: self._run("sagemaker", command), commands))
        return list(zip(commands, ended, strict=True))

    def _run(self, service: str, command: Command) -> subprocess.CompletedProcess[str]:
        words = [*self._program, service, *command, "--output", "json"]
        return subprocess.run(
            words, env=self._env, cwd=self._folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
