import io
import tarfile
from pathlib import Path

import pytest

from contender.local.artifacts import ArtifactError, pack, unpack


def make_tree(root: Path) -> Path:
    (root / "code").mkdir(parents=True)
    (root / "xgboost-model").write_bytes(b"\x00model")
    (root / "code" / "inference.py").write_text("x = 1\n")
    return root


def write_tar(path: Path, *members: tarfile.TarInfo, data: bytes = b"") -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            member.size = len(data) if member.isfile() else 0
            tar.addfile(member, io.BytesIO(data))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    return info


def test_what_is_packed_unpacks_the_same(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "model")
    pack(source, tmp_path / "model.tar.gz")
    unpack(tmp_path / "model.tar.gz", tmp_path / "out")
    assert (tmp_path / "out" / "xgboost-model").read_bytes() == b"\x00model"
    assert (tmp_path / "out" / "code" / "inference.py").read_text() == "x = 1\n"


def test_files_lie_at_the_root_of_the_archive(tmp_path: Path) -> None:
    pack(make_tree(tmp_path / "model"), tmp_path / "model.tar.gz")
    with tarfile.open(tmp_path / "model.tar.gz") as tar:
        assert tar.getnames() == ["code", "code/inference.py", "xgboost-model"]


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "model")
    pack(source, tmp_path / "a.tar.gz")
    pack(source, tmp_path / "b.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (member("../evil"), "outside"),
        (member("a/../../evil"), "outside"),
        (member("/etc/evil"), "outside"),
        (member("link", tarfile.SYMTYPE, "/etc/passwd"), "is a link"),
        (member("link", tarfile.LNKTYPE, "xgboost-model"), "is a link"),
        (member("device", tarfile.CHRTYPE), "neither a file nor a directory"),
        (member("pipe", tarfile.FIFOTYPE), "neither a file nor a directory"),
    ],
)
def test_refuses_members_that_reach_out_and_extracts_nothing(tmp_path: Path, bad: tarfile.TarInfo, said: str) -> None:
    archive = write_tar(tmp_path / "model.tar.gz", member("good"), bad)
    with pytest.raises(ArtifactError, match=said) as refusal:
        unpack(archive, tmp_path / "out")
    assert "model.tar.gz" in str(refusal.value)
    assert bad.name in str(refusal.value)
    assert not (tmp_path / "out").exists()


def test_says_when_it_is_no_archive_or_a_broken_one(tmp_path: Path) -> None:
    (tmp_path / "text.tar.gz").write_text("not a tar")
    with pytest.raises(ArtifactError, match=r"text\.tar\.gz cannot be unpacked"):
        unpack(tmp_path / "text.tar.gz", tmp_path / "out")
    source = make_tree(tmp_path / "model")
    (source / "big").write_bytes(bytes(range(256)) * 400)
    pack(source, tmp_path / "whole.tar.gz")
    (tmp_path / "half.tar.gz").write_bytes((tmp_path / "whole.tar.gz").read_bytes()[:-300])
    with pytest.raises(ArtifactError, match=r"half\.tar\.gz cannot be unpacked"):
        unpack(tmp_path / "half.tar.gz", tmp_path / "out")
