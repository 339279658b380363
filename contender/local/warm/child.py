"""The forked child: from a copy of the warm parent to a process that runs one script."""

from __future__ import annotations

import atexit
import ctypes
import os
import re
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType, TracebackType
from typing import NoReturn

from contender.local.warm import interpreter
from contender.local.warm.launch import CHANNEL_VARIABLE, INTERPRETER_VARIABLE, Launch
from contender.local.warm.mounts import ROOT, mount_privately, outside

PR_SET_PDEATHSIG = 1
PYTHON = re.compile(r"python(3(\.\d+)?)?")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "SM_NUM_CPUS")
EXIT_NOT_FOUND = 127
EXIT_FAILED = 1

LimitThreads = Callable[[int], None]


def run(launch: Launch, channel: int | None, limit_threads: LimitThreads) -> NoReturn:
    """Become the process that `launch` describes; never returns."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _redirect(launch.stdout)
    try:
        argv, private = _enter(launch, channel)
        limit_threads(launch.threads)
        _die_with_parent()
        code = _execute(argv, private)
    except SystemExit as leaving:
        code = _exit_code(leaving)
    except OSError as error:
        print(f"the process could not start: {error}", file=sys.stderr)
        code = EXIT_FAILED
    _leave(code)


def _enter(launch: Launch, channel: int | None) -> tuple[list[str], bool]:
    """Environment, mounts and directory; the command, and whether `/opt/ml` is private."""
    environment = {name: str(launch.threads) for name in THREAD_VARIABLES} | dict(launch.env)
    environment["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    if own := launch.env.get(INTERPRETER_VARIABLE):
        environment["PATH"] = interpreter.search_path(Path(own), environment["PATH"])
        interpreter.adopt(Path(own))
    if channel is not None:
        os.set_inheritable(channel, True)
        environment[CHANNEL_VARIABLE] = str(channel)
    argv, cwd, private = list(launch.argv), launch.cwd, True
    if launch.mounts:
        try:
            mount_privately(launch.mounts)
        except OSError:
            private = False
            argv = [outside(part, launch.mounts) for part in argv]
            environment = {name: outside(value, launch.mounts) for name, value in environment.items()}
            cwd = outside(cwd, launch.mounts) if cwd else None
    os.environ.update(environment)
    if cwd:
        os.chdir(cwd)
    return argv, private


def _redirect(stdout: str | None) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    if stdout is not None:
        log = os.open(stdout, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = open(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _die_with_parent() -> None:
    """After the mounts: a change of credentials clears the wish. Only Linux knows it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == 1:
            os._exit(EXIT_FAILED)


def _execute(argv: list[str], private: bool) -> int:
    arguments = python_arguments(argv)
    if arguments is None:
        try:
            os.execvp(argv[0], argv)
        except OSError as error:
            print(f"{argv[0]}: {error.strerror}", file=sys.stderr)
            return EXIT_NOT_FOUND
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    try:
        _run_python(arguments)
    except SystemExit as leaving:
        return _exit_code(leaving)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BaseException as error:
        if not private and isinstance(error, OSError):
            explain(error)
        traceback.print_exception(type(error), error, _below_us(error.__traceback__))
        return EXIT_FAILED
    return 0


def explain(error: OSError) -> None:
    """Where `/opt/ml` is not private, add to an error about a path below it what the script can do instead."""
    if str(error.filename or "").startswith(str(ROOT)):
        error.strerror = (
            f"{error.strerror} (this machine gives jobs no private {ROOT}, because mount namespaces are refused; "
            "the script must take its directories from the SM_* variables or its arguments)"
        )


def python_arguments(argv: Sequence[str]) -> list[str] | None:
    """What follows the interpreter and its flags if `argv` is a Python command, else None."""
    rest = list(argv)
    if PYTHON.fullmatch(Path(rest[0]).name):
        rest.pop(0)
        while rest and rest[0].startswith("-") and rest[0] not in ("-m", "-c"):
            if rest.pop(0) in ("-W", "-X") and rest:
                rest.pop(0)
        return rest or None
    return rest if rest[0] in ("-m", "-c") or rest[0].endswith(".py") else None


def _run_python(arguments: list[str]) -> None:
    first = arguments[0]
    if first == "-m":
        sys.argv = arguments[1:]
        sys.path.insert(0, os.getcwd())
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv = ["-c", *arguments[2:]]
        sys.path.insert(0, "")
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})
    elif not os.path.exists(first):
        print(f"can't open file '{first}': No such file or directory", file=sys.stderr)
        raise SystemExit(2)
    else:
        sys.argv = arguments
        sys.path.insert(0, os.path.dirname(os.path.abspath(first)))
        runpy.run_path(first, run_name="__main__")


def _below_us(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that is the script's own."""
    start = trace
    while trace is not None and _ours(trace.tb_frame.f_code):
        trace = trace.tb_next
    return trace or start


def _ours(code: CodeType) -> bool:
    return code.co_filename == __file__ or "runpy" in code.co_filename


def _exit_code(leaving: SystemExit) -> int:
    if leaving.code is None:
        return 0
    if isinstance(leaving.code, int):
        return leaving.code & 0xFF
    print(leaving.code, file=sys.stderr)
    return EXIT_FAILED


def _leave(code: int) -> NoReturn:
    """As the interpreter ends, without taking apart what the parent imported."""
    try:
        getattr(threading, "_shutdown")()  # noqa: B009 - waits for the script's threads; private, so not in the stubs
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
        code = code or EXIT_FAILED
    finally:
        os._exit(code)
