"""What a build finds in its environment: what CodeBuild sets, and the addresses of this machine's AWS.

Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from contender.local.builds.folders import Build
from contender.local.builds.phases import SUCCEEDING
from contender.local.builds.repository import NOTHING, Repository, clean

ACCOUNT = "000000000000"
_OF_THE_PUSHER = ("AWS_", "SAGEMAKER_", "CODEBUILD_", "CONTENDER_", "PYTHON", "VIRTUAL_ENV", "PYTEST_")
"""What a shell exports for itself. A build is the same whoever pushes."""


def surroundings(
    build: Build, repository: Repository, source: Path, log: Path, laptop: Mapping[str, str], shell: Mapping[str, str]
) -> dict[str, str]:
    """The variables of one build. `laptop` is what a shell exports to use it; `shell` is the pusher's environment."""
    kept = {name: value for name, value in clean(shell).items() if not name.startswith(_OF_THE_PUSHER)}
    project, region = repository.path.stem, laptop["AWS_REGION"]
    name = f"{project}:{build.number}"
    moved = {} if build.before == NOTHING else {"CODEBUILD_WEBHOOK_PREV_COMMIT": build.before}
    return {
        **kept,
        **laptop,
        # The interpreter that `contender local up` ran with stands for the one of CodeBuild's image.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "MYPY_CACHE_DIR": str(repository.home / "cache" / "mypy"),  # what earlier builds found; they take turns
        "CODEBUILD_BUILD_ID": name,
        "CODEBUILD_BUILD_ARN": f"arn:aws:codebuild:{region}:{ACCOUNT}:build/{name}",
        "CODEBUILD_BUILD_NUMBER": str(build.number),
        "CODEBUILD_INITIATOR": build.by,
        "CODEBUILD_LOG_PATH": str(log),
        "CODEBUILD_RESOLVED_SOURCE_VERSION": build.commit,
        "CODEBUILD_SOURCE_VERSION": build.commit,
        "CODEBUILD_SOURCE_REPO_URL": str(repository.path),
        "CODEBUILD_SRC_DIR": str(source),
        "CODEBUILD_START_TIME": str(int(build.asked.timestamp() * 1000)),
        "CODEBUILD_WEBHOOK_EVENT": "PUSH",
        "CODEBUILD_WEBHOOK_HEAD_REF": build.ref,
        "CODEBUILD_WEBHOOK_TRIGGER": f"branch/{build.ref.removeprefix('refs/heads/')}",
        **moved,
        SUCCEEDING: "1",
    }
