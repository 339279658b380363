"""The version that scores a dimension's files: its champion, by name, and the columns it reads.

Not the shares of the traffic: the rows of a file are nobody's requests, no reward will come for them, and a file scored
by one version, whenever and on whichever way, has one result. So all its rows go to the champion's variant.
"""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from contender import endpoints, registry, s3_object
from contender.errors import DataError, NamingError, NotFoundError
from contender.naming import Names, variant_name


@dataclass(frozen=True, slots=True)
class Scorer:
    """A variant of the dimension's endpoint."""

    endpoint: str
    version: int
    columns: tuple[str, ...]

    @property
    def variant(self) -> str:
        return variant_name(self.version)


class Scorers:
    """Finds the scorers of dimensions; what an artifact says is read once."""

    def __init__(self, sagemaker: Any, s3: Any, names: Names) -> None:
        self._sagemaker = sagemaker
        self._s3 = s3
        self._names = names
        self._columns: dict[str, tuple[str, ...]] = {}

    def find(self, dimension: str) -> Scorer:
        """Who scores now. NotFoundError where nobody does, DataError where its artifact does not tell its columns."""
        try:
            endpoint, group = self._names.endpoint(dimension), self._names.group(dimension)
        except NamingError as error:
            raise NotFoundError(str(error)) from error
        champion = registry.champion(registry.list_versions(self._sagemaker, group))
        if champion is None:
            raise NotFoundError(f"dimension {dimension!r} has no champion: `contender data upload` trains one")
        if endpoints.found(lambda: self._sagemaker.describe_endpoint(EndpointName=endpoint)) is None:
            raise NotFoundError(f"endpoint {endpoint!r} does not exist: `contender rollout status` says why")
        return Scorer(endpoint, champion.number, self._read_by(champion.arn, champion.number))

    def _read_by(self, arn: str, number: int) -> tuple[str, ...]:
        if arn not in self._columns:
            package = self._sagemaker.describe_model_package(ModelPackageName=arn)
            self._columns[arn] = columns(self._s3, registry.model_data_uri(package), number)
        return self._columns[arn]


def columns(s3: Any, uri: str, number: int) -> tuple[str, ...]:
    """The features of a version in its order, as its artifact names them."""
    bucket, key = s3_object.place(uri)
    try:
        with tarfile.open(fileobj=s3.get_object(Bucket=bucket, Key=key)["Body"], mode="r|gz") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.name.removeprefix("./") == "encoder.json" else None
                if file is not None:
                    encoder = json.load(file)
                    dropped = set(encoder["dropped"])
                    return tuple(column for column in encoder["columns"] if column not in dropped)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "NoSuchBucket"):
            raise
        raise DataError(f"the artifact of v{number} is gone from {uri}: train the dimension again") from error
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"the artifact of v{number} cannot be read for its columns: {error}") from error
    raise DataError(f"the artifact of v{number} has no encoder.json that names its columns")


def lacking(name: str, header: tuple[str, ...], scorer: Scorer) -> str:
    """What is wrong with a file's header, in words; "" if nothing is."""
    for column in scorer.columns:
        if header.count(column) > 1:
            return f"{name} has the column {column!r} twice"
    absent = [column for column in scorer.columns if column not in set(header)]
    if not absent:
        return ""
    return (
        f"{name} lacks {len(absent)} of the {len(scorer.columns)} columns of champion {scorer.variant}: "
        f"{_some(absent)}. Expected are raw rows as in training, with the columns {', '.join(scorer.columns)}; "
        f"found were {len(header)}: {_some(header)}"
    )


def _some(columns: tuple[str, ...] | list[str], count: int = 12) -> str:
    more = f" and {len(columns) - count} more" if len(columns) > count else ""
    return ", ".join(columns[:count]) + more
