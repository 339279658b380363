"""The model that an analysis asks: loaded into this process, as an endpoint of its own would serve it.

AWS's image makes a shadow endpoint of `model_name`. Here the container that would serve it is loaded beside the
analysis; the bytes that go in and come out are the same. An endpoint that exists is asked over its own address.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from botocore.exceptions import BotoCoreError, ClientError

from contender.local.artifacts import ArtifactError, unpack
from contender.local.containers.clarify.answers import Answers, Scores, join, read_answer
from contender.local.containers.clarify.clients import client
from contender.local.containers.clarify.config import PredictorConfig
from contender.local.containers.clarify.errors import ClarifyError
from contender.local.containers.clarify.payloads import Cells, Payload
from contender.local.containers.clarify.storage import download
from contender.local.containers.inference import Answer, Model, ModelLoadError, Request, load

logger = logging.getLogger(__name__)

SUBMIT_DIRECTORY = "SAGEMAKER_SUBMIT_DIRECTORY"
SHOWN = 200


class Predictor:
    """Rows in, answers out; `calls` and `rows` count what the model was asked."""

    def __init__(self, config: PredictorConfig, model: Model, names: Sequence[str]) -> None:
        self.config = config
        self.model = model
        self.payload = Payload(config, names)
        self.calls = 0
        self.rows = 0
        self._one_by_one = False

    def render(self, cells: Cells) -> Cells:
        """The cells as `predict` takes them."""
        rendered = np.empty(cells.shape, dtype=object)
        for column in range(cells.shape[1]):
            known: dict[Any, str] = {}
            for row, value in enumerate(cells[:, column]):
                text = known.get(value)
                if text is None:
                    text = known[value] = self.payload.render(value)
                rendered[row, column] = text
        return rendered

    def predict(self, rendered: Cells) -> Answers:
        """Answers to rows of rendered cells. Raises ClarifyError."""
        parts: list[Answers] = []
        start = 0
        for body, count in self.payload.bodies(rendered):
            rows = rendered[start : start + count]
            start += count
            parts += self._ask(body, rows)
        return join(parts)

    def score(self, rendered: Cells) -> Scores:
        """The numbers to explain: scores, or labels that are numbers."""
        answers = self.predict(rendered)
        if answers.scores is not None:
            return answers.scores
        try:
            return np.array(answers.labels, dtype=float).reshape(len(rendered), -1)
        except (ValueError, TypeError):
            raise ClarifyError(
                "the model answers labels that are no numbers: predictor.probability must say where its score is"
            ) from None

    def _ask(self, body: bytes, rows: Cells) -> list[Answers]:
        if not self._one_by_one:
            answer = self._invoke(body, len(rows))
            if answer.status < 400:
                return [read_answer(self.config, answer.body, len(rows))]
            if len(rows) == 1:
                raise self._refused(answer)
            logger.warning("Fallback to per-record prediction because of model error: %s", _said(answer))
        parts = []
        for row in rows:
            for single, _ in self.payload.bodies(row[np.newaxis]):
                answer = self._invoke(single, 1)
                if answer.status >= 400:
                    raise self._refused(answer)
                parts.append(read_answer(self.config, answer.body, 1))
        self._one_by_one = True
        return parts

    def _invoke(self, body: bytes, count: int) -> Answer:
        self.calls += 1
        self.rows += count
        request = Request(body, self.config.content_type, self.config.accept_type, self.config.custom_attributes)
        return self.model.invoke_batch([request])[0]

    def _refused(self, answer: Answer) -> ClarifyError:
        name = self.config.model_name or self.config.endpoint_name
        return ClarifyError(f"the model {name} answered {answer.status}: {_said(answer)}")


class EndpointModel:
    """An endpoint that somebody else keeps."""

    def __init__(self, config: PredictorConfig) -> None:
        self._config = config
        self._client = client("sagemaker-runtime")

    def invoke(self, body: bytes, content_type: str, accept: str) -> Answer:
        return self.invoke_batch([Request(body, content_type, accept)])[0]

    def invoke_batch(self, requests: Sequence[Request]) -> list[Answer]:
        return [self._invoke(request) for request in requests]

    def _invoke(self, request: Request) -> Answer:
        more = {"CustomAttributes": request.custom_attributes, "TargetModel": self._config.target_model}
        try:
            answered = self._client.invoke_endpoint(
                EndpointName=self._config.endpoint_name,
                Body=request.body,
                ContentType=request.content_type,
                Accept=request.accept,
                **{name: value for name, value in more.items() if value},
            )
        except ClientError as error:
            status = int(error.response.get("OriginalStatusCode") or 400)
            return Answer(status, str(error).encode(), "text/plain")
        except BotoCoreError as error:
            raise ClarifyError(f"the endpoint {self._config.endpoint_name} cannot be asked: {error}") from error
        return Answer(200, answered["Body"].read(), answered.get("ContentType", ""))


def open_model(config: PredictorConfig) -> Model:
    """The model that the configuration names. Raises ClarifyError."""
    if config.endpoint_name:
        return EndpointModel(config)
    sagemaker = client("sagemaker")
    try:
        described = sagemaker.describe_model(ModelName=config.model_name)
        container = _container(sagemaker, config.model_name, described)
    except ClientError as error:
        reason = error.response.get("Error", {}).get("Message", str(error))
        raise ClarifyError(f"the model {config.model_name!r} cannot be used: {reason}") from error
    except BotoCoreError as error:
        raise ClarifyError(f"the model {config.model_name!r} cannot be described: {error}") from error
    return load_model(config.model_name, container)


def load_model(name: str, container: dict[str, Any]) -> Model:
    """Unpack and load a container's artifact, with its variables in the environment of this process."""
    directory = Path(tempfile.mkdtemp(prefix="clarify-model-"))
    model_dir = directory / "model"
    model_dir.mkdir()
    environment = {key: str(value) for key, value in container.get("Environment", {}).items()}
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    uri = source.get("S3Uri") or container.get("ModelDataUrl", "")
    try:
        if source.get("CompressionType") == "None":
            download(uri, model_dir, "the model's data")
        elif uri:
            _unpack(uri, directory / "artifact", model_dir, "the model's data")
        code = environment.get(SUBMIT_DIRECTORY, "")
        if code.startswith("s3://"):
            _unpack(code, directory / "submitted", model_dir / "code", "the model's code")
            environment[SUBMIT_DIRECTORY] = str(model_dir / "code")
        os.environ.update(environment)
        return load(model_dir, os.environ)
    except (ModelLoadError, ArtifactError) as error:
        raise ClarifyError(f"the model {name!r} cannot be loaded: {error}") from error


def _unpack(uri: str, aside: Path, target: Path, what: str) -> None:
    for archive in sorted(path for path in download(uri, aside, what).rglob("*") if path.is_file()):
        unpack(archive, target, uri)


def _container(sagemaker: Any, name: str, described: dict[str, Any]) -> dict[str, Any]:
    containers = [described["PrimaryContainer"]] if "PrimaryContainer" in described else described.get("Containers", [])
    if len(containers) != 1 or containers[0].get("Mode") == "MultiModel":
        raise ClarifyError(f"the model {name!r} has {len(containers)} containers; one with a single model is analysed")
    container: dict[str, Any] = containers[0]
    if package := container.get("ModelPackageName"):
        packaged = sagemaker.describe_model_package(ModelPackageName=package)
        return {**packaged["InferenceSpecification"]["Containers"][0], **container}
    return container


def _said(answer: Answer) -> str:
    return answer.body.decode(errors="replace").strip().partition("\n")[0][:SHOWN]
