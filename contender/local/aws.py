"""Clients of the AWS beside us: S3, Lambda, CloudWatch, Logs, all answered by MiniStack."""

from __future__ import annotations

import threading
from typing import Any

import boto3
from botocore.config import Config

# A pipeline's Lambda step may run for ten minutes; asking again because the answer is slow would run it twice.
PATIENT = Config(read_timeout=600, retries={"max_attempts": 0})


class Aws:
    """boto3 clients of one endpoint URL, made once each and shared between threads (boto3 clients are thread-safe)."""

    def __init__(self, url: str, region: str) -> None:
        self.url = url
        self.region = region
        self._session = boto3.session.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name=region
        )
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                config = Config(
                    max_pool_connections=32,
                    retries={"max_attempts": 4, "mode": "standard"},
                    s3={"addressing_style": "path"},
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    proxies={},
                )
                self._clients[service] = self._session.client(
                    service,
                    endpoint_url=self.url,
                    config=config.merge(PATIENT) if service == "lambda" else config,
                )
            return self._clients[service]
