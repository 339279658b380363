from pathlib import Path

import pytest

from contender.local.jobs.files import Files, FilesError, prune, split
from tests.local.jobs.conftest import BUCKET, Machine


class CountingS3:
    """A client that counts what is fetched."""

    def __init__(self, client: object) -> None:
        self._client = client
        self.fetched: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def get_object(self, **arguments: str) -> object:
        self.fetched.append(arguments["Key"])
        return self._client.get_object(**arguments)  # type: ignore[attr-defined]


@pytest.fixture
def s3(machine: Machine) -> CountingS3:
    return CountingS3(machine.context.aws.client("s3"))


@pytest.fixture
def files(s3: CountingS3, tmp_path: Path) -> Files:
    return Files(lambda: s3, tmp_path / "cache")


def found(target: Path) -> list[str]:
    return sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("tree/a/", ["1.csv", "deep/2.csv"]),
        ("tree/a", ["1.csv", "deep/2.csv", "ab.csv"]),
        ("tree/a/1.csv", ["1.csv"]),
        ("tree/", ["a/1.csv", "a/deep/2.csv", "ab.csv"]),
    ],
)
def test_a_prefix_becomes_a_directory_as_on_aws(
    machine: Machine, files: Files, tmp_path: Path, prefix: str, expected: list[str]
) -> None:
    for key in ("tree/a/1.csv", "tree/a/deep/2.csv", "tree/ab.csv"):
        machine.put(key, key)
    assert files.download(f"s3://{BUCKET}/{prefix}", tmp_path / "out") == len(expected)
    assert found(tmp_path / "out") == sorted(expected)


def test_content_is_fetched_once_and_again_when_it_changes(
    machine: Machine, files: Files, s3: CountingS3, tmp_path: Path
) -> None:
    uri = machine.put("cached/a", "one")
    for number in range(3):
        files.download(uri, tmp_path / str(number))
    assert s3.fetched == ["cached/a"]
    machine.put("cached/a", "two")
    files.download(uri, tmp_path / "new")
    assert (tmp_path / "new" / "a").read_text() == "two"


def test_a_job_that_writes_into_its_input_does_not_touch_the_cache(
    machine: Machine, files: Files, tmp_path: Path
) -> None:
    uri = machine.put("own/a", "good")
    files.download(uri, tmp_path / "first")
    with open(tmp_path / "first" / "a", "r+") as file:
        file.write("BAD!")
    files.download(uri, tmp_path / "second")
    assert (tmp_path / "second" / "a").read_text() == "good"


def test_a_directory_is_uploaded_with_its_paths(machine: Machine, files: Files, tmp_path: Path) -> None:
    (tmp_path / "out" / "x").mkdir(parents=True)
    for name in ("a", "x/b", "x/c", "d", "e"):
        (tmp_path / "out" / name).write_text(name)
    assert files.upload_directory(tmp_path / "out", f"s3://{BUCKET}/up/here/") == 5
    assert machine.keys("up/") == ["up/here/a", "up/here/d", "up/here/e", "up/here/x/b", "up/here/x/c"]


def test_keys_may_hold_any_character(machine: Machine, files: Files, tmp_path: Path) -> None:
    uri = machine.put("odd/a b#c?d+é.csv", "odd")
    files.download(uri, tmp_path / "out")
    assert found(tmp_path / "out") == ["a b#c?d+é.csv"]


def test_a_key_cannot_leave_the_directory(machine: Machine, files: Files, tmp_path: Path) -> None:
    machine.put("escape/../../evil", "x")
    with pytest.raises(FilesError, match="outside of the job's directory"):
        files.download(f"s3://{BUCKET}/escape/", tmp_path / "out")


def test_what_cannot_be_read_is_named(files: Files, tmp_path: Path) -> None:
    with pytest.raises(FilesError, match=f"s3://{BUCKET}/none matched no files"):
        files.download(f"s3://{BUCKET}/none", tmp_path / "out")
    with pytest.raises(FilesError, match="s3://no-such-bucket/a: NoSuchBucket"):
        files.download("s3://no-such-bucket/a", tmp_path / "out")
    with pytest.raises(FilesError, match=f"s3://{BUCKET}/none: 404"):
        files.fetch(f"s3://{BUCKET}/none")
    with pytest.raises(FilesError, match="is not an S3 URI"):
        split("https://example.com/a")


@pytest.mark.parametrize(
    "address",
    [
        "s3://bucket/a/model.tar.gz",
        "https://bucket.s3.amazonaws.com/a/model.tar.gz",
        "https://bucket.s3.us-east-1.amazonaws.com/a/model.tar.gz",
        "https://bucket.s3-us-east-1.amazonaws.com/a/model.tar.gz",
        "https://s3.us-east-1.amazonaws.com/bucket/a/model.tar.gz",
    ],
)
def test_an_object_has_a_web_address_too(address: str) -> None:
    assert split(address) == ("bucket", "a/model.tar.gz")


def test_the_cache_forgets_what_was_used_longest_ago(machine: Machine, files: Files, tmp_path: Path) -> None:
    import os

    old, new = (files.fetch(machine.put(f"prune/{name}", "x" * 100)) for name in ("old", "new"))
    os.utime(old, (1, 1))
    prune(tmp_path / "cache", 150)
    assert not old.exists()
    assert new.exists()
