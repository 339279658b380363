"""Back to a former release: the definitions that the pipelines had then, as new versions that say so.

The code of their steps lies in S3 under names made of its content, so it is there still unless somebody took it away;
that is looked at before anything is changed. Stacks, Lambdas and endpoints stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from contender.errors import DeploymentError, NotFoundError
from contender.pipeline.definitions.code_changes import CodeChanges
from contender.pipeline.definitions.diff import Change, compare
from contender.pipeline.origin import Origin, clean, short
from contender.pipeline.versions import Release, definition, describe, record


@dataclass(frozen=True, slots=True)
class Move:
    """One pipeline's way back: from the version it has to one it had."""

    pipeline: str
    arn: str
    now: int
    then: int
    definition: str
    changes: tuple[Change, ...]


def choose(made: Sequence[Release], wanted: str | None) -> Release:
    """The release of a number or a commit; without either the one before the last. NotFoundError otherwise."""
    if wanted is None:
        if len(made) < 2:
            raise NotFoundError("there is no former release to go back to")
        return made[-2]
    if wanted.isdigit() and 1 <= int(wanted) <= len(made):
        return made[int(wanted) - 1]
    found = [release for release in made if release.is_of(wanted)]
    if not found:
        raise NotFoundError(f"no release {wanted!r}: `contender pipeline history` lists them")
    return found[-1]


def plan_rollback(sagemaker: Any, s3: Any, made: Sequence[Release], release: Release) -> tuple[Move, ...]:
    """What has to change; nothing where the definitions are those already. DeploymentError if code is gone."""
    moves = []
    for pipeline, now in made[-1].state.items():
        then = release.state.get(pipeline)
        if then is None:
            continue  # it came later, and nothing that was there then knows of it
        described = sagemaker.describe_pipeline(PipelineName=pipeline)
        text = definition(sagemaker, pipeline, then)
        if text == described["PipelineDefinition"]:
            continue
        before, after = json.loads(described["PipelineDefinition"]), json.loads(text)
        if gone := [address for address in _addresses(after) if not _is_there(s3, address)]:
            raise DeploymentError(
                f"release {release.number} cannot come back: {pipeline} needs {gone[0]}, which is gone; "
                f"check out {short(clean(release.note.commit)) if release.note else 'its commit'} and upsert it"
            )
        changes = compare(before, after, CodeChanges(s3, None))
        moves.append(Move(pipeline, described["PipelineArn"], now, then, text, tuple(changes)))
    return tuple(moves)


def roll_back(
    sagemaker: Any, release: Release, moves: Sequence[Move], origin: Origin, token: str, purposes: Mapping[str, str]
) -> None:
    """Make the moves, as one new release. Safe to repeat: whoever was interrupted plans again and does the rest."""
    for move in moves:
        sagemaker.update_pipeline(
            PipelineName=move.pipeline,
            PipelineDefinition=move.definition,
            PipelineDescription=describe(purposes[move.pipeline], origin),
        )
        record(sagemaker, move.pipeline, move.arn, origin, token, back_to=release.number)


def _addresses(value: Any) -> Iterator[str]:
    """What a definition names in S3 outright; what executions write is put together when they run."""
    if isinstance(value, str) and value.startswith("s3://"):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _addresses(each)
    elif isinstance(value, list):
        for each in value:
            yield from _addresses(each)


def _is_there(s3: Any, address: str) -> bool:
    place = urlsplit(address, allow_fragments=False)
    return "Contents" in s3.list_objects_v2(Bucket=place.netloc, Prefix=place.path.lstrip("/"), MaxKeys=1)
