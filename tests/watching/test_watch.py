"""The watcher against AWS in memory: what an event asks for, what is refused for now, and what goes on beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contender.errors import DeploymentError
from contender.lambdas.watch import Clients, Watcher
from contender.lambdas.watch_settings import WatchSettings
from contender.naming import Names
from contender.rollout.actions import UpdateEndpoint
from contender.rollout.decision import Decision
from contender.rollout.execute import Apply
from contender.rollout.ledger import Ledger
from contender.rollout.observation import Observation
from contender.rollout.spec import Instance, Spec
from contender.rollout.state import Phase, State, Track
from contender.stages import StageVersions
from contender.watching.actions import CreateDefinition, CreateSchedule, DeleteDefinition, DeleteSchedule
from contender.watching.execute import Watchman
from contender.watching.wishes import Scaling, Wishes
from tests.lambdas.fakes import FakeTables, client_error
from tests.watching.fakes import NOW, FakeCloudWatch, FakeS3, FakeSageMaker, FakeScaling, pipeline
from tests.watching.test_record import ENCODER, FEATURES, artifact, statistics

NAMES = Names("contender")
WISHES = Wishes(
    names=NAMES,
    bucket="artifacts",
    role_arn="arn:aws:iam::123456789012:role/contender-monitor",
    topic_arn="arn:aws:sns:eu-west-1:123456789012:contender-alerts",
    kinds=("data",),
    schedule="cron(0 * ? * * *)",
    truth_hours=24,
    quality_margin=0.05,
    instance_type="ml.m5.xlarge",
    error_rate=0.05,
    latency_ms=1000,
)
SETTINGS = WatchSettings(WISHES, stalled_s=3600)
SWEEP = {"detail-type": "Scheduled Event"}


class Account:
    """One account with dimensions that serve."""

    def __init__(self, settings: WatchSettings = SETTINGS) -> None:
        self.sagemaker, self.cloudwatch, self.scaling = FakeSageMaker(), FakeCloudWatch(), FakeScaling()
        self.s3, self.dynamodb = FakeS3({}), FakeTables(NAMES.table("rollouts"))
        self.sagemaker.pipeline = pipeline("analyser")
        Ledger(self.dynamodb, NAMES.table("rollouts")).put_spec(Spec("", Instance("ml.m5.large", 1)))
        self.clients = Clients(self.sagemaker, self.s3, self.cloudwatch, self.scaling, self.dynamodb)
        self.watcher = Watcher(settings, self.clients)
        self.watchman = Watchman(self.sagemaker, self.s3, self.cloudwatch, self.scaling, NAMES)

    def serve(self, dimension: str, *numbers: int) -> None:
        """Versions up to these, the last of them champion with a baseline, behind an endpoint that captures."""
        group = NAMES.group(dimension)
        for number in numbers:
            arn = self.sagemaker.register(group, cycle={"Stage": "Champion", "StageStatus": "InService"})
            place = f"{group}/{number}"
            self.s3.objects |= {
                f"artifacts/{place}/statistics.json": statistics(*FEATURES),
                f"artifacts/{place}/constraints.json": statistics(*FEATURES),
                f"artifacts/{place}/model.tar.gz": artifact(ENCODER),
            }
            at = {
                name: {"ContentType": "json", "S3Uri": f"s3://artifacts/{place}/{name.lower()}.json"}
                for name in ("Statistics", "Constraints")
            }
            self.sagemaker.packages[arn]["DriftCheckBaselines"] = {"ModelDataQuality": at}
        endpoint = NAMES.endpoint(dimension)
        config = f"{endpoint}-{numbers[-1]:010d}"
        role, package = "arn:aws:iam::123456789012:role/contender-model", [{"ModelPackageName": arn}]
        self.sagemaker.create_model(ModelName=f"{endpoint}-v1", ExecutionRoleArn=role, Containers=package)
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=config,
            ProductionVariants=[
                {
                    "VariantName": f"v{number}",
                    "ModelName": f"{endpoint}-v1",
                    "InitialVariantWeight": 1.0,
                    "InstanceType": "ml.m5.large",
                    "InitialInstanceCount": 1,
                }
                for number in numbers
            ],
            DataCaptureConfig={
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": "s3://artifacts/capture",
                "CaptureOptions": [{"CaptureMode": "Input"}],
            },
        )
        self.sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)
        self.sagemaker.settle()

    def look(self, event: dict[str, Any] = SWEEP) -> dict[str, Any]:
        return self.watcher.handle(event, NOW)

    def release_v1(self, scaling: Any) -> None:
        """What a rollout does that takes a variant away."""
        versions = StageVersions(self.sagemaker, self.dynamodb, NAMES, None, lambda: NOW)
        action = UpdateEndpoint("contender-SM-1", "contender-SM-1-0000000002", released=("v1",))
        Apply(self.sagemaker, "role", versions, scaling=scaling).run(action)


def changed(dimension: str) -> dict[str, Any]:
    endpoint = NAMES.endpoint(dimension)
    return {"detail-type": "SageMaker Endpoint State Change", "detail": {"EndpointName": endpoint}}


def test_an_event_has_its_own_dimension_watched_and_no_other() -> None:
    account = Account()
    account.serve("SM-1", 1)
    account.serve("SM-10", 1)
    account.look(changed("SM-1"))
    assert list(account.sagemaker.schedules) == ["contender-SM-1-data"]
    assert set(account.cloudwatch.alarms) == {f"contender-SM-1-{what}" for what in ("errors", "latency", "drift")}
    account.look()
    assert list(account.sagemaker.schedules) == ["contender-SM-1-data", "contender-SM-10-data"]
    assert account.look()["told"] == [], "a second look finds nothing to do"


def test_the_baseline_lies_where_its_definition_says() -> None:
    account = Account()
    account.serve("SM-1", 1)
    account.look()
    (definition,) = account.sagemaker.definitions.values()
    compared = definition["DataQualityBaselineConfig"]
    for uri in (
        compared["StatisticsResource"]["S3Uri"],
        compared["ConstraintsResource"]["S3Uri"],
        definition["DataQualityAppSpecification"]["RecordPreprocessorSourceUri"],
    ):
        assert uri.startswith("s3://artifacts/monitoring/contender-SM-1/baselines/")
        assert uri.removeprefix("s3://") in account.s3.objects


def test_what_is_there_is_made_again_and_what_is_gone_is_deleted_again() -> None:
    account = Account()
    account.serve("SM-1", 1)
    account.look()
    ((name, request),) = account.sagemaker.definitions.items()
    content = {key: value for key, value in request.items() if key != "JobDefinitionName"}
    schedule = "contender-SM-1-data"
    for action in (
        CreateDefinition("data", name, content),
        CreateSchedule(schedule, "data", name, WISHES.schedule),
        *([DeleteSchedule(schedule)] * 2),
        *([DeleteDefinition("data", name)] * 2),
    ):
        account.watchman.run(action)
    assert (account.sagemaker.schedules, account.sagemaker.definitions) == ({}, {})


def test_events_of_others_ask_for_nothing() -> None:
    account = Account()
    for detail in ({"EndpointName": "other-SM-1"}, {"EndpointName": "contender--dev-SM-1"}, {}):
        answer = account.look({"detail-type": "SageMaker Endpoint State Change", "detail": detail})
        assert answer["outcome"] == "not ours"


def test_what_watched_an_endpoint_that_is_gone_goes_too_and_alarms_of_the_project_stay() -> None:
    account = Account()
    account.serve("SM-1", 1)
    account.cloudwatch.alarms["contender-lambda-errors"] = {
        "AlarmName": "contender-lambda-errors",
        "AlarmDescription": "no endpoint's",
    }
    account.look()
    account.sagemaker.delete_endpoint(EndpointName="contender-SM-1")
    account.sagemaker.settle()
    account.look()
    assert (account.sagemaker.schedules, account.sagemaker.definitions) == ({}, {})
    assert list(account.cloudwatch.alarms) == ["contender-lambda-errors"]


def test_a_schedule_whose_execution_runs_is_changed_at_the_next_look() -> None:
    account = Account()
    account.serve("SM-1", 1)
    account.look()
    account.serve("SM-1x", 1)
    before = account.sagemaker.schedules["contender-SM-1-data"]
    arn = next(arn for arn in account.sagemaker.packages if "/contender-SM-1/" in arn)
    account.sagemaker.packages[arn]["DriftCheckBaselines"]["ModelDataQuality"]["Statistics"]["S3Uri"] = (
        "s3://artifacts/contender-SM-1/1/constraints.json"
    )
    account.sagemaker.refusals["UpdateMonitoringSchedule"] = client_error("Update", "ValidationException", "it runs")
    answer = account.look()
    assert answer["resting"] == ["UpdateSchedule: it runs"]
    assert account.sagemaker.schedules["contender-SM-1-data"] == before
    assert "contender-SM-1x-data" in account.sagemaker.schedules, "nobody else waits"
    account.sagemaker.refusals.clear()
    account.look()
    assert len(account.sagemaker.definitions) == 2
    assert account.look()["told"] == []


def test_a_dimension_that_fails_stops_no_other_and_is_told_at_the_end() -> None:
    account = Account()
    account.serve("SM-1", 1)
    account.serve("SM-2", 1)
    arn = next(arn for arn in account.sagemaker.packages if "/contender-SM-1/" in arn)
    del account.sagemaker.packages[arn]["InferenceSpecification"]
    with pytest.raises(DeploymentError, match="1 endpoints could not be looked after: contender-SM-1: KeyError"):
        account.look()
    assert list(account.sagemaker.schedules) == ["contender-SM-2-data"]


def test_a_model_whose_columns_have_no_names_is_not_compared_and_that_is_said() -> None:
    account = Account()
    account.serve("SM-1", 1)
    account.s3.objects["artifacts/contender-SM-1/1/model.tar.gz"] = artifact(None)
    (reason,) = account.look()["resting"]
    assert "no usable encoder.json" in reason
    assert account.sagemaker.schedules == {}


def test_rollouts_that_get_nowhere_are_counted() -> None:
    account = Account()
    ledger = Ledger(account.dynamodb, NAMES.table("rollouts"))
    since = NOW - timedelta(days=1)
    track = Track(2, Phase.INCONCLUSIVE, 1, since, since, since, "code", "nobody knows")
    before = State("contender-SM-1", "SM-1")
    after = replace(before, revision=1, champion=1, tracks=(track,))
    assert ledger.record(Spec("", Instance("ml.m5.large", 1)), before, Observation(), Decision(after), since)
    (sentence,) = account.look()["stalled"]
    assert "v2 of contender-SM-1 is Inconclusive" in sentence
    assert account.cloudwatch.measured("StalledRollouts") == [1]


# ── Automatic scaling ─────────────────────────────────────────────────────────────────────────────────────────────


SCALED = replace(SETTINGS, wishes=replace(WISHES, scaling=Scaling(1, 4, 1000)))


def test_variants_are_scaled_with_a_policy_each() -> None:
    account = Account(SCALED)
    account.serve("SM-1", 1, 2)
    account.look()
    assert set(account.scaling.targets) == {f"endpoint/contender-SM-1/variant/v{number}" for number in (1, 2)}
    policies = account.scaling.policies.values()
    assert {policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] for policy in policies} == {1000.0}
    assert account.look()["told"] == []


def test_a_project_that_scales_nothing_asks_nobody_unless_something_still_is() -> None:
    account = Account()
    account.serve("SM-1", 1)
    account.look()
    assert account.scaling.calls == []
    account.scaling.register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/contender-SM-1/variant/v1",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=1,
        MaxCapacity=4,
    )
    tracked = "TargetTracking-endpoint/contender-SM-1/variant/v1-AlarmHigh"
    account.cloudwatch.alarms[tracked] = {"AlarmName": tracked}
    account.look()
    assert account.scaling.targets == {}


def test_where_there_is_no_automatic_scaling_one_line_says_so_and_the_rest_is_watched() -> None:
    account = Account(SCALED)
    account.scaling.absent = True
    account.serve("SM-1", 1)
    answer = account.look()
    assert answer["scaling"] == "there is no Application Auto Scaling here: variants keep the instances that they have"
    assert list(account.sagemaker.schedules) == ["contender-SM-1-data"]


def test_a_rollout_goes_on_where_there_is_no_automatic_scaling() -> None:
    account = Account(SCALED)
    account.scaling.absent = True
    account.serve("SM-1", 1, 2)
    account.release_v1(account.scaling)
    assert account.sagemaker.made("UpdateEndpoint")


@pytest.mark.parametrize("scaled", [True, False])
def test_a_rollout_lets_go_of_a_variant_before_it_takes_it_away(scaled: bool) -> None:
    account = Account(SCALED)
    account.serve("SM-1", 1, 2)
    if scaled:
        account.look()
    account.release_v1(account.scaling)
    assert "endpoint/contender-SM-1/variant/v1" not in account.scaling.targets
    assert len(account.scaling.made("DeregisterScalableTarget")) == 1
    assert account.sagemaker.made("UpdateEndpoint")


def test_a_rollout_of_a_project_that_scales_nothing_asks_nobody() -> None:
    account = Account()
    account.serve("SM-1", 1, 2)
    account.release_v1(None)
    assert account.scaling.calls == []
