"""The user's own inference script, called as AWS's framework images call it.

    model_fn(model_dir)                     once; required
    input_fn(body, content_type)            body is str for CSV and JSON, bytes otherwise
    predict_fn(data, model)
    output_fn(prediction, accept)           a body, or (body, content type)
    transform_fn(model, body, content_type, accept)         instead of the three
    predict_batch_fn(inputs, model) → list                  ours: requests that wait anyway are predicted together

A function that takes one more argument gets the request's context. AWS's images ignore predict_batch_fn, so predict_fn
must answer the same.
"""

from __future__ import annotations

import importlib.util
import inspect
import logging
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import xgboost

from contender.local.containers import content_types
from contender.local.containers.invocation import Answer, ModelLoadError, Request, failure
from contender.local.jobs.requirements import are_met

logger = logging.getLogger(__name__)

CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
DECODED_TYPES = frozenset({content_types.CSV, content_types.JSON})
Function = Callable[..., Any]


@dataclass(slots=True)
class ScriptContext:
    """What AWS's model server shows a script of the request it serves, and lets it say about the answer."""

    request: Request
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = None

    def get_request_header(self, index: int, name: str) -> str | None:
        known = {
            "content-type": self.request.content_type,
            "accept": self.request.accept,
            CUSTOM_ATTRIBUTES.lower(): self.request.custom_attributes or None,
        }
        return known.get(name.lower())

    def set_response_header(self, index: int, name: str, value: str) -> None:
        self.headers[name.lower()] = value

    def set_response_content_type(self, index: int, value: str) -> None:
        self.content_type = value


def load_script(program: Path, model_dir: Path, environment: Mapping[str, str]) -> ScriptModel:
    """Install what the script requires, import it and let its model_fn load the model. Raises ModelLoadError."""
    _install(program.parent / "requirements.txt")
    module = _import(program)
    model_fn = getattr(module, "model_fn", None)
    if model_fn is None:
        raise ModelLoadError(f"code/{program.name} has no model_fn(model_dir)")
    try:
        model = _with_context(model_fn, 1)(str(model_dir), None)
    except Exception as error:
        logger.exception("model_fn failed")
        raise ModelLoadError(f"model_fn of code/{program.name} failed: {type(error).__name__}: {error}") from error
    return ScriptModel(module, model, environment)


class ScriptModel:
    """A loaded model with the script's functions, or the framework's defaults for those it leaves out."""

    def __init__(self, module: ModuleType, model: Any, environment: Mapping[str, str]) -> None:
        self._model = model
        self._default_accept = environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", content_types.JSON)
        self._transform_fn = _with_context(getattr(module, "transform_fn", None), 4)
        self._input_fn = _with_context(getattr(module, "input_fn", default_input_fn), 2)
        self._predict_fn = _with_context(getattr(module, "predict_fn", default_predict_fn), 2)
        self._output_fn = _with_context(getattr(module, "output_fn", default_output_fn), 2)
        self._predict_batch_fn: Function | None = getattr(module, "predict_batch_fn", None)

    def invoke(self, body: bytes, content_type: str, accept: str) -> Answer:
        return self.invoke_batch([Request(body, content_type, accept)])[0]

    def invoke_batch(self, requests: Sequence[Request]) -> list[Answer]:
        if self._predict_batch_fn is None or len(requests) == 1 or self._transform_fn is not None:
            return [self._answer(request) for request in requests]
        return self._answer_together(requests, self._predict_batch_fn)

    def _answer(self, request: Request) -> Answer:
        context = ScriptContext(request)
        if self._transform_fn is not None:
            try:
                accept = self._accept(request)
                result = self._transform_fn(self._model, _body(request), request.content_type, accept, context)
            except Exception as error:
                return _failed("transform_fn", error, 500)
            return _answer(result, accept, context)
        data = self._read(request, context)
        return data if isinstance(data, Answer) else self._predict(data.value, request, context)

    def _answer_together(self, requests: Sequence[Request], predict_batch_fn: Function) -> list[Answer]:
        contexts = [ScriptContext(request) for request in requests]
        inputs = [self._read(request, context) for request, context in zip(requests, contexts, strict=True)]
        readable = [item.value for item in inputs if isinstance(item, _Input)]
        try:
            predictions = list(predict_batch_fn(readable, self._model)) if readable else []
            if len(predictions) != len(readable):
                raise ValueError(f"predict_batch_fn answered {len(predictions)} of {len(readable)} inputs")
        except Exception:
            # the one input that cannot be predicted must not fail its neighbours
            logger.exception("predict_batch_fn failed, predicting %d inputs one by one", len(readable))
            return [
                self._predict(item.value, request, context) if isinstance(item, _Input) else item
                for item, request, context in zip(inputs, requests, contexts, strict=True)
            ]
        remaining = iter(predictions)
        return [
            self._write(next(remaining), request, context) if isinstance(item, _Input) else item
            for item, request, context in zip(inputs, requests, contexts, strict=True)
        ]

    def _read(self, request: Request, context: ScriptContext) -> _Input | Answer:
        try:
            return _Input(self._input_fn(_body(request), request.content_type, context))
        except (ValueError, TypeError) as error:
            return _failed("input_fn", error, 400)
        except Exception as error:
            return _failed("input_fn", error, 500)

    def _predict(self, data: Any, request: Request, context: ScriptContext) -> Answer:
        try:
            prediction = self._predict_fn(data, self._model, context)
        except Exception as error:
            return _failed("predict_fn", error, 500)
        return self._write(prediction, request, context)

    def _write(self, prediction: Any, request: Request, context: ScriptContext) -> Answer:
        try:
            accept = self._accept(request)
            return _answer(self._output_fn(prediction, accept, context), accept, context)
        except Exception as error:
            return _failed("output_fn", error, 500)

    def _accept(self, request: Request) -> str:
        wanted = request.accept
        return self._default_accept if wanted in content_types.NO_PREFERENCE else wanted


@dataclass(frozen=True, slots=True)
class _Input:
    value: Any


def default_input_fn(body: str | bytes, content_type: str) -> Any:
    raw = body.encode() if isinstance(body, str) else body
    return content_types.decode(raw, content_type)


def default_predict_fn(data: Any, model: Any) -> Any:
    if isinstance(model, xgboost.Booster):
        return model.predict(xgboost.DMatrix(data, nthread=1), validate_features=False)
    return model.predict(data)


def default_output_fn(prediction: Any, accept: str) -> tuple[bytes, str]:
    chosen = content_types.choose_accept(accept, content_types.JSON)
    values = np.asarray(prediction)
    if chosen == content_types.JSON:  # the framework images write the bare array, unlike the built-in algorithm
        return content_types.dump_json(values.tolist()), chosen
    return content_types.encode(values, chosen), chosen


def _install(requirements: Path) -> None:
    """As AWS's images do; into the process's own Python, which lies over the server's."""
    if are_met(requirements):
        return
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--requirement", str(requirements)]
    pip = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    sys.stderr.write(pip.stderr)
    if pip.returncode != 0:
        said = pip.stderr.strip().splitlines()[-1:] or [f"pip ended with exit code {pip.returncode}"]
        raise ModelLoadError(f"code/{requirements.name} cannot be installed: {said[0]}")
    importlib.invalidate_caches()


def _import(program: Path) -> ModuleType:
    sys.path.insert(0, str(program.parent))
    name = program.stem
    spec = importlib.util.spec_from_file_location(name, program)
    if spec is None or spec.loader is None:
        raise ModelLoadError(f"code/{program.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        logger.exception("importing the script failed")
        raise ModelLoadError(f"importing code/{program.name} failed: {type(error).__name__}: {error}") from error
    return module


def _with_context(function: Function | None, arguments: int) -> Any:
    """`function` as one that always takes a context after its `arguments` arguments."""
    if function is None:
        return None
    parameters = inspect.signature(function).parameters.values()
    positional = [item for item in parameters if item.kind in (item.POSITIONAL_ONLY, item.POSITIONAL_OR_KEYWORD)]
    if len(positional) > arguments or any(item.kind is item.VAR_POSITIONAL for item in parameters):
        return function
    plain: Function = function
    return lambda *given: plain(*given[:arguments])


def _body(request: Request) -> str | bytes:
    if content_types.media_type(request.content_type) in DECODED_TYPES:
        return request.body.decode()
    return request.body


def _answer(result: Any, accept: str, context: ScriptContext) -> Answer:
    body, content_type = result if isinstance(result, tuple) and len(result) == 2 else (result, accept)
    if isinstance(body, str):
        body = body.encode()
    if not isinstance(body, bytes | bytearray | memoryview):
        raise TypeError(f"output_fn returned a {type(body).__name__}; it must be str or bytes, or (body, content type)")
    attributes = context.headers.get(CUSTOM_ATTRIBUTES.lower(), "")
    return Answer(200, bytes(body), context.content_type or content_type, attributes)


def _failed(function: str, error: Exception, status: int) -> Answer:
    answer = failure(error, status)
    if answer.status >= 500:
        logger.error("%s failed", function, exc_info=error)
    return answer
