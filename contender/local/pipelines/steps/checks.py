"""QualityCheck and ClarifyCheck steps: a processing job calculates a baseline and compares it with an earlier one.

    SkipCheck  RegisterNewBaseline  compared  BaselineUsedForDriftCheck…
    false      false                yes       the earlier baseline, carried over
    false      true                 yes       the calculated one
    true       false                no        the earlier baseline, carried over
    true       true                 no        the calculated one

The earlier baseline is the supplied one, else that of the latest approved version of ModelPackageGroupName.
https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-quality-clarify-baseline-lifecycle.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from contender.local.api.protocol import SageMakerModel
from contender.local.context import Context
from contender.local.pipelines.definition import Check, Step
from contender.local.pipelines.expressions import is_expression
from contender.local.pipelines.paths import Path
from contender.local.pipelines.steps import check_baselines, violations
from contender.local.pipelines.steps.check_baselines import BaselineFile, Found, NoBaseline
from contender.local.pipelines.steps.jobs import PROCESSING
from contender.local.pipelines.steps.runner import Result, Run, StepFailed, StepStopped
from contender.local.pipelines.steps.s3_objects import etag, is_object_uri

FLAGS = {"SkipCheck": False, "FailOnViolation": True, "RegisterNewBaseline": False}
BASELINE = "Baseline"
"""The field in which `prepare` leaves the earlier baseline for the cache's key and the run."""

WRITTEN = "Written"
"""The output that says what S3 called the content of each file when the job had written it."""

MAX_REASON = 1000


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One type of check: `word` is its word in metadata and messages, `files` its baseline."""

    word: str
    check_types: tuple[str, ...]
    files: tuple[BaselineFile, ...]

    @property
    def metadata(self) -> str:
        return f"{self.word}Check"

    @property
    def fields(self) -> frozenset[str]:
        own = {"CacheConfig", "CheckType", "ModelPackageGroupName", *FLAGS, *(file.supplied for file in self.files)}
        return frozenset(own | ({"ModelName"} if self.word == "Clarify" else set()))

    def problems(self, step: Step, check: Check) -> Iterator[str]:
        yield from PROCESSING.problems(step, check)
        outputs = step.arguments.get("ProcessingOutputConfig", {}).get("Outputs", ())
        if not isinstance(outputs, list) or len(outputs) != 1:
            yield "Arguments.ProcessingOutputConfig: a check has exactly one output"
        check_type = step.fields.get("CheckType")
        if check_type not in self.check_types:
            yield f"CheckType: {check_type!r} is not one of {', '.join(self.check_types)}"
        for name in FLAGS:
            yield from _flag_problems(name, step.fields.get(name), check)
        for name in sorted(self.fields - {"CacheConfig", "CheckType", *FLAGS}):
            yield from _text_problems(name, step.fields.get(name), check)
        yield from self._contradictions(step)

    def output_type(self, step: Step, path: Path, model: SageMakerModel) -> str | None:
        names = {name for file in self.files for name in (file.calculated, file.used)}
        return "String" if len(path) == 1 and path[0] in names else None

    def prepare(self, context: Context, step: Step, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        settled = {**fields, **{name: _flag(name, fields.get(name, default)) for name, default in FLAGS.items()}}
        if settled["SkipCheck"] and settled["RegisterNewBaseline"]:
            return settled
        try:
            found = check_baselines.find(context, fields["CheckType"], self.files, fields)
        except StepFailed as failure:
            failure.result = Result(metadata={self.metadata: _shown(settled)})
            raise
        except NoBaseline as error:
            flags = " and ".join(_setting(step, name) for name in ("SkipCheck", "RegisterNewBaseline"))
            supplied = " and ".join(_setting(step, file.supplied) for file in self.files)
            raise StepFailed(
                f"ClientError: no {fields['CheckType']} baseline: {error}; "
                f"set {flags} to true to register a first one, or give {supplied}",
                result=Result(metadata={self.metadata: _shown(settled)}),
            ) from error
        return {**settled, BASELINE: {kind: {"Uri": each.uri, "ETag": each.etag} for kind, each in found.items()}}

    def still_holds(self, context: Context, fields: Mapping[str, Any], outputs: Mapping[str, Any]) -> bool:
        """Unless its files were changed since, or it tolerated violations that now fail the step."""
        tolerated = violations.FILE in {uri.rpartition("/")[2] for uri in outputs[WRITTEN]}
        if tolerated and fields["FailOnViolation"]:
            return False
        return all(etag(context, uri) == written for uri, written in outputs[WRITTEN].items())

    def run(self, run: Run) -> Result:
        baseline = {kind: Found(each["Uri"], each["ETag"]) for kind, each in run.fields.get(BASELINE, {}).items()}
        shown = _shown(run.fields)
        if not run.fields["RegisterNewBaseline"]:
            shown |= {file.used: baseline[file.kind].uri for file in self.files}
        job = replace(
            run,
            arguments=self._job(run, baseline),
            started=lambda metadata: run.started({self.metadata: {**shown, **_job_arn(metadata)}}),
        )
        try:
            done = PROCESSING.run(job)
        except StepFailed as failure:
            failure.result = Result(metadata={self.metadata: {**shown, **_job_arn(failure.result.metadata)}})
            raise
        except StepStopped as stopped:
            stopped.result = Result(metadata={self.metadata: {**shown, **_job_arn(stopped.result.metadata)}})
            raise
        return self._judge(run, {**shown, **_job_arn(done.metadata)}, baseline)

    def _judge(self, run: Run, shown: dict[str, Any], baseline: Mapping[str, Found]) -> Result:
        """The outputs; StepFailed when the job left violations that are not tolerated."""
        (output,) = run.arguments["ProcessingOutputConfig"]["Outputs"]
        folder = output["S3Output"]["S3Uri"].rstrip("/")
        calculated = {file.kind: f"{folder}/{file.file}" for file in self.files}
        written = {uri: self._written(run.context, uri) for uri in calculated.values()}
        register = run.fields["RegisterNewBaseline"]
        outputs: dict[str, Any] = {}
        for file in self.files:
            outputs[file.calculated] = calculated[file.kind]
            outputs[file.used] = calculated[file.kind] if register else baseline[file.kind].uri
        shown |= outputs
        report = f"{folder}/{violations.FILE}"
        found = [] if run.fields["SkipCheck"] else violations.read(run.context, report)
        if found:
            shown["ViolationReport"] = report
            written[report] = self._written(run.context, report)
        result = Result({**outputs, WRITTEN: written}, {self.metadata: shown})
        if found and run.fields["FailOnViolation"]:
            reason = f"ClientError: {self.word} check failed. See violation report {report}. "
            raise StepFailed(reason + violations.in_words(found, MAX_REASON - len(reason)), result=result)
        return result

    def _written(self, context: Context, uri: str) -> str:
        tag = etag(context, uri)
        if tag is None:
            raise StepFailed(f"AlgorithmError: the job of the check completed without writing {uri}")
        return tag

    def _job(self, run: Run, baseline: Mapping[str, Found]) -> dict[str, Any]:
        """CreateProcessingJob's request: the step's arguments and what the job needs to compare."""
        inputs = list(run.arguments.get("ProcessingInputs", ()))
        environment = dict(run.arguments.get("Environment", {}))
        if self.word == "Clarify":
            environment["check_type"] = run.fields["CheckType"]
            if name := run.fields.get("ModelName"):
                environment["model_name"] = name
        if not run.fields["SkipCheck"]:
            for file in self.files:
                uri = baseline[file.kind].uri
                inputs.append(_input(file, uri))
                environment[file.input] = f"{file.folder}/{uri.rpartition('/')[2]}"
        return {**run.arguments, "ProcessingInputs": inputs, "Environment": environment}

    def _contradictions(self, step: Step) -> Iterator[str]:
        """What is known before any run: a model where none is asked, a part of a baseline, or no baseline ever."""
        fields = step.fields
        if self.word == "Clarify":
            needs_model = fields.get("CheckType") != "DATA_BIAS"
            if needs_model and not fields.get("ModelName"):
                yield f"ModelName: a {fields.get('CheckType')} check needs the name of a model"
            elif not needs_model and "ModelName" in fields:
                yield "ModelName: a DATA_BIAS check looks at data only"
        given = [file.supplied for file in self.files if fields.get(file.supplied)]
        missing = [file.supplied for file in self.files if not fields.get(file.supplied)]
        if given and missing:
            yield f"{given[0]} is given without {missing[0]}; give both or neither"
        skips = all(_may_be_true(fields.get(name, FLAGS[name])) for name in ("SkipCheck", "RegisterNewBaseline"))
        if not given and not fields.get("ModelPackageGroupName") and not skips:
            yield (
                "there is no earlier baseline: give ModelPackageGroupName or "
                f"{' and '.join(missing)}, or set SkipCheck and RegisterNewBaseline to true"
            )


def _input(file: BaselineFile, uri: str) -> dict[str, Any]:
    return {
        "InputName": file.input,
        "S3Input": {"S3Uri": uri, "LocalPath": file.folder, "S3DataType": "S3Prefix", "S3InputMode": "File"},
    }


def _job_arn(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {"CheckJobArn": metadata["ProcessingJob"]["Arn"]} if "ProcessingJob" in metadata else {}


def _shown(fields: Mapping[str, Any]) -> dict[str, Any]:
    names = ("CheckType", "ModelPackageGroupName", "SkipCheck", "RegisterNewBaseline")
    return {name: fields[name] for name in names if name in fields}


def _setting(step: Step, field: str) -> str:
    """What sets the field: the parameter it is read from, else itself."""
    match step.fields.get(field):
        case {"Get": str(source)} if source.startswith("Parameters."):
            return source.removeprefix("Parameters.")
    return field


def _flag(name: str, value: Any) -> bool:
    known = {"true": True, "false": False}.get(str(value).lower())
    if known is None:
        raise StepFailed(f"ClientError: {name}: {value!r} is neither true nor false")
    return known


def _may_be_true(value: Any) -> bool:
    return is_expression(value) or str(value).lower() == "true"


def _flag_problems(name: str, value: Any, check: Check) -> Iterator[str]:
    if is_expression(value):
        if (actual := check.type_of(value)) not in ("Boolean", "String", "Any"):
            yield f"{name}: the expression is of type {actual}, the field takes Boolean"
    elif value is not None and str(value).lower() not in ("true", "false"):
        yield f"{name}: {value!r} is neither true nor false"


def _text_problems(name: str, value: Any, check: Check) -> Iterator[str]:
    if is_expression(value):
        if (actual := check.type_of(value)) not in ("String", "Any"):
            yield f"{name}: the expression is of type {actual}, the field takes String"
    elif value is not None and not isinstance(value, str):
        yield f"{name}: a text is needed, not {value!r}"
    elif value and name.startswith("Supplied") and not is_object_uri(value):
        yield f"{name}: {value!r} is not an S3 address such as s3://bucket/key"


QUALITY_CHECK = CheckStep(
    "Quality",
    ("DATA_QUALITY", "MODEL_QUALITY"),
    (
        BaselineFile("Statistics", "statistics.json", "/opt/ml/processing/baseline/stats"),
        BaselineFile("Constraints", "constraints.json", "/opt/ml/processing/baseline/constraints"),
    ),
)
CLARIFY_CHECK = CheckStep(
    "Clarify",
    ("DATA_BIAS", "MODEL_BIAS", "MODEL_EXPLAINABILITY"),
    (BaselineFile("Constraints", "analysis.json", "/opt/ml/processing/input/baseline"),),
)
