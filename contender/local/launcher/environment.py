"""Environment variables: what a user's shell needs to reach this machine, and what our processes must not inherit."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base URLs of the services."""

    aws: str
    sagemaker: str
    runtime: str


def for_tools(addresses: Addresses, region: str, home: Path, shell: Mapping[str, str]) -> dict[str, str]:
    """What a shell must export so that every AWS tool in it talks to this machine."""
    return {
        "AWS_ENDPOINT_URL": addresses.aws,
        "AWS_ENDPOINT_URL_SAGEMAKER": addresses.sagemaker,
        "AWS_ENDPOINT_URL_SAGEMAKER_METRICS": addresses.sagemaker,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": addresses.runtime,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAGEMAKER_VALIDATE_ROLE": "false",
        **_no_proxy(shell),
        "CONTENDER_HOME": str(home),
        "CONTENDER_STACK_PARAMETERS": ",".join(_stack_parameters(addresses)),
    }


def _stack_parameters(addresses: Addresses) -> tuple[str, ...]:
    """Here waiting is dear, and API Gateway has another address."""
    return (
        *("RetryDelaySeconds=1", "SweepRate=rate(1 minute)", "EventDelaySeconds=1", "WatchRate=rate(1 minute)"),
        f"ApiBase={addresses.aws}/_aws/execute-api",
    )


def exports(env: Mapping[str, str], shell: Mapping[str, str]) -> str:
    """Lines for a POSIX shell: `env` set, and every AWS setting of that shell that would overrule it unset."""
    overruling = sorted(
        name
        for name in shell
        if name not in env and (name.startswith("AWS_ENDPOINT_URL_") or name in {"AWS_PROFILE", "AWS_SESSION_TOKEN"})
    )
    lines = [f"unset {' '.join(overruling)}"] if overruling else []
    return "\n".join(lines + [f"export {name}={shlex.quote(value)}" for name, value in env.items()])


def for_processes(caller: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without its AWS settings: an AWS_ENDPOINT_URL there is not meant for us."""
    kept = {name: value for name, value in caller.items() if not name.startswith(("AWS_", "SAGEMAKER_"))}
    return kept | _no_proxy(caller) | {"PYTHONUNBUFFERED": "1"}


def _no_proxy(caller: Mapping[str, str]) -> dict[str, str]:
    """The caller's exceptions from its proxy and this machine, under both names: tools differ in which they read."""
    named = [each for each in caller.get("no_proxy", caller.get("NO_PROXY", "")).split(",") if each]
    exceptions = ",".join(dict.fromkeys([*named, "127.0.0.1", "localhost"]))
    return {"NO_PROXY": exceptions, "no_proxy": exceptions}
