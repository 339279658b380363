"""The batch pipeline on local SageMaker, through `contender batch`: what is scored, by whom, and what is refused."""

from __future__ import annotations

import csv
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import contender
from contender import batch
from contender.cli import batch as commands
from contender.config import Settings, load
from contender.deployment import Cloud, deploy
from contender.errors import DeploymentError, NotFoundError
from contender.executions.snapshot import Watcher
from contender.naming import Names
from contender.pipeline.compiling import compile_project
from contender.pipeline.targets import batch as batch_target
from contender.pipeline.upserting import upsert
from contender.sample_data import COLUMNS, generate
from contender.stacks import core_parameters
from tests.conftest import Clients
from tests.steps.chain import Chain, to_csv

ROOT = Path(__file__).resolve().parents[2]
ROLE = "arn:aws:iam::000000000000:role/scoring-model-us-east-1"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
SERVING = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}


@dataclass(frozen=True)
class Scoring:
    """A deployed project whose versions are made by hand: nothing has to be trained by its pipeline."""

    clients: Clients
    settings: Settings
    outputs: Mapping[str, str]

    @property
    def names(self) -> Names:
        return Names(self.settings.project)

    def add_version(self, dimension: str, chain: Chain, stage: str) -> None:
        """A version in service: its artifact, its model and its entry in the registry."""
        sagemaker, group = self.clients("sagemaker"), self.names.group(dimension)
        bucket, key = self.outputs["ArtifactBucket"], f"by-hand/{uuid.uuid4()}/model.tar.gz"
        self.clients("s3").upload_file(str(chain.root / "artifact" / "model.tar.gz"), bucket, key)
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{bucket}/{key}", "Environment": SERVING}
        if stage == "Champion":
            sagemaker.create_model_package_group(ModelPackageGroupName=group)
        arn = sagemaker.create_model_package(
            ModelPackageGroupName=group,
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            ModelApprovalStatus="Approved",
            ModelLifeCycle={"Stage": stage, "StageStatus": "InService", "StageDescription": "made by a test"},
        )["ModelPackageArn"]
        model = self.names.model(dimension, self.names.version_of_package(dimension, arn))
        sagemaker.create_model(ModelName=model, ExecutionRoleArn=ROLE, PrimaryContainer=container)

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(commands.command, words, obj=lambda service, region: self.clients(service))


Scored = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def scoring(clients: Clients, tmp_path_factory: pytest.TempPathFactory) -> Scoring:
    """Dimension A has a champion, B a challenger beside it."""
    settings = load(ROOT / "contender.yaml", environ={}, overrides={"project": "scoring"})
    cloud = Cloud(clients("cloudformation"), clients("s3"), "000000000000", "us-east-1")
    parameters, code = core_parameters(settings), Path(contender.__file__).parents[1]
    stack = deploy(cloud, Names("scoring"), ROOT / "infra" / "core.yaml", parameters, root=code)
    target = batch_target(settings)
    compiled = compile_project(settings, stack.outputs, ROOT, target)
    role = stack.outputs["PipelineRoleArn"]
    upsert(clients("sagemaker"), clients("s3"), settings, role, compiled, target)
    scoring = Scoring(clients, settings, stack.outputs)
    one, other = (trained(tmp_path_factory.mktemp(f"model-{seed}"), seed=seed, rounds=20 * seed) for seed in (1, 2))
    scoring.add_version("A", one, "Champion")
    scoring.add_version("B", one, "Champion")
    scoring.add_version("B", other, "Challenger")
    return scoring


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose settings name the deployed project."""
    (tmp_path / "contender.yaml").write_text("project: scoring\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def score(scoring: Scoring, project: Path) -> Scored:
    def score(dimension: str, path: Path, *words: str) -> dict[str, Any]:
        result = scoring.run("score", dimension, str(path), "--json", *words)
        assert result.exception is None, result.exception
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    return score


def trained(root: Path, seed: int, rounds: int) -> Chain:
    chain = Chain(root).upload(to_csv([list(COLUMNS), *generate("region-1", 1000, seed)]))
    assert chain.preprocess() == 0
    assert chain.train(rounds).package() == 0
    return chain


def table(path: Path, count: int = 60) -> Path:
    path.write_text(to_csv([list(COLUMNS), *generate("region-1", 600, seed=5)[:count]]))
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_file_comes_back_scored_by_the_champion(scoring: Scoring, score: Scored, tmp_path: Path) -> None:
    source, output = table(tmp_path / "march.csv"), tmp_path / "scored.csv"
    answer = score("A", source, "--output", str(output))
    assert answer["summary"]["champion"]["version"] == "1"
    rows = read(output)
    assert [{**row, "score": ""} for row in rows] == [{**row, "score": ""} for row in read(source)]
    assert all(0 < float(row["score"]) < 1 for row in rows)
    execution = answer["execution"].rpartition("/")[2]
    bucket = scoring.outputs["ArtifactBucket"]
    assert answer["predictions"] == f"s3://{bucket}/batch/A/{execution}/Collect/result/predictions.csv"
    assert answer["data"].startswith(f"s3://{bucket}/batch/A/uploads/")


def test_side_by_side_compares_the_challenger(score: Scored, tmp_path: Path) -> None:
    summary = score("B", table(tmp_path / "march.csv", 300), "--side-by-side", "--wait")["summary"]
    assert (summary["champion"]["version"], summary["challenger"]["version"]) == ("1", "2")
    assert 0.8 < summary["agreement"] <= 1
    assert summary["labelled"]["rows"] == 300
    assert summary["labelled"]["difference"]["lower"] < summary["labelled"]["difference"]["upper"]


def test_without_a_challenger_the_champion_scores_alone(scoring: Scoring, project: Path) -> None:
    result = scoring.run("score", "A", str(table(project / "march.csv")), "--side-by-side", "--wait")
    assert result.exception is None
    assert "no challenger is in service: the champion scored alone" in result.stderr
    assert "Compare" in result.stderr.partition("not run:")[2]


def test_a_refused_row_is_told_and_the_others_are_scored(scoring: Scoring, project: Path) -> None:
    source = table(project / "march.csv")
    lines = source.read_text().split("\n")
    lines[7] = lines[7].replace(lines[7].split(",")[COLUMNS.index("Day Mins")], "many")
    source.write_text("\n".join(lines))
    result = scoring.run("score", "A", str(source), "--output", str(project / "scored.csv"))
    assert result.exception is None
    assert "1 row was refused; which and why: s3://" in result.stderr
    assert [number for number, row in enumerate(read(project / "scored.csv")) if not row["score"]] == [6]


def test_a_file_of_other_columns_fails_in_words(scoring: Scoring, project: Path) -> None:
    (project / "other.csv").write_text("a,b\n1,2\n")
    result = scoring.run("score", "A", str(project / "other.csv"), "--wait")
    assert isinstance(result.exception, DeploymentError)
    assert "other.csv lacks 19 of the 19 columns of champion v1" in str(result.exception)


def test_nobody_scores_where_nobody_serves(scoring: Scoring, project: Path) -> None:
    source = table(project / "march.csv")
    result = scoring.run("score", "C", str(source))
    assert isinstance(result.exception, NotFoundError)
    request = batch.Request("C", "s3://any/thing.csv", "1", side_by_side=True)
    sagemaker = scoring.clients("sagemaker")
    watcher = Watcher(sagemaker, batch.start(sagemaker, scoring.names, request))
    deadline = time.monotonic() + 30
    while (last := watcher.snapshot()).running:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "dimension 'C' has no champion to score with" in last.reason


def test_a_dry_run_sends_nothing(scoring: Scoring, score: Scored, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(f"{uuid.uuid4()}\n1\n")
    answer = score("A", tmp_path / "new.csv", "--dry-run")
    assert answer["execution"] is None
    bucket, _, key = answer["data"].removeprefix("s3://").partition("/")
    assert "Contents" not in scoring.clients("s3").list_objects_v2(Bucket=bucket, Prefix=key)


def test_the_churn_files_that_nobody_here_wrote(
    scoring: Scoring, project: Path, score: Scored, real_data: Path
) -> None:
    raw = real_data / "training" / "DummyDim1" / "churn_dummy_dim1.csv"
    summary = score("A", raw, "--output", str(project / "scored.csv"))["summary"]
    assert (summary["rows"], summary["refused"]) == (5000, 0)
    assert len(read(project / "scored.csv")) == 5000
    encoded = real_data / "inference" / "DummyDim1" / "dim_1_test.csv"
    result = scoring.run("score", "A", str(encoded), "--wait")
    assert "dim_1_test.csv lacks 8 of the 19 columns of champion v1: State, Area Code, Int'l Plan" in str(
        result.exception
    )
