"""The files that a step wrote: those below the folders of its outputs, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from contender import s3_object
from contender.errors import NotFoundError

MOST_OUTPUTS = 12
MOST_FILES = 100
"""Of one output."""
MOST_BYTES = 1_000_000
BINARY = (
    *(".gz", ".tgz", ".tar", ".zip", ".bz2", ".xz", ".zst", ".parquet", ".avro", ".orc", ".npy", ".npz", ".pkl"),
    *(".joblib", ".bin", ".ubj", ".model", ".onnx", ".pt", ".pdf", ".png", ".jpg", ".jpeg", ".gif", ".so", ".whl"),
)
"""What is not text, so that nobody reads a megabyte of it to find out."""


@dataclass(frozen=True, slots=True)
class File:
    """`output`: the name of the output that it lies in; `path`: its place below that."""

    output: str
    path: str
    uri: str
    size: int
    at: datetime | None = None

    @property
    def address(self) -> str:
        """What it is called within the step."""
        return f"{self.output}/{self.path}"


@dataclass(frozen=True, slots=True)
class Listing:
    """`more`: outputs that have more files than are listed."""

    files: tuple[File, ...] = ()
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """The beginning of a file: its text, None where it is none; `cut` where there is more of it."""

    size: int
    text: str | None
    cut: bool = False


def listed(s3: Any, output: str, uri: str) -> Listing:
    """The files of one output, the first ones by name; none of a bucket that is gone."""
    folder = folder_of(uri)
    if folder is None:
        return Listing()
    bucket, prefix = folder
    try:
        answer = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=MOST_FILES)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
        return Listing()
    found = tuple(
        File(output, path, f"s3://{bucket}/{item['Key']}", item["Size"], item.get("LastModified"))
        for item in answer.get("Contents", ())
        if (path := item["Key"].removeprefix(prefix))
    )
    return Listing(found, (output,) if answer.get("IsTruncated") else ())


def together(listings: Iterable[Listing]) -> Listing:
    """Those of several outputs as one."""
    found = list(listings)
    return Listing(
        tuple(file for each in found for file in each.files), tuple(output for each in found for output in each.more)
    )


def find(s3: Any, outputs: Mapping[str, str], address: str) -> File:
    """The file of this address within the step; NotFoundError if it has none, wherever the address would lead."""
    for name, uri in outputs.items():
        path = address.removeprefix(f"{name}/")
        folder = folder_of(uri)
        if path == address or folder is None or not _stays(path):
            continue
        place = f"s3://{folder[0]}/{folder[1]}{path}"
        if (head := s3_object.head(s3, place)) is not None:
            return File(name, path, place, head.get("ContentLength", 0), head.get("LastModified"))
    raise NotFoundError(f"the step has no file {address!r}: its page lists those that it wrote")


def read(s3: Any, file: File) -> Content:
    """At most the first `MOST_BYTES`; a file that is not text is not read any further than it takes to see that."""
    if file.path.lower().endswith(BINARY):
        return Content(file.size, None)
    if not file.size:
        return Content(0, "")
    bucket, key = s3_object.place(file.uri)
    body: bytes = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{MOST_BYTES - 1}")["Body"].read()
    cut = file.size > len(body)
    if b"\0" in body:
        return Content(file.size, None)
    try:
        # A character that the end of what was read divides is no reason to take all of it for something else.
        text = body.decode("utf-8", "ignore" if cut else "strict")
    except UnicodeDecodeError:
        return Content(file.size, None)
    return Content(file.size, text, cut)


def folder_of(uri: str) -> tuple[str, str] | None:
    """Bucket and prefix, which ends in a slash; None for what is no folder in S3, such as a bucket as a whole."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    key = key.strip("/")
    return (bucket, f"{key}/") if uri.startswith("s3://") and bucket and key else None


def _stays(path: str) -> bool:
    """Whether a path stays below its folder, for whoever takes keys for paths."""
    return all(part not in ("", ".", "..") for part in path.split("/"))
