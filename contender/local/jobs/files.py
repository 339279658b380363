"""A job's files: from S3 through a cache by content into its `/opt/ml`, and back to S3."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from botocore.exceptions import ClientError

CACHE_LIMIT_BYTES = 5 * 1024**3
PARALLEL = 8
COPY_BYTES = 1024**2
PARALLEL_FROM = 4
WEB_ADDRESS = re.compile(r"https://((?P<bucket>[^/]+)\.)?s3([.-][a-z0-9-]+)?\.amazonaws\.com/(?P<key>.+)")
"""With the bucket in the host's name or as the path's first part; both are ModelDataUrls on AWS."""

Item = TypeVar("Item")


class FilesError(Exception):
    """An object that cannot be read or written; the message names its URI."""


@dataclass(frozen=True, slots=True)
class S3Object:
    bucket: str
    key: str
    etag: str

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class Files:
    """Downloads and uploads. An object is fetched once for all jobs: the cache knows it by bucket, key and ETag."""

    def __init__(self, s3: Callable[[], Any], cache: Path) -> None:
        self._s3 = s3
        self._cache = cache
        self._locks = [threading.Lock() for _ in range(64)]

    def download(self, uri: str, target: Path, kind: str = "S3Prefix") -> int:
        """Put what `uri` stands for (an S3Prefix or a ManifestFile) below `target`; the number of files.

        Raises:
            FilesError: nothing is there, or it cannot be read.
        """
        target.mkdir(parents=True, exist_ok=True)
        pairs = list(self._manifest(uri) if kind == "ManifestFile" else self._under(uri))
        if not pairs:
            raise FilesError(f"Data download failed: S3 key: {uri} matched no files on s3")
        self._each(lambda pair: self._place(pair[0], target / _inside(pair[1], pair[0].uri)), pairs)
        return len(pairs)

    def fetch(self, uri: str) -> Path:
        """The content of one object as a file in the cache, to be read only. Raises FilesError."""
        bucket, key = split(uri)
        try:
            head = self._s3().head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            raise FilesError(f"Data download failed: {uri}: {_said(error)}") from error
        return self._cached(S3Object(bucket, key, head["ETag"]))

    def objects(self, uri: str, kind: str = "S3Prefix") -> list[tuple[S3Object, str]]:
        """What `uri` stands for: every object with its path relative to the prefix. Raises FilesError."""
        return list(self._manifest(uri) if kind == "ManifestFile" else self._under(uri))

    def read(self, item: S3Object) -> bytes:
        return self._cached(item).read_bytes()

    def upload(self, path: Path, uri: str) -> None:
        """Raises FilesError."""
        bucket, key = split(uri)
        try:
            with open(path, "rb") as body:
                self._s3().put_object(Bucket=bucket, Key=key, Body=body)
        except ClientError as error:
            raise FilesError(f"Data upload failed: {uri}: {_said(error)}") from error

    def upload_directory(self, directory: Path, uri: str) -> int:
        """Every file below `directory` to the prefix `uri`; the number of files. Raises FilesError."""
        prefix = uri.rstrip("/")
        files = [path for path in sorted(directory.rglob("*")) if path.is_file()]
        self._each(lambda path: self.upload(path, f"{prefix}/{path.relative_to(directory).as_posix()}"), files)
        return len(files)

    def _each(self, work: Callable[[Item], Any], items: list[Item]) -> None:
        if len(items) < PARALLEL_FROM:
            for item in items:
                work(item)
            return
        with ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(work, items))

    def _under(self, uri: str) -> Iterable[tuple[S3Object, str]]:
        bucket, prefix = split(uri)
        base = prefix if prefix.endswith("/") or not prefix else f"{prefix.rpartition('/')[0]}/".lstrip("/")
        arguments = {"Bucket": bucket, "Prefix": prefix}
        while True:
            try:
                page = self._s3().list_objects_v2(**arguments)
            except ClientError as error:
                raise FilesError(f"Data download failed: {uri}: {_said(error)}") from error
            for item in page.get("Contents", ()):
                key = item["Key"]
                if key.endswith("/"):
                    continue
                inside = key[len(prefix) + 1 :] if key.startswith(f"{prefix}/") else key[len(base) :]
                yield S3Object(bucket, key, item["ETag"]), inside
            if not page.get("IsTruncated"):
                return
            arguments["ContinuationToken"] = page["NextContinuationToken"]

    def _manifest(self, uri: str) -> Iterable[tuple[S3Object, str]]:
        try:
            first, *rest = json.loads(self.fetch(uri).read_bytes())
            prefix = first["prefix"]
        except (ValueError, KeyError, TypeError) as error:
            raise FilesError(f'{uri} is not a manifest: it must be [{{"prefix": …}}, key, …]') from error
        for relative in rest:
            bucket, key = split(prefix + relative)
            head = self._head(bucket, key)
            yield S3Object(bucket, key, head["ETag"]), relative

    def _head(self, bucket: str, key: str) -> Any:
        try:
            return self._s3().head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            raise FilesError(f"Data download failed: s3://{bucket}/{key}: {_said(error)}") from error

    def _place(self, item: S3Object, target: Path) -> None:
        source = self._cached(item)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

    def _cached(self, item: S3Object) -> Path:
        digest = hashlib.sha256("\0".join((item.bucket, item.key, item.etag)).encode()).hexdigest()
        path = self._cache / digest
        with self._locks[int(digest[:8], 16) % len(self._locks)]:
            if path.exists():
                os.utime(path)
                return path
            self._cache.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._cache, prefix=".", delete=False) as part:
                try:
                    body = self._s3().get_object(Bucket=item.bucket, Key=item.key)["Body"]
                    shutil.copyfileobj(body, part, COPY_BYTES)
                except ClientError as error:
                    Path(part.name).unlink()
                    raise FilesError(f"Data download failed: {item.uri}: {_said(error)}") from error
            os.replace(part.name, path)
        return path


def prune(cache: Path, limit_bytes: int = CACHE_LIMIT_BYTES) -> None:
    """Forget the files of a cache not used for longest until it is below its limit."""
    if not cache.is_dir():
        return
    found = sorted(((entry.stat().st_mtime, entry) for entry in cache.iterdir()), reverse=True)
    kept = 0
    for _, path in found:
        kept += path.stat().st_size
        if kept > limit_bytes:
            path.unlink(missing_ok=True)


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URI, or of an object's web address at S3. Raises FilesError."""
    if found := WEB_ADDRESS.fullmatch(uri):
        uri = f"s3://{found['bucket']}/{found['key']}" if found["bucket"] else f"s3://{found['key']}"
    scheme, _, place = uri.partition("://")
    bucket, _, key = place.partition("/")
    if scheme != "s3" or not bucket:
        raise FilesError(f"{uri!r} is not an S3 URI (s3://bucket/key)")
    return bucket, key


def _inside(relative: str, uri: str) -> str:
    if ".." in PurePosixPath(relative).parts or relative.startswith("/"):
        raise FilesError(f"{uri} would be written outside of the job's directory")
    return relative


def _said(error: ClientError) -> str:
    details = error.response.get("Error", {})
    return f"{details.get('Code', 'Unknown')}: {details.get('Message', '')}".rstrip(": ")
