"""`contender pipeline history` and `rollback` with SageMaker and S3 as the laptop has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from contender.cli import pipeline
from tests.conftest import Clients
from tests.pipelines.fakes import FakeCloudFormation

MODULE = """
import hashlib
import json
from pathlib import Path
from contender.pipeline.compiling import Upload, compiled

def compile(settings, outputs):
    body = Path(__file__).with_name("message.txt").read_bytes()
    key = f"code/{hashlib.sha256(body).hexdigest()[:8]}/message.txt"
    step = {"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": f"s3://{outputs['ArtifactBucket']}/{key}"}}
    definition = {"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": [step]}
    return compiled(json.dumps(definition), [Upload(body, outputs["ArtifactBucket"], key)])
"""

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> Run:
    clients("s3").create_bucket(Bucket="contender-artifacts")
    (tmp_path / "contender.yaml").write_text("project: history\npipeline: told.train\nbatch_pipeline: ''\n")
    (tmp_path / "told").mkdir()
    (tmp_path / "told" / "__init__.py").touch()
    (tmp_path / "told" / "train.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def connect(service: str, region: str) -> Any:
        return FakeCloudFormation() if service == "cloudformation" else clients(service)

    def invoke(*words: str) -> Any:
        result = CliRunner().invoke(pipeline.command, [*words, "--json"], obj=connect)
        assert result.exception is None, result.exception
        return json.loads(result.stdout)

    return invoke


def test_what_was_pushed_is_listed_and_comes_back(
    run: Run, tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    for commit, message in (("a" * 40, "one\n"), ("b" * 40, "one\ntwo\n"), ("c" * 40, "one\ntwo\n")):
        monkeypatch.setenv("CODEBUILD_RESOLVED_SOURCE_VERSION", commit)
        (tmp_path / "told" / "message.txt").write_text(message)
        run("upsert")
    assert run("rollback", "aaaa")["moves"] == [{"pipeline": "history", "from": 2, "to": 1}]
    third, second, first = run("history")
    assert (third["back_to"], third["commit"], third["versions"]) == (1, "a" * 40, {"history": 3})
    assert (second["commit"], second["also"]) == ("b" * 40, ["c" * 40])
    assert second["changes"] == ["code of Say changed (message.txt: 1 line added, 0 removed)"]
    assert first["changes"] == ["pipeline history is new"]

    sagemaker = clients("sagemaker")
    described = sagemaker.describe_pipeline(PipelineName="history")
    original = sagemaker.describe_pipeline(PipelineName="history", PipelineVersionId=1)
    assert described["PipelineDefinition"] == original["PipelineDefinition"]
    assert "Commit aaaaaaaaaa, by " in described["PipelineDescription"]
    tags = sagemaker.list_tags(ResourceArn=described["PipelineArn"])["Tags"]
    assert tags == [{"Key": "commit", "Value": "a" * 40}]
    assert run("rollback", "1")["moves"] == []
