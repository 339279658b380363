"""Reads what came of an execution: its steps, the evaluation's report, its training, and the version it registered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from contender import evaluation
from contender.executions.dimension_lock import RUNNING
from contender.executions.listing import parameters_of, pipeline_of
from contender.executions.snapshot import ANY_FAILURE
from contender.naming import Names, dimension_of_execution
from contender.trials.record import Outcome, Record, number_or_text

EVALUATE, REPORT = "Evaluate", "evaluation"
"""The step that measures a challenger, and its output, in `pipelines/train.py`."""
GATE = "Gate"
COMMIT = "commit"
"""The tag of a pipeline that says what it was made of."""
GIVEN = ("Dimension", "InputDataUri", "DataVersion")
ABSENT = ("ValidationException", "ResourceNotFound")
"""What SageMaker answers of a job that is not there any more."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """Reads through clients of SageMaker and S3."""

    sagemaker: Any
    s3: Any
    names: Names

    def record(self, arn: str, given: Mapping[str, str] | None = None) -> tuple[Record, str] | None:
        """The record of an execution that has ended, and the name of its trial; None while it runs.

        An execution of a definition without a PipelineExperimentConfig has no trial: "". `given`: its parameters, for
        whoever has read them.
        """
        execution = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        if execution["PipelineExecutionStatus"] in RUNNING:
            return None
        steps = self._steps(arn)
        given = parameters_of(self.sagemaker, arn) if given is None else given
        uri = self._report_uri(steps)
        report = evaluation.read_at(self.s3, uri)
        package = steps.get("Register", {}).get("Metadata", {}).get("RegisterModel", {}).get("Arn", "")
        outcome = _outcome(execution, steps, package)
        hyperparameters, trained = self._training(steps)
        chosen = {name: value for name, value in given.items() if name not in GIVEN}
        origin = {
            "dataVersion": given.get("DataVersion", ""),
            "codeVersion": self._code_version(arn),
            "commit": self._commit(arn, execution),
        }
        record = Record(
            execution=arn,
            dimension=given.get("Dimension") or dimension_of_execution(execution) or "",
            outcome=outcome,
            started=execution["CreationTime"],
            ended=execution["LastModifiedTime"],
            reason=_reason(outcome, execution, report),
            version=self.names.package_of(package)[1] if package else None,
            data=given.get("InputDataUri", ""),
            origin={name: value for name, value in origin.items() if value},
            parameters={
                **{f"hyperparameter.{name}": number_or_text(value) for name, value in hyperparameters.items()},
                **{f"pipeline.{name}": number_or_text(value) for name, value in chosen.items()},
            },
            metrics={**evaluation.figures(report), **{f"training.{name}": value for name, value in trained.items()}},
            verdicts=evaluation.verdicts(report),
            report=uri if report else "",
            package=package,
        )
        return record, execution.get("PipelineExperimentConfig", {}).get("TrialName", "")

    def _steps(self, arn: str) -> dict[str, Mapping[str, Any]]:
        pages = self.sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=arn)
        return {step["StepName"]: step for page in pages for step in page["PipelineExecutionSteps"]}

    def _report_uri(self, steps: Mapping[str, Mapping[str, Any]]) -> str:
        """Where the job of the Evaluate step left its report; a cached step's job is another execution's."""
        job = steps.get(EVALUATE, {}).get("Metadata", {}).get("ProcessingJob", {}).get("Arn")
        if job is None:
            return ""
        described = self._job("describe_processing_job", ProcessingJobName=_name(job))
        outputs = described.get("ProcessingOutputConfig", {}).get("Outputs", ())
        folders = [output["S3Output"]["S3Uri"] for output in outputs if output["OutputName"] == REPORT]
        return f"{folders[0].rstrip('/')}/{REPORT}.json" if folders else ""

    def _training(self, steps: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, str], dict[str, float]]:
        """Hyperparameters and last metrics of the training, or of a search's best training."""
        for step in steps.values():
            metadata = step.get("Metadata", {})
            if training := metadata.get("TrainingJob", {}).get("Arn"):
                return self._trained(_name(training), {})
            if search := metadata.get("TuningJob", {}).get("Arn"):
                described = self._job("describe_hyper_parameter_tuning_job", HyperParameterTuningJobName=_name(search))
                best = described.get("BestTrainingJob", {})
                return self._trained(best.get("TrainingJobName", ""), best.get("TunedHyperParameters", {}))
        return {}, {}

    def _trained(self, name: str, tuned: Mapping[str, str]) -> tuple[dict[str, str], dict[str, float]]:
        described = self._job("describe_training_job", TrainingJobName=name) if name else {}
        hyperparameters = {**described.get("HyperParameters", {}), **tuned}
        # Those of a search's trainings that begin with an underscore are the service's own.
        known = {key: value for key, value in hyperparameters.items() if not key.startswith("_")}
        return known, {metric["MetricName"]: metric["Value"] for metric in described.get("FinalMetricDataList", ())}

    def _job(self, describe: str, **name: str) -> Mapping[str, Any]:
        """A described job; empty where it is gone."""
        try:
            found: Mapping[str, Any] = getattr(self.sagemaker, describe)(**name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ABSENT:
                raise
            return {}
        return found

    def _code_version(self, arn: str) -> str:
        """What the definition would have registered a version with; a refused challenger has no other place for it."""
        described = self.sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
        steps = _nested(json.loads(described["PipelineDefinition"])["Steps"])
        properties = (step.get("Arguments", {}).get("CustomerMetadataProperties", {}) for step in steps)
        return next((str(found["codeVersion"]) for found in properties if "codeVersion" in found), "")

    def _commit(self, arn: str, execution: Mapping[str, Any]) -> str:
        """The commit on the pipeline, unless it was changed after the execution had begun."""
        pipeline = self.sagemaker.describe_pipeline(PipelineName=pipeline_of(arn))
        if pipeline["LastModifiedTime"] > execution["CreationTime"]:
            return ""
        tags = self.sagemaker.list_tags(ResourceArn=pipeline["PipelineArn"])["Tags"]
        return next((str(tag["Value"]) for tag in tags if tag["Key"] == COMMIT), "")


def _outcome(execution: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]], package: str) -> Outcome:
    if package:
        return Outcome.REGISTERED
    passed = str(steps.get(GATE, {}).get("Metadata", {}).get("Condition", {}).get("Outcome", "")).lower()
    if passed == "false":
        return Outcome.REFUSED
    return Outcome.STOPPED if execution["PipelineExecutionStatus"] == "Stopped" else Outcome.FAILED


def _reason(outcome: Outcome, execution: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """The gate's sentence where there is one, unless something else ended the execution."""
    failure = str(execution.get("FailureReason", "")).removeprefix(ANY_FAILURE)
    if outcome is Outcome.REFUSED or (outcome is Outcome.REGISTERED and not failure):
        return str(report.get("gate", {}).get("reason", "")) or failure
    return failure


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


def _nested(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        arguments = step.get("Arguments", {})
        yield from _nested([*arguments.get("IfSteps", []), *arguments.get("ElseSteps", [])])
