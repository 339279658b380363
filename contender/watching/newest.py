"""A dimension's newest upload: whether its champion knows it, and the message that trains with it once more.

The message has the shape of the upload's own event, so that the starter's lock and tokens hold for it. Its sequencer is
a word of ours: the same version of the data gives the same token whenever drift is seen, and another than the upload's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contender import registry, s3_object
from contender.errors import NamingError
from contender.naming import Names, parse_object_key

DRIFT = "drift"
"""Why a training starts; the starter reads it in the message and has new baselines registered."""


@dataclass(frozen=True, slots=True)
class Newest:
    """An uploaded file in its latest version."""

    bucket: str
    key: str
    version: str
    etag: str

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def token(self) -> str:
        """The same for the same content at the same place."""
        return hashlib.sha256("\0".join((self.uri, self.version, self.etag)).encode()).hexdigest()[:32]

    def message(self) -> str:
        """The event of its upload, for the queue of uploads."""
        item = {"key": self.key, "etag": self.etag, "sequencer": DRIFT}
        if self.version:
            item["version-id"] = self.version
        detail = {"bucket": {"name": self.bucket}, "object": item, "reason": DRIFT}
        return json.dumps({"source": "contender", "detail-type": "Object Created", "detail": detail})


def newest(s3: Any, bucket: str, prefix: str, dimension: str) -> Newest | None:
    """The CSV file that was written last below the dimension's folder; None where there is none."""
    latest: Mapping[str, Any] | None = None
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}{dimension}/")
    for item in (item for page in pages for item in page.get("Contents", ())):
        if _uploaded(prefix, item["Key"]) and (latest is None or item["LastModified"] > latest["LastModified"]):
            latest = item
    if latest is None:
        return None
    head = s3_object.head(s3, f"s3://{bucket}/{latest['Key']}")
    if head is None:
        return None
    version = str(head.get("VersionId") or "")
    return Newest(bucket, latest["Key"], "" if version == "null" else version, head["ETag"].strip('"'))


def knows(sagemaker: Any, names: Names, dimension: str, data: Newest) -> str:
    """The champion's variant, "v3", if it was trained on exactly this; "" otherwise."""
    version = registry.champion(registry.list_versions(sagemaker, names.group(dimension)))
    if version is None:
        return ""
    package = sagemaker.describe_model_package(ModelPackageName=version.arn)
    origin = package.get("CustomerMetadataProperties", {})
    same = (origin.get("dataUri"), origin.get("dataVersion")) == (data.uri, data.version or data.etag)
    return f"v{version.number}" if same else ""


def _uploaded(prefix: str, key: str) -> bool:
    try:
        parse_object_key(prefix, key)
    except NamingError:
        return False
    return True
