"""Which folders of captured data there are for an execution: a folder an hour, of every variant that served."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from contender.local.context import Context
from contender.local.jobs.files import split
from contender.local.monitoring.window import Window
from contender.local.serving.deployments import KIND as ENDPOINT


@dataclass(frozen=True, slots=True)
class Folder:
    """A prefix in S3 that holds objects (or a manifest of them), and its place below the job's input folder."""

    uri: str
    inside: str
    kind: Literal["S3Prefix", "ManifestFile"] = "S3Prefix"


def destination(context: Context, endpoint: str) -> str | None:
    """Where the endpoint's captures go; None if it is not there or captures nothing."""
    document = context.store.find(ENDPOINT, endpoint) or {}
    capture = document.get("capture") or (document.get("pending") or {}).get("capture") or {}
    uri = capture.get("DestinationS3Uri") if capture.get("EnableCapture", True) else None
    return str(uri) if uri else None


def of_endpoint(s3: Any, root: str, endpoint: str, window: Window) -> list[Folder]:
    """What the endpoint captured in the window, below the capture destination `root`."""
    bucket, prefix = split(root)
    base = "".join(f"{part}/" for part in (prefix.strip("/"), endpoint) if part)
    found = (
        Folder(f"s3://{bucket}/{variant}{hour:%Y/%m/%d/%H}", f"{variant.removeprefix(base)}{hour:%Y/%m/%d/%H}")
        for variant in _below(s3, bucket, base)
        for hour in window.hours()
    )
    return [Folder(each.uri, f"{endpoint}/{each.inside}") for each in found if _holds(s3, each.uri)]


def by_hour(s3: Any, root: str, window: Window) -> list[Folder]:
    """Folders that stand by the hour at `root` itself, as labels do."""
    base = root.rstrip("/")
    found = (Folder(f"{base}/{hour:%Y/%m/%d/%H}", f"{hour:%Y/%m/%d/%H}") for hour in window.hours())
    return [each for each in found if _holds(s3, each.uri)]


def of_transforms(s3: Any, root: str, window: Window) -> list[Folder]:
    """The manifests of what transform jobs read in the window, below their capture destination `root`."""
    return [
        Folder(f"{each.uri}/{name}", f"{each.inside}/{name.removesuffix('.json')}", "ManifestFile")
        for each in by_hour(s3, f"{root.rstrip('/')}/input", window)
        for name in _names(s3, each.uri)
    ]


def _names(s3: Any, uri: str) -> Iterator[str]:
    bucket, prefix = split(f"{uri}/")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from (each["Key"].removeprefix(prefix) for each in page.get("Contents", ()))


def _below(s3: Any, bucket: str, base: str) -> Iterator[str]:
    """The prefixes one level below `base`, each with its slash at the end."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=base, Delimiter="/"):
        yield from (each["Prefix"] for each in page.get("CommonPrefixes", ()))


def _holds(s3: Any, uri: str) -> bool:
    bucket, prefix = split(uri)
    return bool(s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/", MaxKeys=1).get("Contents"))
