"""`contender pipeline history` and `rollback` against fakes: every commit leads to its definition, and back to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contender.cli import pipeline
from contender.errors import ContenderError
from contender.pipeline.origin import Origin, origin
from contender.pipeline.versions import MOST_COMMITS, Note, record
from tests.pipelines.fakes import FakeCloudFormation, FakePipelines, FakeS3, FakeSts

MODULE = """
import hashlib
import json
from pathlib import Path
from contender.pipeline.compiling import Upload, compiled

def compile(settings, outputs):
    here = Path(__file__).parent
    body = (here / "step.txt").read_bytes()
    key = f"code/{hashlib.sha256(body).hexdigest()[:8]}"
    step = {"Name": "Prepare", "Type": "Lambda", "Arguments": {"code": f"s3://{outputs['ArtifactBucket']}/{key}"}}
    return compiled(json.dumps({"Steps": [step]}), [Upload(body, outputs["ArtifactBucket"], f"{key}/step.txt")])
"""
BATCH = """
import json
from contender.pipeline.compiling import compiled

def compile(settings, outputs):
    return compiled(json.dumps({"Steps": [{"Name": "Score", "Type": "Lambda", "Arguments": {}}]}), [])
"""

Deliver = Callable[[str, str], None]
Run = Callable[..., Result]


@pytest.fixture
def sagemaker() -> FakePipelines:
    return FakePipelines()


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    name = f"versions_{abs(hash(request.node.nodeid))}"
    (tmp_path / "contender.yaml").write_text(f"pipeline: {name}.train\nbatch_pipeline: {name}.batch\n")
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "train.py").write_text(MODULE)
    (folder / "batch.py").write_text(BATCH)
    (folder / "step.txt").write_text("one\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


@pytest.fixture
def run(project: Path, sagemaker: FakePipelines, s3: FakeS3) -> Run:
    clients = {"sagemaker": sagemaker, "s3": s3, "cloudformation": FakeCloudFormation(), "sts": FakeSts()}
    return lambda *words: CliRunner().invoke(pipeline.command, words, obj=lambda service, region: clients[service])


@pytest.fixture
def deliver(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> Deliver:
    """Upsert a step's code as a build of that commit does."""

    def upsert(commit: str, code: str) -> None:
        (project / "step.txt").write_text(code)
        monkeypatch.setenv("CODEBUILD_RESOLVED_SOURCE_VERSION", commit)
        monkeypatch.setenv("CODEBUILD_INITIATOR", "ada")
        assert run("upsert").exception is None

    return upsert


def read(result: Result) -> Any:
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def refusal(result: Result) -> str:
    assert isinstance(result.exception, ContenderError)
    return str(result.exception)


def test_history_tells_when_which_commit_by_whom_and_what_changed(run: Run, deliver: Deliver) -> None:
    deliver("a" * 40, "one\n")
    deliver("b" * 40, "one\ntwo\n")
    second, first = read(run("history", "--json"))
    assert (first["release"], first["commit"], first["by"]) == (1, "a" * 40, "ada")
    assert first["versions"] == {"contender": 1, "contender-batch": 1}
    assert first["changes"] == ["pipeline contender is new", "pipeline contender-batch is new"]
    assert second["versions"] == {"contender": 2}
    assert second["changes"] == ["code of Prepare changed (step.txt: 1 line added, 0 removed)"]
    lines = run("history", "--last", "1").stdout.splitlines()
    assert lines[0].startswith("2  ")
    assert lines[0].endswith("bbbbbbbbbb  by ada: contender v2")


def test_the_commit_stands_in_the_description_and_in_a_tag(deliver: Deliver, sagemaker: FakePipelines) -> None:
    deliver("a" * 40, "one\n")
    assert sagemaker.pipelines["contender"]["PipelineDescription"].endswith("Commit aaaaaaaaaa, by ada.")
    assert sagemaker.tags == {"contender.commit": "a" * 40, "contender-batch.commit": "a" * 40}


def test_a_commit_that_changes_nothing_is_named_with_the_release_it_found(
    run: Run, deliver: Deliver, sagemaker: FakePipelines
) -> None:
    deliver("a" * 40, "one\n")
    deliver("b" * 40, "one\n")
    deliver("b" * 40, "one\n")
    (release,) = read(run("history", "--json"))
    assert (release["commit"], release["also"]) == ("a" * 40, ["b" * 40])
    assert not sagemaker.made("UpdatePipeline")
    assert sagemaker.tags["contender.commit"] == "b" * 40
    assert "aaaaaaaaaa (and bbbbbbbbbb)" in run("history").stdout


def test_a_rollback_is_a_new_release_that_names_what_it_went_back_to(
    run: Run, deliver: Deliver, sagemaker: FakePipelines
) -> None:
    deliver("a" * 40, "one\n")
    deliver("b" * 40, "two\n")
    result = run("rollback")
    assert result.exception is None
    assert result.stdout.splitlines() == [
        "contender: version 2 → the definition of version 1",
        "  code of Prepare changed (step.txt: 1 line added, 1 removed)",
    ]
    newest = read(run("history", "--json"))[0]
    assert (newest["release"], newest["back_to"], newest["versions"]) == (3, 1, {"contender": 3})
    assert newest["commit"] == "a" * 40
    kept = sagemaker.versions["contender"]
    assert kept[2]["PipelineDefinition"] == kept[0]["PipelineDefinition"] != kept[1]["PipelineDefinition"]
    assert sagemaker.tags["contender.commit"] == "a" * 40
    assert "back to release 1: contender v3" in run("history").stdout


def test_a_pipeline_that_came_later_stays(run: Run, deliver: Deliver, project: Path, sagemaker: FakePipelines) -> None:
    settings = project.parent / "contender.yaml"
    both = settings.read_text()
    settings.write_text(f"{both.splitlines()[0]}\nbatch_pipeline: ''\n")
    deliver("a" * 40, "one\n")
    settings.write_text(both)
    deliver("b" * 40, "two\n")
    assert read(run("rollback", "--json"))["moves"] == [{"pipeline": "contender", "from": 2, "to": 1}]
    assert len(sagemaker.versions["contender-batch"]) == 1


def test_a_rollback_that_was_done_already_changes_nothing(run: Run, deliver: Deliver, sagemaker: FakePipelines) -> None:
    deliver("a" * 40, "one\n")
    deliver("b" * 40, "two\n")
    run("rollback", "1")
    assert read(run("rollback", "1", "--json"))["moves"] == []
    assert len(sagemaker.versions["contender"]) == 3


def test_a_release_is_found_by_any_of_its_commits(run: Run, deliver: Deliver) -> None:
    deliver("a" * 40, "one\n")
    deliver("b" * 40, "one\n")
    deliver("c" * 40, "two\n")
    assert read(run("rollback", "bbbb", "--dry-run", "--json")) == {
        "release": 1,
        "moves": [{"pipeline": "contender", "from": 2, "to": 1}],
        "dry_run": True,
    }
    assert "no release 'dddd'" in refusal(run("rollback", "dddd"))
    assert "no release '9'" in refusal(run("rollback", "9"))


def test_a_dry_run_of_a_rollback_changes_nothing(run: Run, deliver: Deliver, sagemaker: FakePipelines) -> None:
    deliver("a" * 40, "one\n")
    deliver("b" * 40, "two\n")
    run("rollback", "--dry-run")
    assert len(sagemaker.versions["contender"]) == 2


def test_a_rollback_is_refused_where_code_is_gone(
    run: Run, deliver: Deliver, sagemaker: FakePipelines, s3: FakeS3
) -> None:
    deliver("a" * 40, "one\n")
    deliver("b" * 40, "two\n")
    del s3.objects["contender-artifacts", s3.order[0]]
    assert "is gone; check out aaaaaaaaaa and upsert it" in refusal(run("rollback", "1"))
    assert len(sagemaker.versions["contender"]) == 2


def test_the_first_release_has_none_before_it(run: Run, deliver: Deliver) -> None:
    assert "no former release" in refusal(run("rollback"))
    deliver("a" * 40, "one\n")
    assert "no former release" in refusal(run("rollback"))


def test_versions_of_other_tools_are_listed_without_a_commit(
    run: Run, deliver: Deliver, sagemaker: FakePipelines
) -> None:
    deliver("a" * 40, "one\n")
    sagemaker.update_pipeline(PipelineName="contender", PipelineDefinition=json.dumps({"Steps": []}))
    newest = read(run("history", "--json"))[0]
    assert (newest["release"], newest["commit"], newest["by"]) == (2, "", "")
    assert newest["changes"] == ["step Prepare is gone"]


def test_whoever_was_killed_before_the_note_writes_it_the_next_time(sagemaker: FakePipelines) -> None:
    arn = sagemaker.create_pipeline(
        PipelineName="p",
        PipelineDefinition="{}",
        RoleArn="arn:aws:iam::000000000000:role/pipeline",
        ClientRequestToken="0" * 32,
    )["PipelineArn"]
    record(sagemaker, "p", arn, Origin("a" * 40, "ada"), "second try")
    assert Note.read(sagemaker.versions["p"][0]["PipelineVersionDescription"]) == Note("second try", "a" * 40, "ada")


def test_a_note_fits_however_many_commits_change_nothing() -> None:
    note = Note("r" * 32, "0" * 40, "x" * 100)
    for number in range(100):
        note = note.with_commit(f"{number:034d}-dirty")
    assert len(note.also) == MOST_COMMITS
    assert note.also[-1].startswith("0" * 32 + "99")
    assert len(note.as_text()) <= 3072
    assert Note.read(note.as_text()) == note
    assert Note.read("a sentence") is None
    assert Note.read('{"commit": 1}') is None


def test_outside_a_build_git_knows_the_commit_and_whether_files_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, git: Callable[..., str]
) -> None:
    assert origin(FakeSts(), tmp_path, {}).commit == ""
    git(tmp_path, "init", "--quiet")
    assert origin(FakeSts(), tmp_path, {}).commit == ""
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    found = origin(FakeSts(), tmp_path, {})
    assert found.commit == commit
    assert found.by.endswith("(user/ada)")
    (tmp_path / "b").write_text("2")
    assert origin(FakeSts(), tmp_path, {}).commit == f"{commit}-dirty"
    built = {"CODEBUILD_RESOLVED_SOURCE_VERSION": "c" * 40, "CODEBUILD_INITIATOR": "codepipeline/contender"}
    assert origin(FakeSts(), tmp_path, built) == Origin("c" * 40, "codepipeline/contender")
