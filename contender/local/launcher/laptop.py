"""AWS on this machine as one thing to switch on and off: two detached processes and a record of them.

up      ─► lock ─► start what is missing ─► processes.json ─► wait until both answer
host    ─► lock ─► start a guest beside them, which nothing waits for ─► guests.json
down    ─► lock ─► SIGTERM, SIGKILL, also to every descendant ─► forget processes.json
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contender.local.launcher import processes
from contender.local.launcher.environment import Addresses, for_processes, for_tools
from contender.local.launcher.failure import LaptopFailure
from contender.local.launcher.guests import Guest, Guests, Hosted
from contender.local.launcher.ports import choose, port_of, require_free
from contender.local.launcher.processes import Identity, Seen

AWS, SAGEMAKER, RUNTIME = "aws", "sagemaker", "runtime"

_HEALTH = {AWS: "/_ministack/health", SAGEMAKER: "/_contender/health"}
_FIRST_PORTS = {AWS: 4566, SAGEMAKER: 4567, RUNTIME: 4568}
_FLAGS = {AWS: "--aws-port", SAGEMAKER: "--sagemaker-port", RUNTIME: "--runtime-port"}
_READY_S = 60.0
_PATIENCE_S = 10.0
_CHILDREN = {"serving.front": RUNTIME, "warm.parent": "warm"}
_STATE = (
    *("ministack", "jobs", "models", "cache", "logs", "run", "git", "builds"),
    *("warm.sock", "processes.json", "guests.json"),
)
_PACKAGE_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports on 127.0.0.1. None: as the last time, at first 4566 and the two after it. 0: any, the last one if free."""

    aws: int | None = None
    sagemaker: int | None = None
    runtime: int | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """One process of ours; `state` is running, starting (alive, no answer) or stopped.

    `roles`: whether Lambdas may do only what their roles allow.
    """

    name: str
    pid: int
    state: str
    address: str
    memory_mb: float
    log: str
    roles: str = ""


@dataclass(frozen=True, slots=True)
class _Record:
    """What processes.json holds."""

    addresses: Addresses
    region: str
    enforce_iam: bool
    identities: Mapping[str, Identity]


class Laptop:
    """The processes and the state of one home directory."""

    def __init__(self, home: Path, region: str = "us-east-1", sagemaker_module: str = "contender.local.server") -> None:
        self.home = home.resolve()
        self._region = region
        self._modules = {AWS: "contender.local.launcher.ministack", SAGEMAKER: sagemaker_module}
        self._record_path = self.home / "processes.json"
        self._guests = Guests(self.home)

    def up(self, ports: Ports | None = None, *, enforce_iam: bool | None = None) -> Addresses:
        """Start what does not run, wait until everything answers. What runs already keeps its ports.

        `enforce_iam`: whether Lambdas may do only what their roles allow; None: as the last time, at first not.
        """
        with self._lock():
            while not (addresses := self._start_missing(ports or Ports(), enforce_iam)):
                pass  # one that ran before ended meanwhile; there are two of them, so this ends
            return addresses

    def host(self, guest: Guest) -> str:
        """Let a process of somebody else's run beside what runs here, until `down`; where it will answer in a moment.

        LaptopFailure if its port is taken; AWS runs nevertheless.
        """
        with self._lock():
            return self._guests.host(guest, self.env()).address

    def down(self) -> list[str]:
        """Stop everything that runs; the names of what was stopped. The state stays."""
        with self._lock():
            return self._stop_all()

    def reset(self) -> list[str]:
        """Stop everything and delete the state of the home directory; nothing else in it."""
        with self._lock():
            stopped = self._stop_all()
            for path in [self.home / name for name in _STATE] + list(self.home.glob("sagemaker.sqlite*")):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            return stopped

    def status(self) -> list[Status]:
        """Every process: the two that were started, all that they started since, and guests."""
        record = self._read()
        if not record or not record.identities:
            return []
        own = [row for name in _HEALTH for row in self._status_of(name, record)]
        return own + [self._status_of_guest(hosted) for hosted in self._guests.all().values() if hosted.identity]

    def addresses(self) -> Addresses:
        """Where the running services answer. LaptopFailure if they don't run."""
        return self._require_running().addresses

    def env(self) -> dict[str, str]:
        """What a shell must export so that every AWS tool in it talks to this machine."""
        record = self._require_running()
        return for_tools(record.addresses, record.region, self.home, os.environ)

    def _start_missing(self, ports: Ports, enforce_iam: bool | None) -> Addresses | None:
        """Addresses once everything answers; None if a process that ran before is gone by then."""
        old = self._read()
        living = self._living(old)
        addresses = old.addresses if old and living else _choose(ports, old)
        region = old.region if old and living else self._region
        last = old.enforce_iam if old else False
        enforced = last if enforce_iam is None else enforce_iam
        if AWS in living and enforced != last:
            word = "" if last else "not "
            raise LaptopFailure(f"roles are {word}enforced by what runs already; stop it first: contender local down")
        missing = [name for name in _HEALTH if name not in living]
        for name in missing:
            for port_name in (SAGEMAKER, RUNTIME) if name == SAGEMAKER else (name,):
                require_free(port_name, port_of(getattr(addresses, port_name)), _FLAGS[port_name])
        started = {name: self._start(name, addresses, region, enforced) for name in missing}
        record = _Record(addresses, region, enforced, living | {name: each for name, each in started.items() if each})
        self._write(record)
        try:
            return addresses if self._wait_until_ready(record, started) else None
        except LaptopFailure:
            for identity in (each for each in started.values() if each):
                processes.stop(identity, _PATIENCE_S)
            self._write(_Record(addresses, region, enforced, living))
            raise

    def _status_of(self, name: str, record: _Record) -> Iterator[Status]:
        address = getattr(record.addresses, name)
        log = self._log(name)
        identity = record.identities.get(name)
        seen = processes.look(identity.pid) if identity and processes.alive(identity) else None
        if not identity or not seen:
            yield Status(name, identity.pid if identity else 0, "stopped", address, 0.0, str(log))
            return
        state = "running" if _answers(address + _HEALTH[name]) else "starting"
        roles = ("enforced" if record.enforce_iam else "not enforced") if name == AWS else ""
        yield Status(name, identity.pid, state, address, round(seen.memory_mb, 1), str(log), roles)
        for child in processes.descendants(identity.pid):
            label = _label(identity, name, child)
            where = record.addresses.runtime if label == RUNTIME else ""
            yield Status(label, child.identity.pid, "running", where, round(child.memory_mb, 1), str(log))

    def _status_of_guest(self, hosted: Hosted) -> Status:
        log, pid = str(self._guests.log(hosted.name)), hosted.identity.pid if hosted.identity else 0
        seen = processes.look(pid) if hosted.runs else None
        if not seen:
            return Status(hosted.name, pid, "stopped", hosted.address, 0.0, log)
        state = "running" if _answers(hosted.address + hosted.health) else "starting"
        return Status(hosted.name, pid, state, hosted.address, round(seen.memory_mb, 1), log)

    def _start(self, name: str, addresses: Addresses, region: str, enforce_iam: bool) -> Identity | None:
        if name == AWS:
            wiring = ["--sagemaker-url", addresses.sagemaker, "--runtime-url", addresses.runtime]
            wiring += ["--enforce-iam"] if enforce_iam else []
        else:
            wiring = ["--aws-url", addresses.aws, "--runtime-port", str(port_of(addresses.runtime))]
        command = [sys.executable, "-m", self._modules[name], "--home", str(self.home), "--region", region]
        command += ["--port", str(port_of(getattr(addresses, name))), *wiring]
        log = self._log(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        return processes.start_detached(
            command,
            log,
            environment=for_processes(os.environ),
            folder=_PACKAGE_ROOT,  # finds the package without a PYTHONPATH that jobs and Lambdas would inherit
        )

    def _wait_until_ready(self, record: _Record, started: Mapping[str, Identity | None]) -> bool:
        """True once all answer, False if one that was not started now has ended; LaptopFailure for all else."""
        deadline = time.monotonic() + _READY_S
        for name, path in _HEALTH.items():
            url = getattr(record.addresses, name) + path
            while not _answers(url):
                identity = record.identities.get(name)
                if not identity or not processes.alive(identity):
                    if name not in started:
                        return False
                    raise LaptopFailure(f"{name} stopped while starting: {_last_line(self._log(name))}")
                if time.monotonic() > deadline:
                    raise LaptopFailure(
                        f"{name} does not answer at {url} after {_READY_S:.0f} s; see {self._log(name)}, "
                        "or stop it with: contender local down"
                    )
                time.sleep(0.02)
        return True

    def _stop_all(self) -> list[str]:
        old = self._read()
        living = self._living(old)
        guests = self._guests.stop()
        for name in (SAGEMAKER, AWS):  # SageMaker first: what it says while stopping still needs S3
            if name in living:
                processes.stop(living[name], _PATIENCE_S)
        if old:
            self._write(_Record(old.addresses, old.region, old.enforce_iam, {}))
        return [*living, *guests]

    def _living(self, record: _Record | None) -> dict[str, Identity]:
        identities = record.identities if record else {}
        return {name: identity for name, identity in identities.items() if processes.alive(identity)}

    def _require_running(self) -> _Record:
        record = self._read()
        if not record or len(self._living(record)) < len(_HEALTH):
            raise LaptopFailure(f"AWS on this machine does not run ({self.home}); start it: contender local up")
        return record

    def _log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    def _read(self) -> _Record | None:
        try:
            stored: dict[str, Any] = json.loads(self._record_path.read_text())
            identities = {name: Identity(**identity) for name, identity in stored["processes"].items()}
            enforce_iam = bool(stored.get("enforce_iam", False))  # what older ones wrote does not say
            return _Record(Addresses(**stored["addresses"]), stored["region"], enforce_iam, identities)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LaptopFailure(f"{self._record_path} is not ours or is damaged: delete it") from error

    def _write(self, record: _Record) -> None:
        stored = {
            "addresses": asdict(record.addresses),
            "region": record.region,
            "enforce_iam": record.enforce_iam,
            "processes": {name: asdict(identity) for name, identity in record.identities.items()},
        }
        draft = self._record_path.with_suffix(".tmp")
        draft.write_text(json.dumps(stored, indent=2) + "\n")
        draft.replace(self._record_path)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One `up`, `down` or `reset` of a home at a time; the kernel frees the lock of a killed one."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            handle = (self.home / "launcher.lock").open("w")
        except OSError as error:
            raise LaptopFailure(
                f"{self.home} cannot be written ({error.strerror}); choose another home: --home or CONTENDER_HOME"
            ) from error
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _choose(ports: Ports, old: _Record | None) -> Addresses:
    """Addresses for these ports. The last ones are preferred: queue URLs and shells hold them."""
    spares = zip(_FIRST_PORTS.items(), processes.free_ports(len(_FIRST_PORTS)), strict=True)
    chosen = {
        name: choose(getattr(ports, name), port_of(getattr(old.addresses, name)) if old else 0, first, spare)
        for (name, first), spare in spares
    }
    return Addresses(**{name: f"http://127.0.0.1:{port}" for name, port in chosen.items()})


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5):
            return True
    except OSError:
        return False


def _label(owner: Identity, name: str, process: Seen) -> str:
    """What a descendant is. Jobs and models are forked from the warm process and keep its command line."""
    if name == AWS:
        return "lambda"
    if process.parent != owner.pid:
        return "worker"
    return next((label for part, label in _CHILDREN.items() if part in process.command), "child")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing") + f" ({log})"
