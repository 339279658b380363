"""Processes of others that go up and down with the laptop: how to start, find and stop them, not what they are.

A guest is never waited for, and nothing of the laptop waits for it: AWS on this machine works with or without it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from contender.local.launcher import processes
from contender.local.launcher.environment import for_processes
from contender.local.launcher.failure import LaptopFailure
from contender.local.launcher.ports import choose, port_of, require_free
from contender.local.launcher.processes import Identity

_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Guest:
    """What to start: `command`, to which `--port` and a port of 127.0.0.1 are added, in `folder`.

    It answers at `health` once it is there. `port` is as in `Ports`; `flag` is what chooses another one.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    health: str
    first_port: int
    flag: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Hosted:
    """A guest as it was started, and its process; None once it was stopped."""

    name: str
    command: tuple[str, ...]
    folder: str
    address: str
    health: str
    identity: Identity | None

    @property
    def runs(self) -> bool:
        return self.identity is not None and processes.alive(self.identity)


class Guests:
    """The guests of one home, and the record of them. Whoever changes them holds the home's lock."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._record = home / "guests.json"

    def host(self, guest: Guest, env: Mapping[str, str]) -> Hosted:
        """Let it run as it is asked for. One that runs otherwise is stopped and started again, on the port it had."""
        known = self.all()
        last = known.get(guest.name)
        wanted = (guest.command, str(guest.folder))
        if last and last.runs and (last.command, last.folder) == wanted:
            return last
        self._end(last)
        port = choose(
            guest.port, port_of(last.address) if last else 0, guest.first_port, spare=processes.free_ports(1)[0]
        )
        require_free(guest.name, port, guest.flag)
        log = self.log(guest.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        identity = processes.start_detached(
            [*guest.command, "--port", str(port)],
            log,
            environment={**for_processes(os.environ), **env},
            folder=guest.folder,
        )
        hosted = Hosted(guest.name, *wanted, f"http://127.0.0.1:{port}", guest.health, identity)
        self._write({**known, guest.name: hosted})
        return hosted

    def stop(self) -> list[str]:
        """Stop every guest; the names of those that ran. Their ports stay known."""
        known = self.all()
        stopped = [name for name, hosted in known.items() if self._end(hosted)]
        if stopped:
            self._write({name: replace(hosted, identity=None) for name, hosted in known.items()})
        return stopped

    def all(self) -> dict[str, Hosted]:
        try:
            stored = json.loads(self._record.read_text())
            return {each["name"]: _hosted(each) for each in stored}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LaptopFailure(f"{self._record} is not ours or is damaged: delete it") from error

    def log(self, name: str) -> Path:
        return self._home / "logs" / f"{name}.log"

    @staticmethod
    def _end(hosted: Hosted | None) -> bool:
        if not hosted or not hosted.identity or not hosted.runs:
            return False
        processes.stop(hosted.identity, _PATIENCE_S)
        return True

    def _write(self, known: Mapping[str, Hosted]) -> None:
        draft = self._record.with_suffix(".tmp")
        draft.write_text(json.dumps([asdict(hosted) for hosted in known.values()], indent=2) + "\n")
        draft.replace(self._record)


def _hosted(stored: dict[str, object]) -> Hosted:
    identity, command = stored.pop("identity"), stored.pop("command")
    if not isinstance(command, list):
        raise TypeError(f"a command is a list of words, not {command!r}")
    return Hosted(
        command=tuple(command),
        identity=Identity(**identity) if isinstance(identity, dict) else None,
        **{key: str(value) for key, value in stored.items()},
    )
