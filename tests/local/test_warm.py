"""Warm processes, with real forks: small ones, because the parent is shared by all tests of this file."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import socketpair

import pytest

from contender.local.warm.child import explain, python_arguments
from contender.local.warm.client import Launch, Warm, WarmLost
from contender.local.warm.launch import socket_path
from contender.local.warm.mounts import outside

WAIT_S = 30.0


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    warm = Warm(tmp_path_factory.mktemp("warm"))
    warm.open()
    yield warm
    warm.close()


def run(warm: Warm, tmp_path: Path, code: str, **changes: object) -> tuple[int | None, str]:
    """Exit code and output of a line of Python."""
    launch = {"argv": ("python3", "-c", code), "stdout": str(tmp_path / "out"), **changes}
    process = warm.start(Launch(**launch))  # type: ignore[arg-type]
    return process.wait(WAIT_S), (tmp_path / "out").read_text()


def status(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def test_a_process_sees_its_own_directory_as_opt_ml_and_the_host_does_not(warm: Warm, tmp_path: Path) -> None:
    directory = tmp_path / "ml"
    directory.mkdir()
    (directory / "input").write_text("seven")
    before = os.path.exists("/opt/ml")
    others = sorted(os.listdir("/opt"))
    code = (
        "import os; open('/opt/ml/output', 'w').write(open('/opt/ml/input').read()); print(sorted(os.listdir('/opt')))"
    )
    exit_code, output = run(warm, tmp_path, code, mounts={str(directory): "/opt/ml"})
    assert exit_code == 0, output
    assert (directory / "output").read_text() == "seven"
    assert output.strip() == str(sorted({*others, "ml"}))
    assert os.path.exists("/opt/ml") == before


def test_a_mount_below_opt_ml_joins_the_one_above_it(warm: Warm, tmp_path: Path) -> None:
    for name in ("job", "model"):
        (tmp_path / name).mkdir()
    (tmp_path / "model" / "booster").write_text("trees")
    mounts = {str(tmp_path / "model"): "/opt/ml/model", str(tmp_path / "job"): "/opt/ml"}
    assert run(warm, tmp_path, "print(open('/opt/ml/model/booster').read())", mounts=mounts) == (0, "trees\n")


def test_the_libraries_are_imported_already(warm: Warm, tmp_path: Path) -> None:
    code = "import sys; print({'pandas', 'sklearn', 'xgboost', 'optuna'} <= set(sys.modules))"
    assert run(warm, tmp_path, code) == (0, "True\n")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_explanations_need_is_imported_once_nobody_waits(warm: Warm, tmp_path: Path) -> None:
    pid = warm.pid
    assert pid is not None
    wait_until(lambda: "llvmlite" in Path(f"/proc/{pid}/maps").read_text(), "shap is imported")
    assert run(warm, tmp_path, "import sys; print('shap' in sys.modules)") == (0, "True\n")
    assert status(pid, "Threads") == 1


def test_threads_are_limited_in_the_process_and_in_what_it_starts(warm: Warm, tmp_path: Path) -> None:
    code = """
import os, threadpoolctl
print({each["num_threads"] for each in threadpoolctl.threadpool_info()}, os.environ["OMP_NUM_THREADS"])
"""
    assert run(warm, tmp_path, code, threads=1) == (0, "{1} 1\n")


def test_xgboost_trains_with_two_threads_after_the_fork(warm: Warm, tmp_path: Path) -> None:
    code = """
import numpy, xgboost
data = numpy.random.rand(2000, 20)
xgboost.train({"nthread": 2}, xgboost.DMatrix(data, label=data[:, 0]), 3)
print("trained")
"""
    assert run(warm, tmp_path, code, threads=2) == (0, "trained\n")


def test_logging_is_as_in_a_new_interpreter_so_a_script_may_configure_it(warm: Warm, tmp_path: Path) -> None:
    code = """
import logging, sys
logging.getLogger("library").info("what nobody asked for")
print(logging.root.handlers, logging.getLevelName(logging.root.level))
logging.basicConfig(level=logging.DEBUG, format="mine: %(message)s", stream=sys.stdout)
logging.getLogger("script").debug("trained")
"""
    assert run(warm, tmp_path, code) == (0, "[] WARNING\nmine: trained\n")


def test_the_descriptions_of_aws_are_read_already(warm: Warm, tmp_path: Path) -> None:
    code = """
import botocore.loaders
from contender.local.containers.clarify.clients import client
botocore.loaders.JSONFileLoader.load_file = None  # whoever reads a description now fails
print(client("sagemaker").meta.endpoint_url)
"""
    env = {"AWS_ENDPOINT_URL_SAGEMAKER": "http://127.0.0.1:9", "AWS_DEFAULT_REGION": "eu-west-1"}
    assert run(warm, tmp_path, code, env=env) == (0, "http://127.0.0.1:9\n")


def test_every_process_has_random_numbers_of_its_own(warm: Warm, tmp_path: Path) -> None:
    code = "import numpy, random; print(numpy.random.rand(), random.random())"
    run(warm, tmp_path, code)
    _, output = run(warm, tmp_path, code)
    first, second = output.splitlines()
    assert set(first.split()).isdisjoint(second.split())


@pytest.mark.parametrize(
    ("code", "exit_code", "said"),
    [
        ("raise SystemExit", 0, ""),
        ("raise SystemExit(3)", 3, ""),
        ("raise SystemExit('no data')", 1, "no data\n"),
        ("import os; os.abort()", -signal.SIGABRT, ""),
        ("import atexit; atexit.register(print, 'bye')", 0, "bye\n"),
        (
            "import threading, time; threading.Thread(target=lambda: (time.sleep(0.1), print('done'))).start()",
            0,
            "done\n",
        ),
    ],
)
def test_it_ends_as_python_ends(warm: Warm, tmp_path: Path, code: str, exit_code: int, said: str) -> None:
    assert run(warm, tmp_path, code) == (exit_code, said)


def test_a_traceback_shows_the_script_and_nothing_of_us(warm: Warm, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("def f():\n    1 / 0\nf()\n")
    exit_code, output = run(warm, tmp_path, "", argv=("python3", "script.py"), cwd=str(tmp_path))
    assert exit_code == 1
    assert output.splitlines()[1].startswith('  File "')
    assert "script.py" in output.splitlines()[1]
    assert output.endswith("ZeroDivisionError: division by zero\n")
    assert "child.py" not in output


def test_a_script_imports_its_neighbours_and_gets_its_arguments(warm: Warm, tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("WORD = 'hello'")
    (tmp_path / "main.py").write_text(
        "import neighbour, sys\nif __name__ == '__main__':\n    print(neighbour.WORD, sys.argv[1:])"
    )
    argv = ("python3", "-u", str(tmp_path / "main.py"), "--a", "1")
    assert run(warm, tmp_path, "", argv=argv) == (0, "hello ['--a', '1']\n")
    argv = ("python3", "-m", "neighbour")
    assert run(warm, tmp_path, "", argv=argv, cwd=str(tmp_path))[0] == 0


def test_a_command_that_is_not_python_runs_too(warm: Warm, tmp_path: Path) -> None:
    assert run(warm, tmp_path, "", argv=("sh", "-c", "echo $WORD"), env={"WORD": "hi"}) == (0, "hi\n")
    exit_code, output = run(warm, tmp_path, "", argv=("no-such-program",))
    assert exit_code == 127
    assert "no-such-program: No such file or directory" in output


def test_python_commands_are_recognised() -> None:
    assert python_arguments(["python3", "a.py", "-x"]) == ["a.py", "-x"]
    assert python_arguments(["/usr/bin/python3.11", "-u", "-W", "error", "-m", "mod"]) == ["-m", "mod"]
    assert python_arguments(["a.py"]) == ["a.py"]
    assert python_arguments(["python3"]) is None
    assert python_arguments(["bash", "a.sh"]) is None
    assert python_arguments(["python2", "a.py"]) is None


def test_a_signal_reaches_everything_the_process_started(warm: Warm, tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    process = warm.start(Launch(("sh", "-c", "sleep 60 & echo $!; wait"), stdout=str(tmp_path / "out")))
    wait_until(lambda: (tmp_path / "out").read_text().strip(), "the shell starts")
    sleeper = int((tmp_path / "out").read_text())
    assert process.wait(0.0) is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT_S) == -signal.SIGTERM
    wait_until(lambda: not is_alive(sleeper), "the sleeper dies")


def test_closing_the_connection_kills_the_process(warm: Warm) -> None:
    process = warm.start(Launch(("sleep", "60")))
    process.close()
    wait_until(lambda: not is_alive(process.pid), "the sleeper dies")


def test_a_channel_is_handed_to_the_process(warm: Warm, tmp_path: Path) -> None:
    ours, theirs = socketpair()
    code = """
import os, socket
channel = socket.socket(fileno=int(os.environ["CONTENDER_CHANNEL"]))
channel.sendall(channel.recv(9).upper())
"""
    with ours, theirs:
        process = warm.start(Launch(("python3", "-c", code)), theirs)
        ours.sendall(b"hello")
        assert ours.recv(9) == b"HELLO"
        assert process.wait(WAIT_S) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_parent_leaks_neither_descriptors_nor_zombies_nor_threads(warm: Warm) -> None:
    assert warm.pid is not None

    def state() -> tuple[int, int]:
        children = Path(f"/proc/{warm.pid}/task/{warm.pid}/children").read_text().split()
        return len(os.listdir(f"/proc/{warm.pid}/fd")), len(children)

    warm.start(Launch(("true",))).wait(WAIT_S)
    descriptors, _ = state()
    for _ in range(20):
        ours, theirs = socketpair()
        with ours, theirs:
            warm.start(Launch(("true",)), theirs).wait(WAIT_S)
        warm.start(Launch(("sleep", "60"))).close()
    wait_until(lambda: state()[0] <= descriptors and state()[1] == 0, "descriptors are closed and children reaped")
    assert status(warm.pid, "Threads") == 1


def test_a_parent_that_crashes_takes_its_processes_along_and_is_started_again(tmp_path: Path) -> None:
    warm = Warm(tmp_path)
    warm.open()
    try:
        process = warm.start(Launch(("sleep", "60")))
        first = warm.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        with pytest.raises(WarmLost, match="the warm process ended"):
            process.wait(WAIT_S)
        wait_until(lambda: not is_alive(process.pid), "the sleeper dies")
        wait_until(lambda: warm.pid != first, "another parent is started")
        assert warm.start(Launch(("true",))).wait(WAIT_S) == 0
    finally:
        warm.close()
    assert warm.pid is None or not is_alive(warm.pid)


def test_everything_ends_with_the_server_even_by_kill_nine(tmp_path: Path) -> None:
    server = f"""
import sys, time
from pathlib import Path
from contender.local.warm.client import Launch, Warm
warm = Warm(Path({str(tmp_path)!r}))
warm.open()
print(warm.start(Launch(("sleep", "60"))).pid, warm.pid, flush=True)
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", server], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        sleeper, parent = (int(pid) for pid in process.stdout.readline().split())
        process.kill()
        process.wait()
    wait_until(lambda: not is_alive(sleeper) and not is_alive(parent), "the warm process and its child end")


def test_without_a_private_view_paths_are_the_hosts() -> None:
    mounts = {"/home/me/job": "/opt/ml", "/home/me/model": "/opt/ml/model"}
    assert outside("--train=/opt/ml/input/data", mounts) == "--train=/home/me/job/input/data"
    assert outside("/opt/ml/model/xgboost-model", mounts) == "/home/me/model/xgboost-model"


def test_a_path_below_opt_ml_that_is_not_there_is_explained() -> None:
    error = FileNotFoundError(2, "No such file or directory", "/opt/ml/input/data/a.csv")
    explain(error)
    assert "take its directories from the SM_* variables" in str(error)
    elsewhere = FileNotFoundError(2, "No such file or directory", "/data/a.csv")
    explain(elsewhere)
    assert "SM_*" not in str(elsewhere)


def test_the_sockets_path_is_never_too_long(tmp_path: Path) -> None:
    assert socket_path(tmp_path / "home").parent == tmp_path / "home"
    long = tmp_path / ("x" * 120)
    assert len(os.fsencode(socket_path(long))) <= 100
    assert socket_path(long) != socket_path(tmp_path / ("y" * 120))
