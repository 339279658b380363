"""The user's own two scripts: one that makes rows of what an endpoint captured, one that runs when all is done.

    preprocess_handler(inference_record) → a row, a list of rows, or nothing to leave the record out
    postprocess_handler()

The first may also take a logger. docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-pre-and-post-processing.html
"""

from __future__ import annotations

import inspect
import logging
import runpy
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from contender.local.containers.monitor.capture import InferenceRecord
from contender.local.containers.monitor.errors import MonitorError
from contender.local.containers.monitor.records import Rows

PREPROCESS, POSTPROCESS = "preprocess_handler", "postprocess_handler"

logger = logging.getLogger(__name__)


def preprocessor(script: Path) -> Rows:
    """The function of `script` that turns a captured record into rows."""
    handler = _function(script, PREPROCESS)
    extra = (logger,) if len(inspect.signature(handler).parameters) > 1 else ()

    def rows(record: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        try:
            answer = handler(InferenceRecord.from_line(record), *extra)
        except Exception as error:
            raise MonitorError(_failure(script, PREPROCESS, error)) from error
        found = [answer] if isinstance(answer, Mapping) else list(answer or ())
        for row in found:
            if not isinstance(row, Mapping):
                raise MonitorError(
                    f"{PREPROCESS} of {script.name} answered {str(row)[:40]!r}; a row is a dictionary by column"
                )
        return found

    return rows


def postprocess(script: Path) -> None:
    handler = _function(script, POSTPROCESS)
    try:
        handler()
    except Exception as error:
        raise MonitorError(_failure(script, POSTPROCESS, error)) from error


def _function(script: Path, name: str) -> Callable[..., Any]:
    if not script.is_file():
        raise MonitorError(f"there is no script at {script}")
    try:
        found = runpy.run_path(str(script)).get(name)
    except Exception as error:
        raise MonitorError(_failure(script, "the script", error)) from error
    if not callable(found):
        raise MonitorError(f"{script.name} has no function {name}")
    handler: Callable[..., Any] = found
    return handler


def _failure(script: Path, what: str, error: Exception) -> str:
    return f"{what} of {script.name} failed: {type(error).__name__}: {error}"
