"""Everything listens on 127.0.0.1 and nowhere else."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from contender.local.launcher.laptop import Laptop


@pytest.mark.parametrize("variable", ["", "_SAGEMAKER", "_SAGEMAKER_RUNTIME"])
def test_a_service_listens_on_127_0_0_1_only(laptop: Laptop, variable: str) -> None:
    """127.0.0.2 is this machine too: whoever listens on every address would answer there."""
    port = urlsplit(laptop.env()[f"AWS_ENDPOINT_URL{variable}"]).port
    assert port is not None
    socket.create_connection(("127.0.0.1", port), timeout=2).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=2)
