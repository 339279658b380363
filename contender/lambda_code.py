"""The Lambda functions' code as one zip: what they import of ours, and the same bytes for the same content."""

from __future__ import annotations

import ast
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from contender.errors import DeploymentError

_EARLIEST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class LambdaCode:
    """A zip and the key it is kept under, which names its content."""

    body: bytes

    @property
    def key(self) -> str:
        return f"lambdas/{hashlib.sha256(self.body).hexdigest()[:32]}.zip"


def package(root: Path) -> LambdaCode:
    """Pack `contender/lambdas` under `root`, and the modules of `contender` it imports, directly or not."""
    return LambdaCode(pack(root, _files(root)))


def pack(root: Path, files: Iterable[Path]) -> bytes:
    """A zip of files below `root`: the same bytes for the same content, whenever and wherever they were written."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), _EARLIEST_ZIP_TIME)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # the same on every system that packs
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def _files(root: Path) -> set[Path]:
    waiting = sorted((root / "contender" / "lambdas").rglob("*.py"))
    if not waiting:
        raise DeploymentError(f"no Lambda code under {root}: there is no contender/lambdas")
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting += [folder / "__init__.py" for folder in path.parents if folder.is_relative_to(root / "contender")]
        for name in _imports(path):
            target = root.joinpath(*name.split("."))
            waiting += [file for file in (target.with_suffix(".py"), target / "__init__.py") if file.exists()]
    return found


def _imports(path: Path) -> Iterator[str]:
    """Dotted names below `contender` that a module imports; some are functions in a module, not modules."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name.partition(".")[0] == "contender")
