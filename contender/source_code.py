"""The project's source as one zip: what git keeps of it, and the same bytes for the same content."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from contender.errors import DeploymentError
from contender.lambda_code import pack


def source_zip(root: Path) -> bytes:
    """Pack the files under `root` that git knows. DeploymentError where it is no repository."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise DeploymentError(
            f"{root} is no git repository: deploy the catalog from a checkout, whose files new projects begin with"
        ) from error
    files = [root / name for name in listed.split("\0") if name]
    return pack(root, [path for path in files if path.is_file() and not os.path.islink(path)])


def source_key(body: bytes) -> str:
    return f"source/{hashlib.sha256(body).hexdigest()[:32]}.zip"
