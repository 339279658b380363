"""Programs that use the SDK: importing it takes two seconds and 290 MB, so each runs in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def compile_with_sdk(program: str, *arguments: str) -> str:
    """What a program beside this file prints: the definition that the SDK compiles."""
    printed = run_with_sdk(program, *arguments, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    return printed[printed.index('{"Version"') :]


def run_with_sdk(program: str, *arguments: str, **more: str) -> str:
    """What a program beside this file prints; `more` are variables of its environment."""
    pytest.importorskip("sagemaker.core", reason="the SDK compiles the definition")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAGEMAKER_VALIDATE_ROLE": "false",
        **more,
    }
    command = [sys.executable, str(Path(__file__).with_name(program)), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
