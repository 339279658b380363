"""buildspec.yml as it is read, and its phases as CodeBuild goes from one to the next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from contender.local.builds.buildspec import Buildspec, BuildspecError, parse
from contender.local.builds.phases import Failure, run_phases
from contender.local.builds.shell import Shell
from contender.local.launcher.processes import identify
from tests.conftest import REPOSITORY
from tests.local.running import eventually


def run(text: str, folder: Path) -> tuple[Failure | None, list[str]]:
    """Run a buildspec; what failed, and what the commands wrote into `said`."""
    spec = parse(f"version: 0.2\n{text}")
    work, scratch = folder / "a folder", folder / "scratch"
    work.mkdir()
    scratch.mkdir()
    environment = {"PATH": os.environ["PATH"], "CODEBUILD_BUILD_SUCCEEDING": "1", "SAID": str(folder / "said")}
    with (
        (folder / "turn").open("w") as turn,
        Shell(spec.shell, work, scratch, {**environment, **spec.variables}, turn.fileno()) as shell,
    ):
        failure = run_phases(spec, shell, lambda line: None)
    said = folder / "said"
    return failure, said.read_text().splitlines() if said.exists() else []


def test_phases_run_in_codebuilds_order_whatever_the_files(tmp_path: Path) -> None:
    phases = ("post_build", "build", "install", "pre_build")
    text = "phases:\n" + "".join(f"  {name}: {{commands: ['echo {name} >> $SAID']}}\n" for name in phases)
    assert run(text, tmp_path) == (None, ["install", "pre_build", "build", "post_build"])


def test_one_shell_runs_all_commands(tmp_path: Path) -> None:
    text = """
env: {variables: {FIRST: "1"}}
phases:
  install: {commands: ["export SECOND=2; mkdir in && cd in"]}
  build: {commands: ['echo "$FIRST $SECOND ${PWD##*/}" >> "$SAID"', "read line || echo nothing on stdin >> $SAID"]}
"""
    assert run(text, tmp_path) == (None, ["1 2 in", "nothing on stdin"])


@pytest.mark.parametrize("phase", ["install", "pre_build"])
def test_a_failure_before_the_build_ends_it(tmp_path: Path, phase: str) -> None:
    text = f"""
phases:
  {phase}: {{commands: ["echo first >> $SAID", "(exit 4)", "echo never >> $SAID"]}}
  build: {{commands: ["echo never >> $SAID"]}}
  post_build: {{commands: ["echo never >> $SAID"]}}
"""
    assert run(text, tmp_path) == (Failure(phase, "(exit 4)", 4), ["first"])


def test_after_a_failed_build_post_build_runs_and_knows(tmp_path: Path) -> None:
    text = """
phases:
  pre_build: {commands: ["echo $CODEBUILD_BUILD_SUCCEEDING >> $SAID"]}
  build: {commands: ["false"]}
  post_build: {commands: ["echo $CODEBUILD_BUILD_SUCCEEDING >> $SAID"]}
"""
    assert run(text, tmp_path) == (Failure("build", "false", 1), ["1", "0"])


@pytest.mark.parametrize(("failing", "said"), [("ABORT", []), ("CONTINUE", ["after"])])
def test_on_failure_says_what_follows(tmp_path: Path, failing: str, said: list[str]) -> None:
    for phase in ("install", "build"):
        folder = tmp_path / phase
        folder.mkdir()
        text = f"""
phases:
  {phase}: {{on-failure: {failing}, commands: ["false"]}}
  post_build: {{commands: ["echo after >> $SAID"]}}
"""
        assert run(text, folder) == (Failure(phase, "false", 1), said)


def test_finally_runs_whatever_happened(tmp_path: Path) -> None:
    text = """
phases:
  install: {commands: ["true"], finally: ["echo good >> $SAID"]}
  build: {commands: ["(exit 7)"], finally: ["echo bad >> $SAID", "(exit 8)"]}
"""
    assert run(text, tmp_path) == (Failure("build", "(exit 7)", 7), ["good", "bad"])


def test_a_command_that_ends_the_shell_fails_with_its_code_and_the_next_has_a_new_one(tmp_path: Path) -> None:
    text = """
phases:
  build: {commands: ["exit 5"], finally: ["echo here >> $SAID"]}
  post_build: {commands: ["kill -9 $$"]}
"""
    assert run(text, tmp_path) == (Failure("build", "exit 5", 5), ["here"])


def test_what_runs_in_the_background_ends_with_the_build(tmp_path: Path) -> None:
    text = "phases: {build: {commands: ['sleep 600 & echo $! >> $SAID']}}"
    failure, (pid,) = run(text, tmp_path)
    assert failure is None
    eventually(lambda: identify(int(pid)) is None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("version: 0.1\nphases: {}", "version: 0.2"),
        ("- a list", "version: 0.2"),
        ("version: 0.2\nphases: [", "not YAML"),
        ("version: 0.2", "phases must hold keys and values"),
        ("version: 0.2\nphases: {test: {commands: []}}", "'test' is not run here; known are install"),
        ("version: 0.2\nphases: {build: {commands: [{echo: x}]}}", "phases.build.commands must be a list of commands"),
        ("version: 0.2\nphases: {build: {on-failure: RETRY}}", "on-failure 'RETRY' is not run here"),
        ("version: 0.2\nphases: {build: {run-as: me}}", "'run-as' is not run here"),
        ("version: 0.2\nenv: {shell: powershell.exe}\nphases: {}", "env.shell 'powershell.exe' is not run here"),
        ("version: 0.2\nenv: {secrets-manager: {A: b}}\nphases: {}", "'secrets-manager' is not run here"),
        ("version: 0.2\nbatch: {}\nphases: {}", "'batch' is not run here"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(text: str, problem: str) -> None:
    with pytest.raises(BuildspecError) as refused:
        parse(text)
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


def project_spec() -> Buildspec:
    return parse((REPOSITORY / "buildspec.yml").read_text())


def test_the_projects_buildspec_calls_codebuild_only_and_everything_there() -> None:
    commands = [command for phase in project_spec().phases for command in (*phase.commands, *phase.last)]
    programs = {path.name for path in (REPOSITORY / "codebuild").glob("*.py")} - {"phase.py"}
    assert sorted(commands) == sorted(f"python codebuild/{name}" for name in programs)


def test_nothing_of_the_projects_runs_after_its_build_failed() -> None:
    phases = {phase.name: phase for phase in project_spec().phases}
    assert phases["build"].aborts
    assert "post_build" not in phases
    assert phases["build"].commands[-1] == "python codebuild/upsert.py"
