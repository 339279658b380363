"""From nothing to predictions, as a stranger would: a laptop, a push, an upload, a file of rows."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import REPOSITORY
from tests.project import Project, table

TESTS_OF_A_TEAM = ("__init__.py", "conftest.py", "pages.py", "processes.py", "without_aws.py", "test_readme.py")
"""The project's own would run twice: what a build runs of them, runs here already."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, git: Callable[..., str]) -> Iterator[Project]:
    """A team's project that began as this one, on a laptop in it."""
    folder = tmp_path_factory.mktemp("clone") / "a project"
    shutil.copytree(
        REPOSITORY, folder, ignore=shutil.ignore_patterns(".git", ".venv*", ".contender", "build", ".*_cache")
    )
    for item in (folder / "tests").iterdir():
        if item.name not in TESTS_OF_A_TEAM:
            shutil.rmtree(item) if item.is_dir() else item.unlink()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "Begin")
    project = Project(folder / ".contender", folder)
    yield project
    project.contender("local", "down")


def push(project: Project) -> str:
    """What the pusher sees."""
    shell = {name: value for name, value in project.env.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        ["git", "push", "laptop", "main"], cwd=project.folder, env=shell, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_push_makes_a_pipeline_that_serves_and_scores(project: Project, git: Callable[..., str]) -> None:
    project.contender("deploy")
    said = push(project)
    for phase in ("install", "check", "package", "deploy", "upsert"):
        assert f"== phase {phase} done" in said, said
    commit = git(project.folder, "rev-parse", "HEAD")
    (release, *none) = json.loads(project.contender("pipeline", "history", "--json"))
    assert release["commit"] == commit
    assert not none

    project.serve("north", table("north", seed=1), "first.csv")
    rows = table("north", seed=2, rows=500)
    file = project.folder / "customers.csv"
    file.write_bytes(rows)
    project.contender("inference", "upload", "north", str(file))
    predictions = json.loads(project.contender("inference", "results", "north", "customers.csv", "--wait", "--json"))
    assert [each["row"] for each in predictions] == list(range(1, 501))
    assert {(each["variant"], each["version"]) for each in predictions} == {("v1", 1)}
    churned = [row["Churn?"] == "True." for row in csv.DictReader(io.StringIO(rows.decode()))]
    right = sum((each["prediction"] == 1) == truth for each, truth in zip(predictions, churned, strict=True))
    assert right > 400


def test_a_push_that_fails_says_in_which_phase_and_leaves_the_pipeline(
    project: Project, git: Callable[..., str]
) -> None:
    sagemaker = project.clients("sagemaker")
    before = sagemaker.describe_pipeline(PipelineName="contender")
    settings = project.folder / "contender.yaml"
    settings.write_text(settings.read_text().replace("max_depth: 5", "max_dept: 5"))
    git(project.folder, "commit", "--quiet", "--all", "--message", "Try a hyperparameter")
    said = push(project)
    assert "== phase check failed: definitions" in said
    assert "max_dept" in said
    assert "failed in phase PRE_BUILD" in said
    assert "the pipeline is as it was" in said
    after = sagemaker.describe_pipeline(PipelineName="contender")
    assert after["PipelineDefinition"] == before["PipelineDefinition"]
    assert after["LastModifiedTime"] == before["LastModifiedTime"]
