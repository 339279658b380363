"""`contender pipeline` and `contender data` against fakes, in a project of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contender.cli import data, pipeline
from contender.errors import ContenderError
from contender.executions.dimension_lock import Claim, DimensionLock
from tests.lambdas.fakes import FakeDynamoDB
from tests.pipelines.fakes import NOW, FakeCloudFormation, FakePipelines, FakeS3, FakeSts

Run = Callable[..., Result]

DEFINITION = {
    "Parameters": [
        {"Name": "Dimension", "Type": "String"},
        {"Name": "SkipDataQualityCheck", "Type": "Boolean"},
        {"Name": "DataQualitySuppliedStatistics", "Type": "String"},
    ],
    "Steps": [
        {"Name": "Prepare", "Type": "Lambda", "DisplayName": "Prepare it", "Description": "Does it.", "Arguments": {}},
        {
            "Name": "Gate",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [],
                "IfSteps": [{"Name": "Go", "Type": "Lambda", "Arguments": {}}],
                "ElseSteps": [{"Name": "Stop", "Type": "Fail", "Arguments": {}}],
            },
        },
    ],
}
MODULE = """
import json
from pathlib import Path
from contender.pipeline.compiling import Upload, compiled

def compile(settings, outputs):
    here = Path(__file__)
    definition = json.loads(here.with_name("definition.json").read_text())
    return compiled(json.dumps(definition), [Upload(here.read_bytes(), outputs["ArtifactBucket"], "code/abc/step.py")])
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A folder with a pipeline module of its own name, so that no test sees another's."""
    name = f"own_{abs(hash(request.node.nodeid))}"
    (tmp_path / "contender.yaml").write_text(f"pipeline: {name}.first\nbatch_pipeline: ''\n")
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    (tmp_path / name / "first.py").write_text(MODULE)
    (tmp_path / name / "definition.json").write_text(json.dumps(DEFINITION))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def sagemaker() -> FakePipelines:
    return FakePipelines()


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


@pytest.fixture
def dynamodb() -> FakeDynamoDB:
    return FakeDynamoDB()


@pytest.fixture
def run(project: Path, sagemaker: FakePipelines, s3: FakeS3, dynamodb: FakeDynamoDB) -> Run:
    clients = {
        "sagemaker": sagemaker,
        "s3": s3,
        "cloudformation": FakeCloudFormation(),
        "dynamodb": dynamodb,
        "sts": FakeSts(),
    }

    def invoke(*words: str) -> Result:
        command = {"pipeline": pipeline.command, "data": data.command}[words[0]]
        return CliRunner().invoke(command, words[1:], obj=lambda service, region: clients[service])

    return invoke


def read(result: Result) -> Any:
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def refusal(result: Result) -> str:
    assert isinstance(result.exception, ContenderError)
    assert "\n" not in str(result.exception)
    return str(result.exception)


def test_show_draws_steps_and_branches_and_asks_nothing_of_aws(run: Run, sagemaker: FakePipelines) -> None:
    assert run("pipeline", "show").stdout.splitlines() == [
        "●   Prepare  Lambda",
        "",
        "◆   Gate     Condition  needs nothing",
        "├─╮",
        "● │ Go       Lambda     if Gate is true",
        "  × Stop     Fail       if Gate is false",
        "",
        "parameters",
        "  Dimension                      String   (has to be given)",
        "  SkipDataQualityCheck           Boolean  (has to be given)",
        "  DataQualitySuppliedStatistics  String   (has to be given)",
    ]
    assert "Does it." in run("pipeline", "show", "--long").stdout
    assert read(run("pipeline", "show", "--json"))["Steps"] == DEFINITION["Steps"]
    assert sagemaker.calls == []


def test_show_of_what_is_not_deployed_says_so(run: Run) -> None:
    assert "`contender pipeline upsert`" in refusal(run("pipeline", "show", "--deployed"))


def test_upsert_uploads_code_first_then_creates_and_then_changes_nothing(
    run: Run, sagemaker: FakePipelines, s3: FakeS3
) -> None:
    (created,) = read(run("pipeline", "upsert", "--json"))
    assert created["action"] == "created"
    assert created["uploaded"] == ["s3://contender-artifacts/code/abc/step.py"]
    assert sagemaker.made("CreatePipeline")
    (again,) = read(run("pipeline", "upsert", "--json"))
    assert (again["action"], again["uploaded"]) == ("unchanged", [])
    assert not sagemaker.made("UpdatePipeline")
    assert s3.order == ["code/abc/step.py"]
    assert read(run("pipeline", "show", "--deployed", "--json"))["Steps"] == DEFINITION["Steps"]


def test_a_project_may_score_files_as_well(run: Run, project: Path, sagemaker: FakePipelines) -> None:
    assert refusal(run("pipeline", "show", "--batch")) == "batch_pipeline is empty: this project scores no files"
    settings = project / "contender.yaml"
    module = settings.read_text().split()[1]
    settings.write_text(f"pipeline: {module}\nbatch_pipeline: {module}\n")
    rows = read(run("pipeline", "upsert", "--json"))
    assert [(row["pipeline"], row["action"]) for row in rows] == [
        ("contender", "created"),
        ("contender-batch", "created"),
    ]
    assert sagemaker.pipelines["contender-batch"]["PipelineDisplayName"] == "contender-batch"
    assert read(run("pipeline", "show", "--batch", "--deployed", "--json"))["Steps"] == DEFINITION["Steps"]
    assert [each["changed"] for each in read(run("pipeline", "diff", "--json"))] == [False, False]


def test_a_dry_run_changes_nothing(run: Run, sagemaker: FakePipelines, s3: FakeS3) -> None:
    (planned,) = read(run("pipeline", "upsert", "--dry-run", "--json"))
    assert (planned["action"], planned["dry_run"]) == ("created", True)
    assert planned["uploaded"] == ["s3://contender-artifacts/code/abc/step.py"]
    assert sagemaker.pipeline is None
    assert not s3.objects


def test_diff_says_what_upsert_would_change(run: Run, project: Path, sagemaker: FakePipelines) -> None:
    assert run("pipeline", "diff").stdout.splitlines() == [
        "pipeline contender is new, with 4 steps and 3 parameters",
        "uploads s3://contender-artifacts/code/abc/step.py",
    ]
    run("pipeline", "upsert")
    same = {"pipeline": "contender", "changed": False, "deployed": True, "changes": [], "runs_again": [], "uploads": []}
    assert read(run("pipeline", "diff", "--json")) == [same]
    assert run("pipeline", "diff").stdout == ""
    (path,) = project.glob("own_*/definition.json")
    path.write_text(path.read_text().replace("Does it.", "Does more."))
    sentence = 'step Prepare: description "Does it." → "Does more."'
    assert run("pipeline", "diff").stdout == f"{sentence}\n"
    assert sentence in run("pipeline", "upsert", "--dry-run").stderr
    assert '+   "Description": "Does more."' in run("pipeline", "diff", "--lines").stdout
    (told,) = read(run("pipeline", "diff", "--json"))
    assert told["changed"] is True
    assert told["changes"][0]["path"] == ["Description"]
    assert sentence in run("pipeline", "upsert").stderr
    assert sagemaker.made("UpdatePipeline")
    assert run("pipeline", "diff").stdout == ""
    assert sentence not in run("pipeline", "upsert").stderr


def test_diff_tells_another_role_and_another_spelling(run: Run, project: Path, sagemaker: FakePipelines) -> None:
    run("pipeline", "upsert")
    deployed = sagemaker.pipelines["contender"]
    deployed["RoleArn"] = "arn:aws:iam::000000000000:role/another-of-mine"
    assert "another-of-mine → " in run("pipeline", "diff").stdout
    run("pipeline", "upsert")
    deployed["PipelineDefinition"] = json.dumps(json.loads(deployed["PipelineDefinition"]), indent=1)
    assert "written in another way" in run("pipeline", "diff").stdout


def test_what_several_pipelines_have_in_common_is_said_once(run: Run, project: Path) -> None:
    settings = project / "contender.yaml"
    module = settings.read_text().split()[1]
    settings.write_text(f"pipeline: {module}\nbatch_pipeline: {module}\n")
    run("pipeline", "upsert")
    (path,) = project.glob("own_*/definition.json")
    path.write_text(path.read_text().replace("Does it.", "Does more."))
    assert run("pipeline", "diff").stdout.splitlines() == [
        "contender, contender-batch:",
        '  step Prepare: description "Does it." → "Does more."',
    ]


def test_a_pipeline_that_sagemaker_would_refuse_is_refused_here(run: Run, project: Path) -> None:
    (path,) = project.glob("own_*/definition.json")
    path.write_text(path.read_text().replace('"Go"', '"Prepare"'))
    assert refusal(run("pipeline", "show")) == "two steps are called 'Prepare'"


def test_a_missing_pipeline_module_is_named(run: Run, project: Path) -> None:
    (project / "contender.yaml").write_text("pipeline: pipelines_nowhere.train\n")
    assert "'pipelines_nowhere.train' is not in" in refusal(run("pipeline", "show"))


def test_a_module_without_compile_is_named(run: Run, project: Path) -> None:
    (path,) = project.glob("own_*/first.py")
    path.write_text("")
    assert "has no compile(settings, outputs)" in refusal(run("pipeline", "show"))


def test_start_passes_the_objects_version(run: Run, sagemaker: FakePipelines, s3: FakeS3) -> None:
    run("pipeline", "upsert")
    s3.put_object(Bucket="b", Key="data/A/x y.csv", Body=b"")
    arguments = ("pipeline", "start", "--dimension", "A", "--data", "s3://b/data/A/x y.csv", "--json")
    assert read(run(*arguments, "--dry-run"))["execution"] is None
    started = read(run(*arguments))
    (request,) = sagemaker.made("StartPipelineExecution")
    assert started["execution"].endswith("/execution/000000000000")
    assert {each["Name"]: each["Value"] for each in request["PipelineParameters"]} == {
        "Dimension": "A",
        "InputDataUri": "s3://b/data/A/x y.csv",
        "DataVersion": "0123abcd",
        "SkipDataQualityCheck": "true",
    }
    assert request["PipelineExecutionDisplayName"].startswith("A-")
    assert "wait for it" in refusal(run(*arguments)), "a dimension never runs twice at the same time"


def test_what_was_started_by_hand_and_what_an_upload_starts_wait_for_each_other(
    run: Run, sagemaker: FakePipelines, s3: FakeS3, dynamodb: FakeDynamoDB
) -> None:
    run("pipeline", "upsert")
    s3.put_object(Bucket="b", Key="data/A/x.csv", Body=b"")
    lock = DimensionLock(dynamodb, sagemaker, "contender-locks")
    assert lock.claim("A", "an upload", datetime.now(UTC)).claim is Claim.TAKEN
    arguments = ("pipeline", "start", "--dimension", "A", "--data", "s3://b/data/A/x.csv")
    assert "'A' is in an execution that is about to start" in refusal(run(*arguments))
    assert not sagemaker.made("StartPipelineExecution")
    lock.give_back("A", "an upload")
    assert run(*arguments).exception is None
    assert lock.claim("A", "another upload", NOW).claim is Claim.HELD
    sagemaker.executions[0]["status"] = "Succeeded"
    assert lock.claim("A", "another upload", NOW).claim is Claim.TAKEN


def test_start_sets_what_it_is_told_over_what_a_first_run_needs(run: Run, s3: FakeS3) -> None:
    run("pipeline", "upsert")
    s3.put_object(Bucket="b", Key="x.csv", Body=b"")
    arguments = ("pipeline", "start", "--dimension", "A", "--data", "s3://b/x.csv", "--dry-run")
    given = ("--set", "SkipDataQualityCheck=False", "--set", "DataQualitySuppliedStatistics=s3://b/a=b.json")
    assert read(run(*arguments, "--json"))["options"] == {"SkipDataQualityCheck": "true"}
    assert "SkipDataQualityCheck: true" in run(*arguments).stderr
    assert read(run(*arguments, *given, "--json"))["options"] == {
        "SkipDataQualityCheck": "false",
        "DataQualitySuppliedStatistics": "s3://b/a=b.json",
    }


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("SkipDataQuality=true", "has no parameter 'SkipDataQuality'; did you mean 'SkipDataQualityCheck'?"),
        ("X=1", "has no parameter 'X'; `contender pipeline show --deployed --json` lists them"),
        ("Dimension=B", "parameter 'Dimension' is not an option: it comes from the dimension and its data"),
        ("SkipDataQualityCheck=yes", "parameter SkipDataQualityCheck is true or false, not 'yes'"),
        ("SkipDataQualityCheck", "--set 'SkipDataQualityCheck' is not of the form Name=value"),
    ],
)
def test_start_refuses_an_option_that_the_pipeline_would_not_take(run: Run, s3: FakeS3, pair: str, words: str) -> None:
    run("pipeline", "upsert")
    s3.put_object(Bucket="b", Key="x.csv", Body=b"")
    assert words in refusal(run("pipeline", "start", "--dimension", "A", "--data", "s3://b/x.csv", "--set", pair))


def test_start_of_a_pipeline_that_is_not_deployed_says_so(run: Run) -> None:
    words = refusal(run("pipeline", "start", "--dimension", "A", "--data", "s3://b/x.csv"))
    assert words == "pipeline 'contender' does not exist: make it with `contender pipeline upsert`"


@pytest.mark.parametrize(
    ("dimension", "uri", "words"),
    [
        ("A", "s3://b/none.csv", "does not exist"),
        ("A", "here.csv", "is no S3 object"),
        ("A", "s3://b", "is no S3 object"),
        ("A", "s3://b/march (1).csv", "cannot be recorded"),
        ("A", f"s3://b/{'x' * 250}.csv", "cannot be recorded"),
        ("A/B", "s3://b/x.csv", "cannot be a name"),
    ],
)
def test_start_refuses_what_could_not_run(run: Run, dimension: str, uri: str, words: str) -> None:
    run("pipeline", "upsert")
    assert words in refusal(run("pipeline", "start", "--dimension", dimension, "--data", uri))


def test_retry_goes_on_with_a_dimensions_latest_and_holds_the_dimension(
    run: Run, sagemaker: FakePipelines, dynamodb: FakeDynamoDB
) -> None:
    run("pipeline", "upsert")
    failed = sagemaker.add_execution("A-00000001", "Failed", "Interrupted")
    sagemaker.add_execution("B-00000001", "Succeeded")
    assert read(run("pipeline", "retry", "A", "--json")) == [{"execution": failed["arn"]}]
    assert failed["status"] == "Executing"
    assert "'A' is in execution" in refusal(run("pipeline", "retry", "A"))
    lock = DimensionLock(dynamodb, sagemaker, "contender-locks")
    assert lock.claim("A", "an upload", NOW).claim is Claim.HELD


def test_watch_reports_every_planned_step_of_a_success(run: Run, sagemaker: FakePipelines) -> None:
    run("pipeline", "upsert")
    sagemaker.add_execution("A-00000001", "Succeeded", Prepare="Succeeded", Gate="Succeeded", Go="Succeeded")
    (result,) = read(run("pipeline", "watch", "--json"))
    assert {step["name"]: step["status"] for step in result["steps"]} == {
        "Prepare": "Succeeded",
        "Gate": "Succeeded",
        "Go": "Succeeded",
        "Stop": "Skipped",
    }
    assert result["parameters"] == {"Dimension": "A"}
    assert "1.5" in run("pipeline", "watch").stdout


def test_watch_of_a_failure_fails_with_its_reason(run: Run, sagemaker: FakePipelines) -> None:
    run("pipeline", "upsert")
    sagemaker.add_execution("A-00000001", "Failed", "Dimension A Refused: AUC 0.5", Prepare="Failed")
    sagemaker.add_execution("B-00000001", "Succeeded")
    result = run("pipeline", "watch", "A")
    assert refusal(result) == "execution A-00000001 failed: Dimension A Refused: AUC 0.5"
    assert "it broke" in result.stdout


def test_watch_gives_up_in_time(run: Run, sagemaker: FakePipelines) -> None:
    run("pipeline", "upsert")
    sagemaker.add_execution("A-00000001", "Executing", Prepare="Executing")
    assert "still runs after 0 s" in refusal(run("pipeline", "watch", "--timeout", "0"))


@pytest.mark.parametrize("word", ["B", "000000000001"])
def test_watch_of_nothing_says_so(run: Run, sagemaker: FakePipelines, word: str) -> None:
    assert "does not exist: make it with `contender pipeline upsert`" in refusal(run("pipeline", "watch", word))
    run("pipeline", "upsert")
    sagemaker.add_execution("A-00000001", "Executing")
    assert f"{word!r} names no execution" in refusal(run("pipeline", "watch", word))


def test_sample_writes_a_file_for_each_dimension(run: Run, project: Path) -> None:
    rows = read(run("data", "sample", "--dimensions", "2", "--rows", "120", "--out", "made", "--json"))
    assert [row["file"] for row in rows] == ["made/region-1/churn-7.csv", "made/region-2/churn-7.csv"]
    assert len((project / rows[0]["file"]).read_text().splitlines()) == 121


def test_sample_of_too_few_rows_is_refused(run: Run) -> None:
    assert "at least 100" in refusal(run("data", "sample", "--rows", "10", "--out", "made"))


def test_upload_puts_each_file_where_the_starter_looks(run: Run, s3: FakeS3, project: Path) -> None:
    for dimension in ("A", "B-1"):
        (project / "in" / dimension).mkdir(parents=True)
        (project / "in" / dimension / "march.csv").write_text(dimension)
    planned = read(run("data", "upload", "in", "--dry-run", "--json"))
    assert not s3.objects
    assert read(run("data", "upload", "in", "--json")) == planned
    assert s3.objects == {
        ("contender-data", "data/A/march.csv"): b"A",
        ("contender-data", "data/B-1/march.csv"): b"B-1",
    }


def test_a_single_file_belongs_to_its_folders_dimension_or_the_named_one(run: Run, s3: FakeS3, project: Path) -> None:
    (project / "A").mkdir()
    (project / "A" / "x.csv").write_text("1")
    assert run("data", "upload", "A/x.csv").exception is None
    assert run("data", "upload", "A/x.csv", "--dimension", "Z").exception is None
    assert run("data", "upload", "A", "--dimension", "Y").exception is None
    assert [key for _, key in s3.objects] == ["data/A/x.csv", "data/Z/x.csv", "data/Y/x.csv"]


@pytest.mark.parametrize(("place", "words"), [("empty", "holds no <dimension>/*.csv"), ("no_name", "cannot be a name")])
def test_an_upload_that_could_not_be_read_back_is_refused(
    run: Run, s3: FakeS3, project: Path, place: str, words: str
) -> None:
    (project / "empty").mkdir()
    (project / "no_name" / "under_score").mkdir(parents=True)
    (project / "no_name" / "under_score" / "x.csv").write_text("1")
    assert words in refusal(run("data", "upload", place))
    assert not s3.objects
