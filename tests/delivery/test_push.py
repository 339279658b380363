"""`git push laptop` of a tiny project: what is built, in what order, and what the pusher sees of it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from contender.cli.local import command
from contender.local.builds.folders import Folders
from contender.local.builds.repository import REMOTE, Repository
from contender.local.launcher import processes
from contender.local.launcher.laptop import Laptop
from tests.conftest import Clients
from tests.local.running import eventually

Git = Callable[..., str]

SPEC = """
version: 0.2
phases:
  install: {commands: [python told.py]}
  pre_build: {commands: [sh check.sh]}
  build: {on-failure: ABORT, commands: [sh build.sh]}
artifacts: {files: [a]}
"""
TOLD = """
import json, os, pathlib
names = ("CODEBUILD_", "AWS_ENDPOINT", "GIT_", "CONTENDER_", "PYTEST_", "MYPY_")
told = {name: value for name, value in os.environ.items() if name.startswith(names)}
pathlib.Path(os.environ["CONTENDER_HOME"], "told.json").write_text(json.dumps({**told, "files": sorted(os.listdir())}))
"""


class Pusher:
    """A tiny project whose remote is a laptop."""

    def __init__(self, folder: Path, laptop: Laptop, git: Git, name: str) -> None:
        self.folder, self._git = folder, git
        self.repository, self.builds = Repository(laptop.home, name), Folders(laptop.home)
        self.repository.prepare("main")
        folder.mkdir()
        git(folder, "init", "--quiet", "--initial-branch", "main")
        git(folder, "remote", "add", REMOTE, str(self.repository.path))
        (folder / "buildspec.yml").write_text(SPEC)
        (folder / "told.py").write_text(TOLD)
        self.commit(check="true", build="true")

    def commit(self, **scripts: str) -> str:
        """Commit what the phases run."""
        for name, text in scripts.items():
            (self.folder / f"{name}.sh").write_text(f"{text}\n")
        self._git(self.folder, "add", ".")
        self._git(self.folder, "commit", "--quiet", "--allow-empty", "--message", "a change")
        return self._git(self.folder, "rev-parse", "HEAD")

    def start(self, *words: str) -> subprocess.Popen[str]:
        """`git push`, with what it says; Python's variables of this test run are not the build's."""
        command = ["git", "-C", str(self.folder), "push", REMOTE, *(words or ("main",))]
        return subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def push(self, *words: str) -> list[str]:
        """The lines that the pusher sees of the other side. The push is accepted."""
        pushing = self.start(*words)
        _, said = pushing.communicate()
        assert pushing.returncode == 0, said
        return [line.removeprefix("remote: ").rstrip() for line in said.splitlines() if line.startswith("remote: ")]


@pytest.fixture
def pusher(tmp_path: Path, laptop: Laptop, git: Git, request: pytest.FixtureRequest) -> Pusher:
    return Pusher(tmp_path / "project", laptop, git, f"tiny{abs(hash(request.node.nodeid)) % 10**12}")


def test_a_push_runs_the_phases_in_a_clean_checkout_as_codebuild_would(
    pusher: Pusher, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTENDER_TRAINING_ROUNDS", "7")
    commit = pusher.commit(check="echo checked; echo and wrong >&2")
    (pusher.folder / "not committed").touch()
    said = pusher.push()
    assert [line for line in said if line.startswith("phase")][::2] == [
        "phase INSTALL",
        "phase PRE_BUILD",
        "phase BUILD",
    ]
    assert said.index("checked") + 1 == said.index("and wrong") < said.index("phase BUILD")
    assert said[1] == "left out, as there is no CodeBuild here: artifacts"
    assert said[-1].endswith(" s")
    assert " succeeded in " in said[-1]
    (build,) = [each for each in pusher.builds.all() if each.commit == commit]
    assert build.status == "succeeded"
    assert pusher.builds.log(build).read_text().splitlines() == said[1:]
    assert not pusher.builds.work(build).exists()

    told: dict[str, Any] = json.loads((laptop.home / "told.json").read_text())
    assert told["files"] == [".git", "build.sh", "buildspec.yml", "check.sh", "told.py"]
    assert told["CODEBUILD_RESOLVED_SOURCE_VERSION"] == commit
    assert told["CODEBUILD_WEBHOOK_HEAD_REF"] == "refs/heads/main"
    assert told["CODEBUILD_SRC_DIR"] == str(pusher.builds.work(build) / "src")
    assert told["CODEBUILD_BUILD_ID"] == f"{pusher.repository.path.stem}:{build.number}"
    assert told["AWS_ENDPOINT_URL"] == laptop.addresses().aws
    assert told["MYPY_CACHE_DIR"] == str(laptop.home / "cache" / "mypy")
    assert not [name for name in told if name.startswith(("GIT_", "PYTEST_"))]
    assert {name for name in told if name.startswith("CONTENDER_")} == {"CONTENDER_HOME", "CONTENDER_STACK_PARAMETERS"}


def test_a_failing_phase_is_named_and_leaves_the_pipeline_as_it_was(pusher: Pusher, clients: Clients) -> None:
    before = clients("sagemaker").list_pipelines()["PipelineSummaries"]
    commit = pusher.commit(check="echo no good; exit 3", build="echo never")
    said = pusher.push()
    assert said[-4:-2] == ["no good", "exit code 3"]
    assert said[-2].startswith("phase PRE_BUILD failed after ")
    assert "failed in phase PRE_BUILD (sh check.sh) after" in said[-1]
    assert said[-1].endswith(": the pipeline is as it was")
    assert "never" not in said
    assert clients("sagemaker").list_pipelines()["PipelineSummaries"] == before
    (build,) = [each for each in pusher.builds.all() if each.commit == commit]
    assert (build.status, build.phase) == ("failed", "pre_build")


def test_a_failure_after_a_pipeline_was_changed_says_so(pusher: Pusher) -> None:
    change = """
import boto3, json
definition = {"Version": "2020-12-01", "Steps": [{"Name": "A", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}]}
role = "arn:aws:iam::000000000000:role/pipeline"
boto3.client("sagemaker").create_pipeline(
    PipelineName="half-done", PipelineDefinition=json.dumps(definition), RoleArn=role, ClientRequestToken="0" * 32
)
"""
    (pusher.folder / "change.py").write_text(change)
    pusher.commit(build="python change.py && false")
    assert pusher.push()[-1].endswith(": changed already: half-done")


def test_a_commit_without_a_buildspec_is_accepted_and_builds_nothing(pusher: Pusher) -> None:
    (pusher.folder / "buildspec.yml").unlink()
    pusher.commit()
    assert pusher.push()[-1].endswith(
        "failed before its first phase: the commit has no buildspec.yml; the pipeline is as it was"
    )


def test_other_refs_are_accepted(pusher: Pusher) -> None:
    assert pusher.push("main:topic") == ["refs/heads/topic is accepted; only refs/heads/main is built"]
    assert pusher.push("main:refs/tags/v1") == ["refs/tags/v1 is accepted; only refs/heads/main is built"]
    assert pusher.push("--delete", "topic") == ["refs/heads/topic is deleted; nothing is built"]


def test_the_delivered_branch_may_go_and_come_back(pusher: Pusher) -> None:
    pusher.push()
    assert pusher.push("--delete", "main") == ["refs/heads/main is deleted; nothing is built"]
    assert any("succeeded" in line for line in pusher.push())


def test_builds_take_turns_and_a_newer_push_supersedes_one_that_waits(pusher: Pusher, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)

    def status(commit: str) -> str:
        return next((each.status for each in pusher.builds.all() if each.commit == commit), "")

    def waits(commit: str) -> bool:
        logs = [pusher.builds.log(each) for each in pusher.builds.all() if each.commit == commit]
        return any("waits for the one that runs" in log.read_text() for log in logs if log.exists())

    first = pusher.commit(check=f"cat {gate}")
    pushes = [pusher.start()]
    eventually(lambda: status(first) == "running")
    second = pusher.commit(check="true")
    pushes.append(pusher.start())
    eventually(lambda: waits(second))
    third = pusher.commit()
    pushes.append(pusher.start())
    eventually(lambda: waits(third))
    gate.write_text("go")
    said = [push.communicate()[1] for push in pushes]
    assert [push.returncode for push in pushes] == [0, 0, 0]
    assert [status(commit) for commit in (first, second, third)] == ["succeeded", "superseded", "succeeded"]
    assert "waits for the one that runs" in said[1]
    assert f"{second[:10]} is superseded by a newer push; nothing is built" in said[1]


def test_a_push_that_is_stopped_only_stops_watching(pusher: Pusher, tmp_path: Path) -> None:
    gate, done = tmp_path / "gate", tmp_path / "done"
    os.mkfifo(gate)
    commit = pusher.commit(check=f"cat {gate} > {done}")
    pushing = pusher.start()
    eventually(lambda: [each for each in pusher.builds.all() if (each.commit, each.phase) == (commit, "pre_build")])
    os.killpg(pushing.pid, signal.SIGINT)
    pushing.communicate()
    gate.write_text("it went on")
    eventually(lambda: [each for each in pusher.builds.all() if (each.commit, each.status) == (commit, "succeeded")])
    assert done.read_text() == "it went on"


def test_a_build_that_was_killed_is_told_so_by_the_next(pusher: Pusher) -> None:
    killed = pusher.builds.change(pusher.builds.new("refs/heads/main", "a" * 40, "", "ada"), status="running")
    pusher.builds.work(killed).mkdir()
    pusher.push()
    assert pusher.builds.read(killed.number).status == "interrupted"
    assert not pusher.builds.work(killed).exists()


def test_a_build_that_was_killed_is_listed_so_once_nothing_of_it_runs(pusher: Pusher) -> None:
    killed = pusher.builds.change(pusher.builds.new("refs/heads/main", "a" * 40, "", "ada"), status="running")

    def listed() -> str:
        rows = json.loads(
            CliRunner().invoke(command, ["builds", "--json", "--home", str(pusher.builds.path.parent)]).stdout
        )
        return next(str(row["status"]) for row in rows if row["number"] == killed.number)

    with (pusher.builds.path / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert listed() == "running"
    assert listed() == "interrupted"


def test_the_next_build_waits_for_what_a_killed_one_left_running(pusher: Pusher, tmp_path: Path) -> None:
    """A command of a build is not killed with it, and two that deploy at once would not take turns."""
    told, gate, over = tmp_path / "told", tmp_path / "gate", tmp_path / "over"
    waits = f"until test -e {gate}; do sleep 0.02; done; touch {over}"
    pusher.commit(check=f"echo $PPID > {told}.new; mv {told}.new {told}; {waits}")
    pushing = pusher.start()
    eventually(told.exists)
    shell = processes.look(int(told.read_text()))
    assert shell is not None
    os.kill(shell.parent, signal.SIGKILL)
    _, said = pushing.communicate()
    assert "was killed, and what it ran may go on a while; once more: contender local build" in said
    commit = pusher.commit(check=f"test -e {over}")
    pushing = pusher.start()
    eventually(lambda: [each for each in pusher.builds.all() if each.commit == commit])
    (build,) = [each for each in pusher.builds.all() if each.commit == commit]
    log = pusher.builds.log(build)
    eventually(lambda: log.exists() and "waits for the one that runs" in log.read_text())
    gate.touch()
    pushing.communicate()
    assert pusher.builds.read(build.number).status == "succeeded"


def test_what_was_pushed_is_listed_and_can_be_built_again(
    pusher: Pusher, laptop: Laptop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CONTENDER_PROJECT", pusher.repository.path.stem)
    monkeypatch.setenv("CONTENDER_HOME", str(laptop.home))
    early = CliRunner().invoke(command, ["build"])
    assert "refs/heads/main was not pushed yet" in str(early.exception)
    commit = pusher.commit(check=f"test -e {tmp_path / 'repaired'}")
    pusher.push()
    failed = CliRunner().invoke(command, ["build"])
    assert failed.exit_code == 1
    assert "failed in phase PRE_BUILD" in failed.stdout
    (tmp_path / "repaired").touch()
    assert CliRunner().invoke(command, ["build"]).exit_code == 0
    listed = json.loads(CliRunner().invoke(command, ["builds", "--json"]).stdout)
    assert [each["status"] for each in listed if each["commit"] == commit] == ["succeeded", "failed", "failed"]
    assert Path(listed[0]["log"]).is_file()


def test_a_build_that_is_terminated_ends_what_it_ran_and_cleans_up(pusher: Pusher, tmp_path: Path) -> None:
    told = tmp_path / "told"
    commit = pusher.commit(check=f"echo $PPID > {told}.new; mv {told}.new {told}; sleep 600")
    pushing = pusher.start()
    eventually(told.exists)
    shell = processes.look(int(told.read_text()))
    assert shell is not None
    os.kill(shell.parent, signal.SIGTERM)
    pushing.communicate()
    assert pushing.returncode == 0
    (build,) = [each for each in pusher.builds.all() if each.commit == commit]
    assert build.status == "interrupted"
    assert not pusher.builds.work(build).exists()
    eventually(lambda: not processes.alive(shell.identity))
