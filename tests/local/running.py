"""MiniStack alone, started as the launcher starts it, for tests that stop and kill it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from contender.local.launcher.processes import free_ports

Found = TypeVar("Found")
ROOT = Path(__file__).resolve().parents[2]


def eventually(look: Callable[[], Found], patience_s: float = 20.0) -> Found:
    """The first true answer of `look`, asked again and again."""
    deadline = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


class MiniStack:
    """One process on one port and home, which can be killed and started again."""

    def __init__(self, home: Path, *flags: str) -> None:
        self.home = home
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self._flags = flags
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def start(self) -> None:
        command = [sys.executable, "-m", "contender.local.launcher.ministack", "--home", str(self.home)]
        command += ["--port", str(self.port), "--sagemaker-url", "http://127.0.0.1:1"]
        command += ["--runtime-url", "http://127.0.0.1:2", *self._flags]
        self._process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"AWS_ENDPOINT_URL": "http://elsewhere"})
        eventually(self._answers)

    def stop(self) -> None:
        assert self._process
        self._process.terminate()
        self._process.wait(10)

    def kill(self) -> None:
        assert self._process
        self._process.kill()
        self._process.wait(10)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}, proxies={})
            self._clients[service] = boto3.client(service, endpoint_url=self.url, config=config)
        return self._clients[service]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        if self._process and self._process.poll() is None:
            self.kill()

    def post(self, path: str, body: bytes) -> bytes:
        with urllib.request.urlopen(urllib.request.Request(self.url + path, body), timeout=10) as answer:
            content: bytes = answer.read()
            return content

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=5):
                return True
        except OSError:
            return False
