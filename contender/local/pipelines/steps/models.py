"""Steps that create a model or register a model package: done as soon as the request is answered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from contender.local.api.errors import ApiError
from contender.local.api.protocol import SageMakerModel
from contender.local.pipelines import arguments
from contender.local.pipelines.definition import Check, Step
from contender.local.pipelines.paths import Path
from contender.local.pipelines.steps.jobs import call
from contender.local.pipelines.steps.names import resource_name
from contender.local.pipelines.steps.runner import Result, Run

MODEL_NAME_LIMIT = 63


@dataclass(frozen=True, slots=True)
class ModelStep:
    """CreateModel under a name of the engine's making."""

    fields: frozenset[str] = frozenset({"RetryPolicies"})

    def problems(self, step: Step, check: Check) -> Iterator[str]:
        shape = check.model.operation("CreateModel").input_shape
        yield from arguments.check(shape, {"ModelName": "model", **step.arguments}, check.type_of)

    def output_type(self, step: Step, path: Path, model: SageMakerModel) -> str | None:
        return arguments.type_at([model.operation("DescribeModel").output_shape], path)

    def run(self, run: Run) -> Result:
        base = run.arguments.get("ModelName")
        name = resource_name(run.execution_id, run.step.name, run.token, MODEL_NAME_LIMIT, base)
        answer = call(run, "CreateModel", {**run.arguments, "ModelName": name})
        outputs = call(run, "DescribeModel", {"ModelName": name})
        return Result(outputs, {"Model": {"Arn": answer["ModelArn"]}})


@dataclass(frozen=True, slots=True)
class RegisterModelStep:
    """CreateModelPackage; as on AWS, a group that does not exist yet is created first."""

    fields: frozenset[str] = frozenset({"RetryPolicies"})

    def problems(self, step: Step, check: Check) -> Iterator[str]:
        shape = check.model.operation("CreateModelPackage").input_shape
        yield from arguments.check(shape, dict(step.arguments), check.type_of)

    def output_type(self, step: Step, path: Path, model: SageMakerModel) -> str | None:
        return arguments.type_at([model.operation("DescribeModelPackage").output_shape], path)

    def run(self, run: Run) -> Result:
        if group := run.arguments.get("ModelPackageGroupName"):
            _ensure_group(run, group)
        # The same token after a crash in between: the version is registered once.
        token = hashlib.sha256(f"{run.execution_id}/{run.step.name}".encode()).hexdigest()[:32]
        answer = call(run, "CreateModelPackage", {"ClientToken": token, **run.arguments})
        arn = answer["ModelPackageArn"]
        outputs = call(run, "DescribeModelPackage", {"ModelPackageName": arn})
        return Result(outputs, {"RegisterModel": {"Arn": arn}})


def _ensure_group(run: Run, name: str) -> None:
    request = {"ModelPackageGroupName": name}
    try:
        run.context.call("DescribeModelPackageGroup", request)
    except ApiError:
        try:
            run.context.call("CreateModelPackageGroup", request)
        except ApiError:
            call(run, "DescribeModelPackageGroup", request)  # another step made it meanwhile, or this says why not


MODEL = ModelStep()
REGISTER_MODEL = RegisterModelStep()
