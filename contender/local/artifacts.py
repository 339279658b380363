"""Archives such as `model.tar.gz`: packed as the AWS images lay them out, unpacked without trusting them."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path, PurePosixPath

COMPRESSION_LEVEL = 1
"""Trees of floats hardly compress better at 9, which takes ten times as long."""


class ArtifactError(Exception):
    """An archive that cannot be used; the message names it, the member, and what is wrong."""


def pack(directory: Path, archive: Path) -> None:
    """Write everything below `directory` to the gzipped tar `archive`, with paths relative to it, in a fixed order.

    The same files give the same bytes: owners and the archive's own time are left out.
    """
    with (
        open(archive, "wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=COMPRESSION_LEVEL, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted(directory.rglob("*")):
            tar.add(path, arcname=path.relative_to(directory).as_posix(), recursive=False, filter=_anonymous)


def unpack(archive: Path, target: Path, name: str = "") -> None:
    """Extract `archive` (gzipped or plain tar) below `target`, which is made if need be.

    `name` is what errors call it, where its file's own name says nothing.

    Raises:
        ArtifactError: it is not a tar archive, or a member is a link, a device, or would land outside `target`;
            nothing is extracted then.
    """
    name = name or archive.name
    try:
        with tarfile.open(archive, "r:*") as tar:
            members = tar.getmembers()
            for member in members:
                _check(name, member)
            target.mkdir(parents=True, exist_ok=True)
            tar.extractall(target, members=members, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise ArtifactError(f"{name} cannot be unpacked: {reason}") from error


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = int(member.mtime)
    return member


def _check(name: str, member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        problem = "lies outside the archive's own directory"
    elif member.issym() or member.islnk():
        problem = f"is a link (to {member.linkname!r})"
    elif not (member.isfile() or member.isdir()):
        problem = "is neither a file nor a directory"
    else:
        return
    raise ArtifactError(f"{name} is refused: its member {member.name!r} {problem}")
