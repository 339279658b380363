"""Which port a process gets: the last one where nothing else is asked for, since shells and queue URLs hold it."""

from __future__ import annotations

import time

from contender.local.launcher import processes
from contender.local.launcher.failure import LaptopFailure

_RELEASE_S = 1.0  # children of a killed server need a moment to notice and let go of their port


def choose(wanted: int | None, last: int, first: int, spare: int) -> int:
    """`wanted` None: as the last time, at first `first`. 0: any, the last one if free, else `spare`."""
    if wanted is None:
        return last or first
    if wanted == 0:
        return last if last and processes.port_is_free(last) else spare
    return wanted


def require_free(name: str, port: int, flag: str) -> None:
    """LaptopFailure that names who holds the port, and the flag that takes another."""
    deadline = time.monotonic() + _RELEASE_S
    while not processes.port_is_free(port):
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    else:
        return
    holder = processes.port_holder(port) or "another program, perhaps another MiniStack, LocalStack or laptop"
    raise LaptopFailure(
        f"port {port} for {name} is taken by {holder}; stop it, or choose another port: contender local up {flag} 0"
    )


def port_of(address: str) -> int:
    return int(address.rsplit(":", 1)[1])
