"""Steps that start a job and wait for it: Processing, Training, Tuning, Transform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contender.local.api.errors import ApiError
from contender.local.api.protocol import SageMakerModel
from contender.local.pipelines import arguments, retries
from contender.local.pipelines.definition import Check, Step
from contender.local.pipelines.expressions import is_expression
from contender.local.pipelines.paths import Path
from contender.local.pipelines.steps.names import resource_name
from contender.local.pipelines.steps.runner import Result, Run, StepFailed, StepStopped

# The SDK's get_top_model_s3_uri reads up to this many, best first.
TOP_TRAINING_JOBS = 50


@dataclass(frozen=True, slots=True)
class JobStep:
    """One kind of job: `noun` is its word in the operations, `metadata` its key in a step's Metadata."""

    noun: str
    store_kind: str
    metadata: str
    name_limit: int = 63
    fields: frozenset[str] = frozenset({"CacheConfig", "RetryPolicies"})

    @property
    def name_field(self) -> str:
        return f"{self.noun}Name"

    def problems(self, step: Step, check: Check) -> Iterator[str]:
        shape = check.model.operation(f"Create{self.noun}").input_shape
        yield from arguments.check(shape, {self.name_field: "job", **step.arguments}, check.type_of)
        outputs = {name for name in _output_names(step) if isinstance(name, str)}
        for file in step.property_files:
            if file.output_name not in outputs:
                known = ", ".join(sorted(outputs)) or "none"
                yield f"PropertyFiles: {file.name!r} is in the output {file.output_name!r}; declared outputs: {known}"

    def output_type(self, step: Step, path: Path, model: SageMakerModel) -> str | None:
        shapes = [model.operation(f"Describe{self.noun}").output_shape]
        if self.noun == "HyperParameterTuningJob":
            shapes.append(model.operation("ListTrainingJobsForHyperParameterTuningJob").output_shape)
        return arguments.type_at(shapes, path)

    def run(self, run: Run) -> Result:
        base = run.arguments.get(self.name_field)
        name = resource_name(run.execution_id, run.step.name, run.token, self.name_limit, base)
        request = {**run.arguments, **self._experiment(run), self.name_field: name}
        answer = call(run, f"Create{self.noun}", request)
        metadata = {self.metadata: {"Arn": answer[f"{self.noun}Arn"]}}
        run.started(metadata)
        jobs = run.context.jobs
        with run.stop.calling(lambda: jobs.stop(self.store_kind, name)):
            jobs.wait(self.store_kind, name)
        result = Result(self._describe(run, name), metadata)
        status = result.outputs[f"{self.noun}Status"]
        if status == "Stopped":
            raise StepStopped(result)
        if status != "Completed":
            reason = result.outputs.get("FailureReason") or f"{name} is {status}"
            raise StepFailed(reason, exception_type=self._exception_type(reason), result=result)
        return result

    def _experiment(self, run: Run) -> dict[str, Any]:
        """The job's ExperimentConfig: the execution's trial whatever the step says, its display name is the step's.

        A tuning job takes none.
        """
        if not run.experiment or self.noun == "HyperParameterTuningJob":
            return {}
        shown = run.arguments.get("ExperimentConfig", {}).get("TrialComponentDisplayName")
        named = {"TrialComponentDisplayName": shown} if shown else {}
        return {"ExperimentConfig": {**run.experiment, **named}}

    def _describe(self, run: Run, name: str) -> Mapping[str, Any]:
        outputs = call(run, f"Describe{self.noun}", {self.name_field: name})
        if self.noun != "HyperParameterTuningJob":
            return outputs
        objective = outputs["HyperParameterTuningJobConfig"].get("HyperParameterTuningJobObjective", {})
        found = call(
            run,
            "ListTrainingJobsForHyperParameterTuningJob",
            {
                self.name_field: name,
                "SortBy": "FinalObjectiveMetricValue",
                "SortOrder": "Ascending" if objective.get("Type") == "Minimize" else "Descending",
                "MaxResults": TOP_TRAINING_JOBS,
            },
        )
        return {**outputs, "TrainingJobSummaries": found["TrainingJobSummaries"]}

    def _exception_type(self, reason: str) -> str | None:
        """A tuning job retries its training jobs itself, so AWS does not retry it for internal errors."""
        found = retries.of_job(reason)
        internal_to_tuning = self.noun == "HyperParameterTuningJob" and found == retries.JOB_INTERNAL_ERROR
        return None if internal_to_tuning else found


def call(run: Run, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """An operation on behalf of a step; a refusal fails the step, in AWS's words."""
    try:
        return run.context.call(operation, request)
    except ApiError as error:
        raise StepFailed(
            f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {error.message}",
            exception_type=retries.of_call(error.code, error.status),
        ) from error


def _output_names(step: Step) -> Iterator[Any]:
    config = step.arguments.get("ProcessingOutputConfig")
    outputs = config.get("Outputs") if isinstance(config, Mapping) and not is_expression(config) else None
    for output in outputs if isinstance(outputs, list) else ():
        if isinstance(output, Mapping):
            yield output.get("OutputName")


PROCESSING = JobStep(
    "ProcessingJob",
    "processing-job",
    "ProcessingJob",
    fields=frozenset({"CacheConfig", "RetryPolicies", "PropertyFiles"}),
)
TRAINING = JobStep("TrainingJob", "training-job", "TrainingJob")
TUNING = JobStep("HyperParameterTuningJob", "hyper-parameter-tuning-job", "TuningJob", name_limit=32)
TRANSFORM = JobStep("TransformJob", "transform-job", "TransformJob")
