"""Models that are asked while a challenger is checked: made once, and forgotten when nobody needs them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contender import candidates
from contender.errors import DeploymentError
from contender.lambdas import model, tick
from contender.lambdas.settings import ModelSettings
from tests.lambdas.fakes import FakeSageMaker, client_error
from tests.lambdas.world import NAMES, SETTINGS, World

ROLE = "arn:aws:iam::123456789012:role/models"
EVENT = {
    "Dimension": "A",
    "ModelUri": "s3://artifacts/runs/A/x1/Package/artifact/model.tar.gz",
    "Image": "xgboost",
    "Environment": '{"SAGEMAKER_PROGRAM": "inference.py"}',
}


def make(sagemaker: FakeSageMaker, **changes: str) -> str:
    reply = model.answer(sagemaker, ModelSettings(NAMES, ROLE), {**EVENT, **changes})
    return reply["ModelName"]


def execution(sagemaker: FakeSageMaker, name: str, status: str, pipeline: str = "contender") -> None:
    arn = sagemaker.arn(f"pipeline/{pipeline}/execution/{len(sagemaker.executions):012d}")
    request = {"PipelineExecutionDisplayName": name}
    sagemaker.executions[arn] = {"token": name, "status": status, "request": request, "started": sagemaker.now}


def leftovers(sagemaker: FakeSageMaker, hours: float = 25) -> tuple[str, ...]:
    return candidates.leftovers(sagemaker, NAMES, sagemaker.now + timedelta(hours=hours))


def test_the_same_artifact_is_the_same_model() -> None:
    sagemaker = FakeSageMaker()
    name = make(sagemaker)
    assert make(sagemaker) == name
    (request,) = sagemaker.made("CreateModel")
    assert request == {
        "ModelName": name,
        "ExecutionRoleArn": ROLE,
        "Containers": [
            {
                "Image": "xgboost",
                "ModelDataUrl": EVENT["ModelUri"],
                "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
            }
        ],
    }


@pytest.mark.parametrize(
    "change",
    [{"ModelUri": "s3://artifacts/other"}, {"Image": "xgboost:2"}, {"Environment": "{}"}, {"Dimension": "B"}],
)
def test_what_would_answer_differently_is_another_model(change: dict[str, str]) -> None:
    sagemaker = FakeSageMaker()
    assert make(sagemaker) != make(sagemaker, **change)


def test_two_at_once_make_one() -> None:
    sagemaker = FakeSageMaker()
    sagemaker.before["CreateModel"] = lambda: make(sagemaker)
    name = make(sagemaker)
    assert list(sagemaker.models) == [name]


def test_an_artifact_that_sagemaker_refuses_is_an_error_in_words() -> None:
    sagemaker = FakeSageMaker()
    sagemaker.refusals["CreateModel"] = client_error("CreateModel", "ValidationException", "Could not find model data")
    with pytest.raises(DeploymentError, match=r"of s3://artifacts/.* was refused: Could not find model data"):
        make(sagemaker)


def test_a_candidate_is_kept_for_a_day_so_that_its_execution_can_be_retried() -> None:
    sagemaker = FakeSageMaker()
    name = make(sagemaker)
    execution(sagemaker, "A-01234567", "Failed")
    assert leftovers(sagemaker, hours=23) == ()
    assert leftovers(sagemaker) == (name,)


def test_a_later_execution_that_took_the_candidate_from_the_cache_can_be_retried_for_a_day_too() -> None:
    sagemaker = FakeSageMaker()
    name = make(sagemaker)
    sagemaker.now += timedelta(days=5)
    execution(sagemaker, "A-01234567", "Succeeded")
    execution(sagemaker, "A-89abcdef", "Failed")
    assert leftovers(sagemaker, hours=23) == ()
    assert leftovers(sagemaker) == (name,)


def test_a_candidate_whose_dimension_is_in_an_execution_stays() -> None:
    sagemaker = FakeSageMaker()
    kept, gone = make(sagemaker), make(sagemaker, Dimension="A-1")
    execution(sagemaker, "A-01234567", "Executing")
    execution(sagemaker, "A-1-01234567", "Succeeded")
    assert leftovers(sagemaker) == (gone,)
    execution(sagemaker, "by-hand", "Executing")
    assert leftovers(sagemaker) == (), "an execution under somebody's own name may be of any dimension"
    assert kept in sagemaker.models


def test_an_execution_that_continues_a_search_keeps_its_candidates_too() -> None:
    sagemaker = FakeSageMaker()
    make(sagemaker)
    execution(sagemaker, "A-01234567", "Executing", "contender-warm")
    assert leftovers(sagemaker) == ()


def test_what_is_no_candidate_of_this_project_stays() -> None:
    sagemaker = FakeSageMaker()
    for name in ("contender-A-v3", "contender-A-c01234567", "contender2-A-c012345678", "contender-A-cABCDEF012"):
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, Containers=[{"Image": "x"}])
    assert leftovers(sagemaker) == ()


def test_a_project_without_a_pipeline_needs_none() -> None:
    sagemaker = FakeSageMaker()
    name = make(sagemaker)
    sagemaker.definition = None
    assert leftovers(sagemaker) == (name,)


def sweep(sagemaker: Any, now: datetime) -> Any:
    line: dict[str, Any] = {}
    clients = replace(World("A", sagemaker).clients, clock=lambda: now)
    tick.answer(SETTINGS, clients, {"detail-type": tick.SWEEP}, line)
    return line["forgotten"]


def test_the_sweep_forgets_them() -> None:
    sagemaker: Any = FakeSageMaker()
    name = make(sagemaker)
    now = sagemaker.now + timedelta(days=2)
    assert sweep(sagemaker, now) == (name,)
    assert sagemaker.models == {}
    assert sweep(sagemaker, now) == ()


def test_the_sweep_forgets_them_although_a_dimension_cannot_be_looked_at() -> None:
    sagemaker: Any = FakeSageMaker()
    name = make(sagemaker)
    sagemaker.register("contender-B", "Approved")
    sagemaker.refusals["CreateEndpoint"] = client_error("CreateEndpoint", "AccessDeniedException", "No")
    with pytest.raises(ClientError, match="AccessDenied"):
        sweep(sagemaker, sagemaker.now + timedelta(days=2))
    assert name not in sagemaker.models
