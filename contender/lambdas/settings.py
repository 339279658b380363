"""What the stack tells each Lambda function through its environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

from contender.errors import SettingsError
from contender.naming import Names

T = TypeVar("T", int, float)

MAX_DELAY_S = 900


@dataclass(frozen=True, slots=True)
class StarterSettings:
    """Where uploads arrive, wait and end up."""

    names: Names
    data_prefix: str
    queue_url: str
    dead_letter_queue_url: str
    lock_table: str
    retry_delay_s: int

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        return cls(
            names=names_from_environ(environ),
            data_prefix=read(environ, "DATA_PREFIX"),
            queue_url=read(environ, "QUEUE_URL"),
            dead_letter_queue_url=read(environ, "DEAD_LETTER_QUEUE_URL"),
            lock_table=read(environ, "LOCK_TABLE"),
            retry_delay_s=between(environ, "RETRY_DELAY_SECONDS", int, 0, MAX_DELAY_S),
        )


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The role that models run with."""

    names: Names
    model_role_arn: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        return cls(names_from_environ(environ), read(environ, "MODEL_ROLE_ARN"))


@dataclass(frozen=True, slots=True)
class RolloutSettings:
    """What a tick needs beside each stage's spec: the role that models run with, and where things are kept.

    `experiments`: whether there is a table of experiments. `artifact_bucket` takes what endpoints capture.
    `autoscaling`: whether variants are scaled, by the watcher.
    """

    names: Names
    model_role_arn: str
    artifact_bucket: str
    experiments: bool
    autoscaling: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        return cls(
            names=names_from_environ(environ),
            model_role_arn=read(environ, "MODEL_ROLE_ARN"),
            artifact_bucket=read(environ, "ARTIFACT_BUCKET"),
            experiments=read(environ, "EXPERIMENTS") == "on",
            autoscaling=read(environ, "AUTOSCALING") == "on",
        )


def names_from_environ(environ: Mapping[str, str]) -> Names:
    return Names(read(environ, "PROJECT"))


def read(environ: Mapping[str, str], name: str) -> str:
    """A variable of the environment; SettingsError where it is missing or empty."""
    if text := environ.get(name):
        return text
    raise SettingsError(f"environment variable {name} is not set: deploy the stack again")


def between(environ: Mapping[str, str], name: str, kind: Callable[[str], T], low: T, high: T) -> T:
    text = read(environ, name)
    try:
        value = kind(text)
    except ValueError as error:
        raise SettingsError(f"environment variable {name} is {text!r}: it must be a number") from error
    if not low <= value <= high:
        raise SettingsError(f"environment variable {name} is {value}: it must be between {low} and {high}")
    return value
