"""A bucket with everything in it: every version of every object, and uploads that were never completed."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from contender.destroying.remover import Project
from contender.errors import DeploymentError

_COUNTED = 100_000
"""Objects after which nobody waits for the exact size."""


def empty(project: Project, bucket: str) -> None:
    """Delete all of it, then the bucket; one that is gone already is fine."""
    s3 = project.connect("s3")
    ours = {"Bucket": bucket, "ExpectedBucketOwner": project.account}
    try:
        for page in s3.get_paginator("list_object_versions").paginate(**ours):
            _delete(s3, ours, [*page.get("Versions", ()), *page.get("DeleteMarkers", ())])
        for page in s3.get_paginator("list_multipart_uploads").paginate(**ours):
            for upload in page.get("Uploads", ()):
                s3.abort_multipart_upload(**ours, Key=upload["Key"], UploadId=upload["UploadId"])
        s3.delete_bucket(**ours)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise


def _delete(s3: Any, ours: dict[str, str], versions: list[dict[str, Any]]) -> None:
    if not versions:
        return
    named = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
    answer = s3.delete_objects(**ours, Delete={"Objects": named, "Quiet": True})
    if errors := answer.get("Errors"):
        first = errors[0]
        raise DeploymentError(f"s3://{ours['Bucket']}/{first['Key']} cannot be deleted: {first['Message']}")


def size(project: Project, bucket: str) -> str:
    """How much is in it now, in words; earlier versions of objects are not counted."""
    count, total_bytes = 0, 0
    ours = {"Bucket": bucket, "ExpectedBucketOwner": project.account}
    for page in project.connect("s3").get_paginator("list_objects_v2").paginate(**ours):
        count += len(page.get("Contents", ()))
        total_bytes += sum(each["Size"] for each in page.get("Contents", ()))
        if count >= _COUNTED:
            return f"more than {count} objects, {total_bytes / 1e6:.1f} MB"
    return f"{count} objects, {total_bytes / 1e6:.1f} MB"
