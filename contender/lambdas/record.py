"""Keeps what came of an execution when it has ended, whether its challenger was registered, refused, or failed.

Woken by SageMaker Model Building Pipeline Execution Status Change. The event is only a hint to look: what counts is
what the execution is now, and the same event twice writes the same record. A lost event is made up for by
`contender models record`.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any

import boto3

from contender.executions.listing import pipeline_of
from contender.lambdas.log_line import log_line
from contender.lambdas.settings import names_from_environ
from contender.trials.gathering import Gathering
from contender.trials.recorder import Recorder


def answer(recorder: Recorder, event: Mapping[str, Any]) -> dict[str, Any]:
    """What was written of the execution that an event names."""
    arn = str(event.get("detail", {}).get("pipelineExecutionArn", ""))
    if pipeline_of(arn) not in recorder.gathering.names.training_pipelines:
        return {"execution": arn, "outcome": "not ours"}
    record = recorder.write(arn)
    if record is None:
        return {"execution": arn, "outcome": "runs"}
    return {"execution": arn, "dimension": record.dimension, "outcome": record.outcome, "version": record.version}


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    with log_line("record") as line:
        reply = answer(_recorder(), event)
        line |= reply
        return reply


@functools.cache
def _recorder() -> Recorder:
    names = names_from_environ(os.environ)
    return Recorder(Gathering(boto3.client("sagemaker"), boto3.client("s3"), names))
