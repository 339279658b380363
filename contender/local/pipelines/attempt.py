"""One step from Starting to its end: resolve its expressions, look in the cache, run, try again, record."""

from __future__ import annotations

import logging
import secrets
import string
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contender.local.context import Context
from contender.local.pipelines import caching, retries, trials
from contender.local.pipelines.definition import Definition, Step
from contender.local.pipelines.expressions import ExpressionError, Primitive, PropertyFileRef
from contender.local.pipelines.iterations import Iteration
from contender.local.pipelines.paths import PathError, follow
from contender.local.pipelines.records import Records
from contender.local.pipelines.resolution import Scope, resolve
from contender.local.pipelines.steps import s3_objects
from contender.local.pipelines.steps.runner import (
    FanOut,
    Preparing,
    Result,
    Run,
    StepFailed,
    StepRunner,
    StepStopped,
    StopSignal,
)

logger = logging.getLogger(__name__)

# Waits for the event at most so many seconds; True if it came. A test passes its own.
Wait = Callable[[threading.Event, float], bool]

TOKEN_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Ended:
    """How a step ended, for the coordinator."""

    step: str
    status: str
    outputs: Mapping[str, Any]
    ends_execution: bool = False


@dataclass(frozen=True, slots=True)
class StepTask:
    """Runs one step in a thread of its own; everything it needs is fixed when it starts."""

    context: Context
    records: Records
    definition: Definition
    step: Step
    iteration: Iteration | None
    runner: StepRunner
    parameters: Mapping[str, Primitive]
    variables: Mapping[str, str]
    experiment: Mapping[str, str]
    outputs: Mapping[str, Mapping[str, Any]]
    stop: StopSignal
    wait: Wait
    fan_out: FanOut

    def run(self) -> Ended:
        """Never raises: whatever goes wrong is the step's failure."""
        try:
            return self._run()
        except StepFailed as failure:
            return self._end("Failed", failure.result, failure.reason, ends_execution=failure.ends_execution)
        except StepStopped as stopped:
            return self._end("Stopped", stopped.result)
        except Exception as error:  # the edge of the thread: a defect here must not leave the execution hanging
            logger.exception("step %s of execution %s", self.step.name, self.records.execution_id)
            return self._end("Failed", Result(), f"InternalServerError: {type(error).__name__}: {error}")

    def _run(self) -> Ended:
        scope = self._scope()
        try:
            arguments = resolve(dict(self.step.arguments), scope, "Arguments")
            fields = resolve(dict(self.step.fields), scope)
        except ExpressionError as error:
            raise StepFailed(f"Step {self.step.name}: {error}") from error
        if isinstance(self.runner, Preparing):
            fields = dict(self.runner.prepare(self.context, self.step, fields))
        cache_name = self._cache_name(arguments, fields)
        if cache_name and self.step.cache:
            found = self.records.find_cached(cache_name, self.step.cache.expire_after)
            if found and self._still_holds(fields, found["Outputs"]):
                trials.reuse(self.context, self.experiment, found["Metadata"])
                result = Result(found["Outputs"], found["Metadata"])
                return self._end("Succeeded", result, cached_from=found["SourcePipelineExecutionArn"])
        result = self._try_until_done(arguments, fields)
        return self._end("Succeeded", result, cache_name=cache_name)

    def _try_until_done(self, arguments: Mapping[str, Any], fields: Mapping[str, Any]) -> Result:
        began, attempt = self.context.clock(), 1
        while True:
            if self.stop.event.is_set():
                raise StepStopped
            self.records.move_step(self.step.name, "Executing", AttemptCount=attempt)
            try:
                return self.runner.run(self._new_run(arguments, fields))
            except StepFailed as failure:
                elapsed_s = (self.context.clock() - began).total_seconds()
                delay_s = retries.next_delay_s(self.step.retry_policies, failure.exception_type, attempt, elapsed_s)
                if delay_s is None:
                    raise
                logger.info("step %s: attempt %d: %s; again in %g s", self.step.name, attempt, failure.reason, delay_s)
                if self.wait(self.stop.event, delay_s):
                    raise StepStopped(failure.result) from failure
                attempt += 1

    def _new_run(self, arguments: Mapping[str, Any], fields: Mapping[str, Any]) -> Run:
        return Run(
            context=self.context,
            step=self.step,
            arguments=arguments,
            fields=fields,
            execution_arn=self.variables["PipelineExecutionArn"],
            experiment=self.experiment,
            token="".join(secrets.choice(TOKEN_ALPHABET) for _ in range(10)),
            stop=self.stop,
            started=lambda metadata: self.records.note_metadata(self.step.name, metadata),
            fan_out=self.fan_out,
        )

    def _end(
        self,
        status: str,
        result: Result,
        reason: str | None = None,
        *,
        ends_execution: bool = False,
        cache_name: str | None = None,
        cached_from: str | None = None,
    ) -> Ended:
        self.records.end_step(
            self.step.name,
            status,
            outputs=result.outputs,
            metadata=result.metadata,
            reason=reason,
            cache_name=cache_name,
            cached_from=cached_from,
        )
        return Ended(self.step.name, status, result.outputs, ends_execution)

    def _cache_name(self, arguments: Mapping[str, Any], fields: Mapping[str, Any]) -> str | None:
        if self.step.cache is None:
            return None
        signature = caching.key(self.step.type, arguments, fields)
        # What an iteration put out is good for its item wherever it stands in a later list.
        name = self.iteration.body if self.iteration else self.step.name
        return f"{self.variables['PipelineName']}/{name}/{signature}"

    def _still_holds(self, fields: Mapping[str, Any], outputs: Mapping[str, Any]) -> bool:
        return not isinstance(self.runner, Preparing) or self.runner.still_holds(self.context, fields, outputs)

    def _scope(self) -> Scope:
        now = self.context.clock().isoformat().replace("+00:00", "Z")
        return Scope(
            parameters=self.parameters,
            execution={**self.variables, "CurrentDateTime": now},
            outputs=self.outputs,
            property_file_uri=self._property_file_uri,
            read_json=self._read_json,
            item=self.iteration.item if self.iteration else None,
        )

    def _property_file_uri(self, reference: PropertyFileRef) -> str:
        files = self.definition.steps[reference.step].property_files
        file = next(each for each in files if each.name == reference.name)
        path = ("ProcessingOutputConfig", "Outputs", file.output_name, "S3Output", "S3Uri")
        try:
            folder = follow(self.outputs.get(reference.step, {}), path)
        except PathError as error:
            raise ExpressionError(f"property file {file.name} of step {reference.step}: {error}") from error
        return f"{folder.rstrip('/')}/{file.path.lstrip('/')}"

    def _read_json(self, uri: str) -> Any:
        try:
            document = s3_objects.read_json(self.context, uri)
        except StepFailed as failure:
            raise ExpressionError(failure.reason) from failure
        if document is None:
            raise ExpressionError(f"{uri} cannot be read: there is no such object, or no value in it")
        return document
