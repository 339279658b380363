"""`contender endpoint`: what a dimension's endpoint serves, and asking it for predictions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import ClientError

from contender import endpoints
from contender.aws import Connect, client
from contender.cli.output import emit, emit_rows, json_option, note
from contender.cli.stages import stage_option, stage_versions
from contender.config import load
from contender.errors import DataError, DeploymentError, NotFoundError
from contender.naming import Names, parse_variant
from contender.stages import StageVersions

MAX_BODY = 6 * 1024 * 1024
"""InvokeEndpoint takes no more in one request."""

CONTENT_TYPES = {".json": "application/json", ".jsonl": "application/jsonlines"}
COLUMNS = ("variant", "role", "status", "share", "model", "reason")


@click.group()
def command() -> None:
    """A dimension's endpoint: what it serves, and predictions from it."""


@command.command(short_help="Show what an endpoint serves.")
@click.argument("dimension")
@stage_option
@json_option
@click.pass_obj
def show(obj: Connect | None, dimension: str, stage: str | None, as_json: bool) -> None:
    """Show the variants of DIMENSION's endpoint with their live shares and roles."""
    settings, connect = load(), obj or client
    data = overview(stage_versions(settings, connect, stage), dimension)
    if as_json:
        emit(data)
        return
    emit_rows(data["variants"], COLUMNS, as_json=False, title=f"{data['endpoint']}: {data['status']}, {data['config']}")
    if data["failure"]:
        note(f"{data['endpoint']}: {data['failure']}")


@command.command(short_help="Ask an endpoint for predictions.")
@click.argument("dimension")
@click.option("--file", type=click.Path(path_type=Path, allow_dash=True), help="A .csv, .json or .jsonl; - is stdin.")
@click.option("--row", "rows", multiple=True, help="A row as CSV or as a JSON record. May be given several times.")
@click.option("--target-variant", help="Ask this variant instead of one chosen by share.")
@stage_option
@json_option
@click.pass_obj
def invoke(
    obj: Connect | None,
    dimension: str,
    file: Path | None,
    rows: tuple[str, ...],
    target_variant: str | None,
    stage: str | None,
    as_json: bool,
) -> None:
    """Ask DIMENSION's endpoint for the probabilities of raw rows, in one request.

    CSV rows hold the training file's columns without the label; with a header line their order is free.
    """
    if (file is None) == (not rows):
        raise click.UsageError("give rows either with --file or with --row")
    settings, connect = load(), obj or client
    body, content_type = _from_file(file) if file else _from_options(rows)
    if len(body) > MAX_BODY:
        raise DataError(
            f"{file or 'the rows'}: {len(body):,} bytes; an endpoint takes {MAX_BODY:,} at once, send fewer"
        )
    runtime = connect("sagemaker-runtime", settings.region)
    name = Names(settings.project, settings.stage_key(stage)).endpoint(dimension)
    variant, predictions = predict(runtime, name, body, content_type, target_variant)
    if as_json:
        emit({"variant": variant, "predictions": predictions})
        return
    note(f"answered by {variant}")
    for prediction in predictions:
        click.echo(prediction)


def overview(stage: StageVersions, dimension: str) -> dict[str, Any]:
    """A stage's endpoint and its variants; NotFoundError if there is none."""
    endpoint = stage.names.endpoint(dimension)
    serving = endpoints.read(stage.sagemaker, endpoint)
    if serving is None:
        where = f" in stage {stage.names.stage!r}" if stage.names.stage else ""
        raise NotFoundError(
            f"dimension {dimension!r} has no endpoint{where} yet: `contender models list` says how far it is"
        )
    versions = {version.number: version for version in stage.of(dimension)}
    variants = []
    for slot in serving.slots:
        version = versions.get(parse_variant(slot.variant) or 0)
        variants.append(
            {
                "variant": slot.variant,
                "version": version.number if version else None,
                "role": version.role.value if version else None,
                "status": version.status.value if version else None,
                "share": slot.share,
                "model": slot.model,
                "reason": version.reason if version else None,
            }
        )
    return {
        "dimension": dimension,
        "endpoint": endpoint,
        "status": serving.status,
        "config": serving.config,
        "target": serving.target,
        "failure": serving.failure,
        "modified": serving.modified_at,
        "variants": variants,
    }


def predict(
    runtime: Any, endpoint: str, body: bytes, content_type: str, target_variant: str | None
) -> tuple[str, list[float]]:
    """The variant that answered, and one probability a row."""
    target = {"TargetVariant": target_variant} if target_variant else {}
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint, Body=body, ContentType=content_type, Accept="text/csv", **target
        )
    except ClientError as error:
        fault = error.response["Error"]
        if fault["Code"] == "ModelError":
            # The model's own words are in a field beside the message, which only wraps them.
            reason = error.response.get("OriginalMessage") or fault.get("Message", "")
            raise DataError(f"endpoint {endpoint} refused the rows: {reason}") from error
        if fault["Code"] in ("ValidationError", "ValidationException"):
            raise DeploymentError(f"endpoint {endpoint} cannot be asked: {fault.get('Message', '')}") from error
        raise
    text = answer["Body"].read().decode()
    return answer["InvokedProductionVariant"], [float(value) for value in text.replace(",", "\n").split()]


def _from_file(file: Path) -> tuple[bytes, str]:
    if str(file) == "-":
        return sys.stdin.buffer.read(), "text/csv"
    try:
        return file.read_bytes(), CONTENT_TYPES.get(file.suffix, "text/csv")
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error


def _from_options(rows: tuple[str, ...]) -> tuple[bytes, str]:
    kind = "application/jsonlines" if rows[0].lstrip().startswith("{") else "text/csv"
    return "\n".join(rows).encode(), kind
