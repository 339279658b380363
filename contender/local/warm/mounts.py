"""A private `/opt/ml`: a mount namespace in which a job's directory lies where containers expect it.

Where the host has no `/opt/ml`, `/opt` is covered by a small file system that shows its old entries and `ml`, inside
the namespace only: the host is untouched, and programs that live under `/opt` go on working.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18

ROOT = Path("/opt/ml")


def mount_privately(mounts: Mapping[str, str]) -> None:
    """Show each host directory at its target, to this process and its children only.

    The process must have one thread. Raises OSError where the system has no mount namespaces or refuses them.
    """
    libc = _libc()
    if os.geteuid() == 0:
        _check(libc.unshare(CLONE_NEWNS), "unshare")
    else:
        user, group = os.geteuid(), os.getegid()
        _check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _mount(libc, "none", "/", None, MS_REC | MS_PRIVATE)
    if not ROOT.is_dir():
        _make_root(libc)
    for source, target in sorted(mounts.items(), key=lambda item: item[1]):
        if Path(target) != ROOT and ROOT not in Path(target).parents:
            raise OSError(f"only {ROOT} and paths below it can be private, not {target}")
        Path(target).mkdir(parents=True, exist_ok=True)
        _mount(libc, source, target, None, MS_BIND | MS_REC)


def outside(text: str, mounts: Mapping[str, str]) -> str:
    """`text` with every path below a target replaced by the host's: what a process without a private view can use."""
    for source, target in sorted(mounts.items(), key=lambda item: -len(item[1])):
        text = text.replace(target, source)
    return text


def _make_root(libc: ctypes.CDLL) -> None:
    parent = ROOT.parent
    entries = list(parent.iterdir())
    links = {entry: os.readlink(entry) for entry in entries if entry.is_symlink()}
    aside = Path(tempfile.mkdtemp(prefix="contender-opt-"))
    try:
        _mount(libc, str(parent), str(aside), None, MS_BIND | MS_REC)
        _mount(libc, "tmpfs", str(parent), "tmpfs", 0)
        for entry in entries:
            if entry in links:
                entry.symlink_to(links[entry])
                continue
            if (aside / entry.name).is_dir():
                entry.mkdir()
            else:
                entry.touch()
            _mount(libc, str(aside / entry.name), str(entry), None, MS_BIND | MS_REC)
        ROOT.mkdir()
        libc.umount2(os.fsencode(aside), 2)
    finally:
        aside.rmdir()


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare"):
        raise OSError("this system has no mount namespaces")
    return libc


def _mount(libc: ctypes.CDLL, source: str, target: str, kind: str | None, flags: int) -> None:
    result = libc.mount(
        os.fsencode(source), os.fsencode(target), kind.encode() if kind else None, ctypes.c_ulong(flags), None
    )
    _check(result, f"mount {source} on {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
