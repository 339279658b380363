"""The remote `laptop`: when a project gets it, and that nobody's own is touched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contender.local.builds.folders import KEPT, Folders
from contender.local.builds.receiving import follow, receive
from contender.local.builds.repository import NOTHING, Repository, clean, offer

Git = Callable[..., str]


@pytest.fixture
def project(tmp_path: Path, git: Git) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet")
    return folder


@pytest.fixture
def repository(project: Path) -> Repository:
    repository = Repository(project / ".contender", "churn")
    repository.prepare("main")
    return repository


def test_a_project_that_holds_the_home_gets_the_remote_once(project: Path, repository: Repository, git: Git) -> None:
    assert "has the remote laptop" in offer(repository.path, project)
    assert git(project, "remote", "get-url", "laptop") == str(repository.path)
    (project / "inner").mkdir()
    assert offer(repository.path, project / "inner") == "git push laptop: builds and deploys what is pushed"


def test_a_project_that_moved_finds_its_remote_again(project: Path, repository: Repository, git: Git) -> None:
    offer(repository.path, project)
    moved = project.rename(project.parent / "moved")
    again = Repository(moved / ".contender", "churn")
    again.prepare("main")
    assert "found again the remote laptop" in offer(again.path, moved)
    assert git(moved, "remote", "get-url", "laptop") == str(again.path)


def test_a_remote_of_somebodys_own_stays(project: Path, repository: Repository, git: Git) -> None:
    git(project, "remote", "add", "laptop", "ada@example.org:churn")
    assert "leads to ada@example.org:churn and stays" in offer(repository.path, project)
    assert git(project, "remote", "get-url", "laptop") == "ada@example.org:churn"


def test_a_remote_to_another_laptop_of_the_project_stays(project: Path, repository: Repository, git: Git) -> None:
    """Worktrees of one repository share its remotes."""
    offer(repository.path, project)
    other = Repository(project / "another home", "churn")
    other.prepare("main")
    assert "and stays; to push here: git push" in offer(other.path, project)
    assert git(project, "remote", "get-url", "laptop") == str(repository.path)


@pytest.mark.parametrize("inside", [True, False])
def test_a_home_elsewhere_is_only_told(tmp_path: Path, project: Path, git: Git, inside: bool) -> None:
    elsewhere = Repository(tmp_path / "home", "churn")
    elsewhere.prepare("main")
    folder = project if inside else tmp_path
    assert offer(elsewhere.path, folder).endswith(f"git remote add laptop {elsewhere.path}")
    assert git(project, "remote") == ""


def test_preparing_again_changes_the_branch_and_loses_nothing(project: Path, repository: Repository, git: Git) -> None:
    (project / "a").touch()
    git(project, "add", "a")
    git(project, "commit", "--quiet", "--message", "first")
    (repository.path / "hooks" / "post-receive").write_text("#!/bin/sh\n")
    git(project, "push", "--quiet", str(repository.path), "HEAD:refs/heads/main")
    repository.prepare("release")
    assert repository.ref == "refs/heads/release"
    assert repository.commit("refs/heads/main") == git(project, "rev-parse", "HEAD")
    assert repository.commit("refs/heads/release") is None
    assert "contender.local.builds.receiving" in (repository.path / "hooks" / "post-receive").read_text()


def test_only_the_delivered_branch_is_built_and_the_rest_is_told_so(tmp_path: Path, repository: Repository) -> None:
    said: list[str] = []
    lines = [
        f"{NOTHING} {'a' * 40} refs/heads/topic\n",
        f"{NOTHING} {'a' * 40} refs/tags/v1\n",
        f"{'a' * 40} {NOTHING} refs/heads/main\n",
        f"{'a' * 40} {'b' * 40} refs/heads/main\n",
    ]
    (build,) = receive(lines, repository, Folders(tmp_path), said.append)
    assert (build.number, build.commit, build.before, build.status) == (1, "b" * 40, "a" * 40, "waiting")
    assert said == [
        "refs/heads/topic is accepted; only refs/heads/main is built",
        "refs/tags/v1 is accepted; only refs/heads/main is built",
        "refs/heads/main is deleted; nothing is built",
    ]


def test_variables_of_git_reach_no_command() -> None:
    assert clean({"GIT_DIR": "x", "GIT_QUARANTINE_PATH": "y", "HOME": "z"}) == {"HOME": "z"}


def test_the_oldest_builds_are_forgotten_but_none_that_is_not_over(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    waiting = folders.new("refs/heads/main", "a" * 40, NOTHING, "ada")
    for _ in range(KEPT + 3):
        folders.change(folders.new("refs/heads/main", "b" * 40, NOTHING, "ada"), status="succeeded")
    numbers = [build.number for build in folders.all()]
    assert waiting.number in numbers
    assert numbers[0] == KEPT + 4
    assert len(numbers) <= KEPT + 2
    assert folders.read(numbers[0]).ended is not None


def test_a_log_is_shown_in_whole_lines_to_its_very_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\ntw")
    shown: list[bytes] = []
    moments = iter([b"o\nthree", b" and a half", None])

    def running() -> bool:
        more = next(moments)
        if more is None:
            return False
        with log.open("ab") as file:
            file.write(more)
        return True

    follow(log, running, shown.append)
    assert b"".join(shown) == b"one\ntwo\nthree and a half\n"
    assert all(part.endswith(b"\n") for part in shown if part)
