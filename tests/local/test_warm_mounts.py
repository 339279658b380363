"""A job's `/opt/ml` for an ordinary user, and where the system refuses mount namespaces."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from contender.local.warm.launch import Launch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mount namespaces are Linux's")

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import sys
from contender.local.warm import child
from contender.local.warm.launch import Launch
line, *user = sys.argv[1:]
if user:
    import ctypes, os, pkgutil, pwd  # all that the child needs: this user may be unable to read this Python
    found = pwd.getpwnam(user[0])
    os.setgroups([])
    os.setgid(found.pw_gid)
    os.setuid(found.pw_uid)
    ctypes.CDLL(None).prctl(4, 1)  # what a process that began as this user is: owner of its /proc/self
child.run(Launch.from_line(line.encode()), None, lambda threads: None)
"""

REFUSED = """
import ctypes, os, sys
from pathlib import Path
user, group = os.geteuid(), os.getegid()
if ctypes.CDLL(None, use_errno=True).unshare(0x10000000) != 0:
    sys.exit(77)
Path("/proc/self/setgroups").write_text("deny")
Path("/proc/self/uid_map").write_text(f"0 {user} 1")
Path("/proc/self/gid_map").write_text(f"0 {group} 1")
for kind in ("mnt", "user"):
    Path(f"/proc/sys/user/max_{kind}_namespaces").write_text("0")
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[1:]])
"""
"""Runs a program as root of a user namespace in which the kernel allows no further namespace."""

CANNOT = 77


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everyone may enter; pytest's own are for one user."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        place.chmod(0o777)
        yield place


def ordinary_user() -> str | None:
    """Whom to be so as not to be root; None for who it is already."""
    return "nobody" if os.geteuid() == 0 else None


def job(place: Path, script: str, user: str | None = None) -> Launch:
    """A launch as the server makes one; its directory belongs to who runs it."""
    ml = place / "ml"
    for inside in ("code", "model", "input"):
        (ml / inside).mkdir(parents=True)
    (ml / "input" / "word").write_text("seven")
    (ml / "code" / "train.py").write_text(script)
    (place / "log").touch()
    if user is not None:
        owner = pwd.getpwnam(user)
        for path in (place / "log", ml, *ml.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    return Launch(
        argv=("python3", "train.py", "--input", "/opt/ml/input"),
        env={"SM_MODEL_DIR": "/opt/ml/model", "TMPDIR": str(place)},
        cwd="/opt/ml/code",
        mounts={str(ml): "/opt/ml"},
        stdout=str(place / "log"),
    )


def run(launch: Launch, user: str | None = None, *, refused: bool = False) -> tuple[int, str]:
    """Exit code and log of a launch in a process of its own, which becomes `user` first."""
    code = [REFUSED, CHILD] if refused else [CHILD]
    command = [sys.executable, "-c", *code, launch.to_line().decode(), *([user] if user else [])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    if done.returncode == CANNOT:
        pytest.skip("this system allows no user namespaces, which the test needs to refuse others")
    assert launch.stdout is not None
    return done.returncode, done.stderr + Path(launch.stdout).read_text()


SEES = """
import json, os, sys
word = open("/opt/ml/input/word").read()
open("/opt/ml/model/booster", "w").write(word)
print(json.dumps([os.getuid(), os.getcwd(), sorted(os.listdir("/opt")), sys.argv[1:], os.environ["SM_MODEL_DIR"]]))
"""


def test_an_ordinary_user_has_a_private_opt_ml(place: Path) -> None:
    user = ordinary_user()
    others, had_one = sorted(os.listdir("/opt")), os.path.exists("/opt/ml")
    uid = os.getuid() if user is None else pwd.getpwnam(user).pw_uid
    exit_code, log = run(job(place, SEES, user), user)
    if "mount namespaces are refused" in log:
        pytest.skip("this system allows an ordinary user no namespaces")
    assert exit_code == 0, log
    assert json.loads(log) == [
        uid,
        "/opt/ml/code",
        sorted({*others, "ml"}),
        ["--input", "/opt/ml/input"],
        "/opt/ml/model",
    ]
    booster = place / "ml" / "model" / "booster"
    assert booster.read_text() == "seven"
    assert booster.stat().st_uid == uid
    assert os.path.exists("/opt/ml") == had_one
    assert [path.name for path in place.glob("contender-opt-*")] == []


ELSEWHERE = """
import os, sys
directory = sys.argv[sys.argv.index("--input") + 1]
open(os.path.join(os.environ["SM_MODEL_DIR"], "booster"), "w").write(open(f"{directory}/word").read())
print(os.getcwd(), os.environ["SM_MODEL_DIR"])
"""


def test_where_namespaces_are_refused_a_script_finds_its_directories_by_variables_and_arguments(place: Path) -> None:
    exit_code, log = run(job(place, ELSEWHERE), refused=True)
    assert exit_code == 0, log
    assert (place / "ml" / "model" / "booster").read_text() == "seven"
    assert log.split() == [str(place / "ml" / "code"), str(place / "ml" / "model")]
    assert not os.path.exists("/opt/ml/model/booster")


@pytest.mark.skipif(os.path.exists("/opt/ml"), reason="this machine has an /opt/ml of its own")
def test_where_namespaces_are_refused_a_script_that_insists_is_told_why(place: Path) -> None:
    exit_code, log = run(job(place, 'open("/opt/ml/input/word")'), refused=True)
    assert exit_code == 1
    assert "this machine gives jobs no private /opt/ml, because mount namespaces are refused" in log.splitlines()[-1]
    assert "SM_* variables" in log


def test_where_namespaces_are_refused_the_built_in_algorithm_trains(place: Path) -> None:
    launch = job(place, "")
    ml = place / "ml"
    for inside in ("input/config", "input/data/train", "output"):
        (ml / inside).mkdir(parents=True)
    (ml / "input/config/hyperparameters.json").write_text('{"num_round": "2", "objective": "reg:squarederror"}')
    (ml / "input/config/inputdataconfig.json").write_text('{"train": {"ContentType": "text/csv"}}')
    (ml / "input/data/train/a.csv").write_text("".join(f"{row},{row % 7},{row % 3}\n" for row in range(50)))
    directories = {f"SM_{name.upper()}_DIR": f"/opt/ml/{name}" for name in ("input", "model", "output")}
    algorithm = "import sys; from contender.local.containers.xgboost_algorithm import main; sys.exit(main())"
    exit_code, log = run(Launch(("-c", algorithm), directories, launch.cwd, launch.mounts, launch.stdout), refused=True)
    assert exit_code == 0, log
    assert "[1]\ttrain-rmse" in log
    assert (ml / "model" / "xgboost-model").stat().st_size > 0


def test_only_opt_ml_can_be_private(place: Path) -> None:
    launch = job(place, ELSEWHERE)
    exit_code, log = run(
        Launch(
            argv=("python3", "train.py", "--input", "/opt/elsewhere/input"),
            env={"SM_MODEL_DIR": "/opt/elsewhere/model"},
            cwd="/opt/elsewhere/code",
            mounts={str(place / "ml"): "/opt/elsewhere"},
            stdout=launch.stdout,
        )
    )
    assert exit_code == 0, log
    assert log.split() == [str(place / "ml" / "code"), str(place / "ml" / "model")]
    assert not os.path.exists("/opt/elsewhere")
