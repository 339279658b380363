"""The compiled pipeline on local SageMaker: uploads that make versions, and uploads that must not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import contender
from contender import evaluation, registry
from contender.config import Settings, load
from contender.demo.main_job import Demo
from contender.deployment import Cloud, deploy
from contender.executions import control
from contender.executions.dimension_lock import DimensionLock
from contender.executions.listing import pipeline_of
from contender.executions.snapshot import Snapshot, Watcher
from contender.naming import Names
from contender.pipeline.compiling import Compiled, compile_project
from contender.pipeline.targets import Target, training_targets
from contender.pipeline.upserting import upsert
from contender.rollout.ledger import Ledger
from contender.rollout_settings import publish
from contender.sample_data import COLUMNS, generate
from contender.stacks import core_parameters
from contender.trials.record import Record, component_name, read
from tests.steps.chain import to_csv

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT, REGION = "000000000000", "us-east-1"
PATIENCE_S = 120.0
# With so few held-out rows, an equally good challenger cannot be shown to be within the usual margin.
SMALL = {"project": "story", "gates.margin": 0.1}


@dataclass(frozen=True)
class Story:
    """A deployed project and what its tests do with it."""

    settings: Settings
    outputs: Mapping[str, str]
    clients: Any
    usual: Compiled

    @property
    def names(self) -> Names:
        return Names(self.settings.project)

    @property
    def sagemaker(self) -> Any:
        return self.clients("sagemaker")

    def upsert(self, compiled: Compiled, target: Target | None = None) -> None:
        role = self.outputs["PipelineRoleArn"]
        upsert(self.sagemaker, self.clients("s3"), self.settings, role, compiled, target)

    @contextmanager
    def with_settings(self, **overrides: Any) -> Iterator[None]:
        """The pipeline compiled with other settings, for a while."""
        settings = load(ROOT / "contender.yaml", environ={}, overrides={**SMALL, **overrides})
        for target in training_targets(settings):
            self.upsert(compile_project(settings, self.outputs, ROOT, target), target)
        try:
            yield
        finally:
            self.upsert(self.usual)

    def place(self, dimension: str, name: str, body: bytes) -> str:
        """Put data where its arrival starts nothing."""
        bucket, key = self.outputs["ArtifactBucket"], f"by-hand/{dimension}/{name}"
        self.clients("s3").put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key}"

    def serve(self, dimension: str, name: str, body: bytes) -> registry.Version:
        """Upload, and wait for the version that comes of it."""
        bucket, s3 = self.outputs["DataBucket"], self.clients("s3")
        demo = Demo(self.settings, bucket, self.sagemaker, self.clients("sagemaker-runtime"), s3, print)
        before = demo.before([dimension])
        demo.upload({dimension: (name, body)})
        served = demo.serve_newer([dimension], before, PATIENCE_S)
        assert not served.failures
        return served.versions[dimension]

    def run(self, dimension: str, uri: str, **options: str) -> Snapshot:
        """Start an execution by hand and wait for its end."""
        request = control.plan_start(self.sagemaker, self.clients("s3"), self.names, dimension, uri, options)
        lock = DimensionLock(self.clients("dynamodb"), self.sagemaker, self.outputs["LockTable"])
        return self.end_of(control.start(self.sagemaker, lock, self.names, request, datetime.now(UTC)))

    def end_of(self, arn: str) -> Snapshot:
        watcher, deadline = Watcher(self.sagemaker, arn), time.monotonic() + PATIENCE_S
        while (last := watcher.snapshot()).running:
            assert time.monotonic() < deadline, last
            time.sleep(0.1)
        return last

    def recorded(self, execution: str) -> Record:
        """What the function writes of an execution when it has ended, and puts into its trial."""
        name, deadline = component_name(self.names, execution), time.monotonic() + PATIENCE_S
        while name not in self._components(execution.rpartition("/")[2]):
            assert time.monotonic() < deadline, f"nothing is recorded of {execution}"
            time.sleep(0.1)
        return read(self.sagemaker.describe_trial_component(TrialComponentName=name))

    def _components(self, trial: str) -> list[str]:
        listed = self.sagemaker.list_trial_components(TrialName=trial)["TrialComponentSummaries"]
        return [each["TrialComponentName"] for each in listed]

    def ask(self, dimension: str, body: str) -> list[float]:
        answer = self.clients("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.names.endpoint(dimension), ContentType="text/csv", Accept="text/csv", Body=body
        )
        return [float(line) for line in answer["Body"].read().split()]

    def search(self, dimension: str, number: int) -> Mapping[str, Any]:
        """The tuning job that a version is the best training of."""
        name = self.package(dimension, number)["CustomerMetadataProperties"]["tuningJob"]
        tuning: Mapping[str, Any] = self.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return tuning

    def report(self, dimension: str, number: int) -> Mapping[str, Any]:
        return evaluation.read(self.clients("s3"), self.package(dimension, number))

    def package(self, dimension: str, number: int) -> dict[str, Any]:
        versions = registry.list_versions(self.sagemaker, self.names.group(dimension))
        (arn,) = (version.arn for version in versions if version.number == number)
        package: dict[str, Any] = self.sagemaker.describe_model_package(ModelPackageName=arn)
        return package


@pytest.fixture(scope="module")
def story(clients: Any) -> Story:
    """A deployed stack and pipeline of a project of its own, and a champion for dimension A."""
    settings = load(ROOT / "contender.yaml", environ={}, overrides=SMALL)
    cloud = Cloud(clients("cloudformation"), clients("s3"), ACCOUNT, REGION)
    code = Path(contender.__file__).parents[1]
    parameters = core_parameters(settings) | {"Experiments": "off"}
    stack = deploy(cloud, Names("story"), ROOT / "infra" / "core.yaml", parameters, root=code)
    publish(Ledger(clients("dynamodb"), stack.outputs["RolloutTable"]), settings)
    story = Story(settings, stack.outputs, clients, compile_project(settings, stack.outputs, ROOT))
    story.upsert(story.usual)
    assert story.serve("A", "first.csv", sample(1)).number == 1
    return story


def sample(seed: int, rows: int = 1500) -> bytes:
    return to_csv([list(COLUMNS), *generate("region-1", rows, seed)]).encode()


def raw_rows(count: int) -> str:
    return to_csv([row[:-1] for row in generate("region-1", 500, seed=5)[:count]])


def test_the_first_version_is_champion_and_answers_raw_rows(story: Story) -> None:
    (version,) = registry.list_versions(story.sagemaker, story.names.group("A"))
    assert (version.role, version.status) == ("Champion", "InService")
    answers = story.ask("A", raw_rows(20))
    assert len(answers) == 20
    assert len(set(answers)) > 10
    assert story.ask("A", raw_rows(1)) == answers[:1]
    report = story.report("A", 1)
    assert not report["champion"]
    assert report["binary_classification_metrics"]["auc"]["value"] > 0.85


def test_a_row_with_too_few_columns_is_the_callers_error(story: Story) -> None:
    with pytest.raises(ClientError) as caught:
        story.ask("A", "1,2,3")
    assert caught.value.response["Error"]["Code"] == "ModelError"
    assert caught.value.response["OriginalStatusCode"] == 400
    assert "expected 21 columns, got 3" in caught.value.response["OriginalMessage"]


def test_json_records_are_answered_by_the_endpoint(story: Story) -> None:
    row = generate("region-1", 500, seed=5)[0]
    record = dict(zip(COLUMNS, row, strict=True)) | {"State": None, "Day Mins": float(row[8])}
    answer = story.clients("sagemaker-runtime").invoke_endpoint(
        EndpointName=story.names.endpoint("A"),
        ContentType="application/json",
        Body=json.dumps({"instances": [record]}),
    )
    assert answer["ContentType"] == "application/json"
    assert 0 <= json.loads(answer["Body"].read())["predictions"][0]["probability"] <= 1


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("empty.csv", b"", "empty.csv is empty"),
        ("label.csv", sample(2).replace(b"Churn?", b"Churned"), "the label (data.label), is missing"),
        ("class.csv", sample(2).replace(b"True.", b"False."), "one class only"),
        ("facet.csv", sample(2).replace(b"Int'l Plan", b"Intl Plan"), "the nearest is 'Intl Plan'"),
        ("group.csv", sample(2).replace(b"yes", b"ja"), "is never 'yes' (checks.bias.facet_values); found 'ja', 'no'"),
        ("encoding.csv", sample(2).decode().encode("utf-16"), "UTF-16"),
    ],
)
def test_a_broken_upload_fails_in_words_and_the_champion_goes_on(
    story: Story, name: str, body: bytes, words: str
) -> None:
    last = story.run("A", story.place("broken", name, body))
    assert last.status == "Failed"
    assert words in last.reason
    assert last.steps[0].status == "Failed"
    assert words in last.steps[0].reason
    assert len(story.ask("A", raw_rows(3))) == 3
    assert len(registry.list_versions(story.sagemaker, story.names.group("A"))) == 1


def test_the_next_upload_makes_a_challenger_that_was_compared_with_the_champion(story: Story) -> None:
    assert story.serve("B", "first.csv", sample(1)).role == "Champion"
    version = story.serve("B", "second.csv", sample(2))
    assert (version.number, version.role) == (2, "Challenger")
    report = story.report("B", 2)
    assert report["champion"]["version"] == "1"
    assert 0 <= report["difference"]["p_value"] <= 1
    assert report["gate"]["passed"] is True
    record = story.recorded(story.package("B", 2)["CustomerMetadataProperties"]["executionArn"])
    assert (record.outcome, record.version, record.verdicts["possible_loss"]) == ("registered", 2, "passed")
    assert record.metrics["champion.auc"] == report["champion"]["auc"]["value"]


def test_a_check_that_may_end_the_execution_ends_it_before_anything_is_trained(story: Story) -> None:
    uri = story.place("B", "again.csv", sample(2))
    last = story.run("B", uri, FailOnDataBiasViolation="true")
    steps = {step.name: step.status for step in last.steps}
    assert (last.status, steps["DataBias"], steps["Train"], steps["Register"]) == (
        "Failed", "Failed", "Skipped", "Skipped",
    )  # fmt: skip
    assert "Class Imbalance (CI) of the facet" in last.reason
    assert len(registry.list_versions(story.sagemaker, story.names.group("B"))) == 2


def test_a_baseline_that_is_not_there_fails_its_check_before_anything_is_trained(story: Story) -> None:
    absent = dict.fromkeys(
        ("DataQualitySuppliedStatistics", "DataQualitySuppliedConstraints"), "s3://nowhere/at-all.json"
    )
    last = story.run("B", story.place("B", "again.csv", sample(2)), **absent)
    steps = {step.name: step.status for step in last.steps}
    assert (last.status, steps["DataQuality"], steps["Train"]) == ("Failed", "Failed", "Skipped")
    assert "s3://nowhere/at-all.json" in last.reason


def test_a_version_that_waits_for_approval_is_rolled_out_when_it_gets_it(story: Story) -> None:
    with story.with_settings(approval="manual"):
        last = story.run("F", story.place("F", "x.csv", sample(1)))
    assert last.status == "Succeeded", last.reason
    (version,) = registry.list_versions(story.sagemaker, story.names.group("F"))
    assert (version.approval, version.role, version.status) == ("PendingManualApproval", "Challenger", "Pending")
    story.sagemaker.update_model_package(ModelPackageArn=version.arn, ModelApprovalStatus="Approved")
    deadline = time.monotonic() + PATIENCE_S
    while (version := registry.list_versions(story.sagemaker, story.names.group("F"))[0]).status != "InService":
        assert time.monotonic() < deadline, version
        time.sleep(0.1)
    assert version.role == "Champion"
    assert len(story.ask("F", raw_rows(3))) == 3


def test_the_same_upload_again_reuses_every_cacheable_step(story: Story) -> None:
    uri = story.place("C", "x.csv", sample(1))
    story.run("C", uri)
    again = story.run("C", uri)
    assert again.status == "Succeeded"
    reused = {step.name for step in again.steps if step.cached}
    assert {"Preprocess", "Train", "Package"} <= reused
    assert not reused & {"Champion", "Register", "Deploy"}
    story.place("C", "x.csv", sample(2))
    assert not {step.name for step in story.run("C", uri).steps if step.cached}, "the same key, another content"


def test_a_challenger_below_the_floor_is_refused_in_words(story: Story) -> None:
    with story.with_settings(**{"gates.min_auc": 0.9999}):
        last = story.run("D", story.place("D", "x.csv", sample(1)))
    assert last.status == "Failed"
    assert "D: Refused: AUC 0." in last.reason
    assert "below the floor of 0.9999 (gates.min_auc)" in last.reason
    assert {step.name: step.status for step in last.steps}["Register"] == "Skipped"
    record = story.recorded(last.arn)
    assert (record.outcome, record.verdicts["auc"], record.version) == ("refused", "failed", None)
    assert record.reason.startswith("Refused: AUC 0.")


def test_a_search_trains_the_registered_model_and_later_ones_continue_it(story: Story) -> None:
    def run(seed: int) -> Snapshot:
        last = story.run("E", story.place("E", f"{seed}.csv", sample(seed)))
        assert last.status == "Succeeded", last.reason
        return last

    def pipeline_and_search(last: Snapshot) -> tuple[str, str, bool]:
        (tune,) = (step for step in last.steps if step.name == "Tune")
        return pipeline_of(last.arn), tune.status, tune.cached

    with story.with_settings(**{"training.tuning_trials": 3, "training.rounds": 20}):
        assert pipeline_and_search(run(1)) == ("story", "Succeeded", False)
        assert story.report("E", 1)["binary_classification_metrics"]["auc"]["value"] > 0.8
        first = story.search("E", 1)
        assert "WarmStartConfig" not in first

        assert pipeline_and_search(run(2)) == ("story-warm", "Succeeded", False)
        parents = [{"HyperParameterTuningJobName": first["HyperParameterTuningJobName"]}]
        assert story.search("E", 2)["WarmStartConfig"] == {
            "ParentHyperParameterTuningJobs": parents,
            "WarmStartType": "TransferLearning",
        }
        assert pipeline_and_search(run(2)) == ("story-warm", "Succeeded", True), "the same data is not searched again"

        arn = story.package("E", 3)["ModelPackageArn"]
        story.sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"tuningJob": "gone"})
        assert pipeline_and_search(run(3)) == ("story", "Succeeded", False)
        assert "WarmStartConfig" not in story.search("E", 4)
