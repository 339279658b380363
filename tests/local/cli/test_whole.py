"""The AWS CLI has called every operation that the server runs, and hears of those it does not run."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest
from botocore import xform_name

from contender.local.launcher.laptop import Laptop
from tests.local.cli.aws_cli import AwsCli, ask, find_cli
from tests.local.cli.requests import ARN
from tests.local.serving_models import ROLE


def test_what_was_never_there(aws: AwsCli) -> None:
    execution = f"{ARN}:pipeline/nobody/execution/abcdefghijkl"
    refusals = {
        ask("describe-endpoint", endpoint_name="nobody"): "ValidationException",
        ask("add-tags", resource_arn=f"{ARN}:model/nobody", tags=[]): "ValidationException",
        ask("describe-model-package", model_package_name=f"{ARN}:model-package/nobody/1"): "ValidationException",
        ask("delete-pipeline", pipeline_name="nobody"): "ResourceNotFound",
        ask("retry-pipeline-execution", pipeline_execution_arn=execution): "ResourceNotFound",
        ask("stop-transform-job", transform_job_name="nobody"): "ValidationException",
        ask("describe-training-job", training_job_name="nobody"): "ValidationException",
        ask("describe-hyper-parameter-tuning-job", hyper_parameter_tuning_job_name="nobody"): "ResourceNotFound",
    }
    for command, message in zip(refusals, aws.refused(*refusals), strict=True):
        assert f"An error occurred ({refusals[command]})" in message
        assert "nobody" in message


def test_an_operation_that_is_not_run_here_is_named(aws: AwsCli) -> None:
    (message,) = aws.refused(
        ask("create-notebook-instance", notebook_instance_name="n", instance_type="ml.t3.medium", role_arn=ROLE)
    )
    assert message == (
        "An error occurred (UnknownOperationException) when calling the CreateNotebookInstance operation:"
        " local SageMaker does not run the operation CreateNotebookInstance"
    )


def test_every_operation_was_called(aws: AwsCli, laptop: Laptop, request: pytest.FixtureRequest) -> None:
    """Last in this folder: what the tests before it called is what the server runs."""
    wanted = {path.name for path in Path(__file__).parent.glob("test_*.py")}
    if wanted - {item.path.name for item in request.session.items}:
        pytest.skip("only after all the other tests of this folder")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{laptop.addresses().sagemaker}/_contender/health", timeout=5) as answer:
        runs = {xform_name(name, "-") for name in json.load(answer)["operations"]}
    assert aws.succeeded - {"wait"} == runs


def test_a_missing_cli_says_what_installs_it(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="`make test` installs one"):
        find_cli({"CONTENDER_AWS_CLI": str(tmp_path / "aws")})
