"""Which folders of captured data there are for an execution: a folder an hour, of every variant that served."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contender.local.context import Context
from contender.local.jobs.files import split
from contender.local.monitoring.window import Window
from contender.local.serving.deployments import KIND as ENDPOINT


@dataclass(frozen=True, slots=True)
class Folder:
    """A prefix in S3 that holds objects, and where it belongs below the job's input folder."""

    uri: str
    inside: str


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


def _below(s3: Any, bucket: str, base: str) -> Iterator[str]:
    """The prefixes one level below `base`, each with its slash at the end."""
    arguments = {"Bucket": bucket, "Prefix": base, "Delimiter": "/"}
    while True:
        page = s3.list_objects_v2(**arguments)
        yield from (each["Prefix"] for each in page.get("CommonPrefixes", ()))
        if not page.get("IsTruncated"):
            return
        arguments["ContinuationToken"] = page["NextContinuationToken"]


def _holds(s3: Any, uri: str) -> bool:
    bucket, prefix = split(uri)
    return bool(s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/", MaxKeys=1).get("Contents"))
