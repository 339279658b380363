"""Every name Contender gives to an AWS resource: made here, and read back here, exactly.

A name is parsed by taking the whole of it apart, never by looking for a part: dimension `SM-1` does not see what
belongs to `SM-10` or `SM-1-v2`. Reading from the right is unambiguous, because a project has no hyphen and the last
part of a model (`-v<version>`, `-c<digest>`) or endpoint config (`-<digest>`) is of a kind that is always there.
A stage stands between two hyphens and one: no dimension begins with a hyphen, so `contender--dev-SM-1` is none of the
last stage's.

    contender-SM-1               endpoint of dimension SM-1, and its model package group in every stage
    contender--dev-SM-1          its endpoint in stage dev; the last stage's names carry none
    contender--dev-SM-1-v3       SageMaker model of its version 3 there
    contender-SM-1-e2            the second experiment of the endpoint contender-SM-1
    contender-SM-1-v3            SageMaker model of its version 3
    contender-SM-1-c012345678    SageMaker model of an artifact that is being checked and may become a version
    contender-SM-1-0123abcdef    one of its endpoint configs
    contender-SM-1-data          the monitoring schedule that compares its traffic with a baseline
    contender-SM-1-quality-1     one that looks at its model's answers once, now
    SM-1-89abcdef                the display name of one of its pipeline executions
    contender-a1b2c3d4e5f6       the trial component of an execution
    v3                           the variant of version 3
    data/SM-1/march.csv          an uploaded file
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from contender.errors import NamingError

MAX_DIMENSION = 40
MAX_ENDPOINT = 52
"""SageMaker allows 63 characters; an endpoint config adds a hyphen and a digest of ten."""
MAX_FILE = 100
METRICS = "Contender"
"""The namespace of our own metrics in CloudWatch, of every project in an account."""

_PROJECT = re.compile(r"[a-z][a-z0-9]{0,19}")
_STAGE = re.compile(r"[a-z][a-z0-9]{0,9}")
_DIMENSION = re.compile(r"[A-Za-z0-9](?:-*[A-Za-z0-9])*")
_VERSION = re.compile(r"v([1-9][0-9]{0,8})")
_TOKEN = re.compile(r"[0-9a-f]{8}")
_DIGEST = re.compile(r"[0-9a-f]{10}")
_CANDIDATE = re.compile(r"c[0-9a-f]{9}")
_RECORDABLE_FILE = re.compile(rf"[\w .=+@-]{{1,{MAX_FILE}}}")
"""The URI becomes a customer metadata property of the version, which allows these characters and 256 in all."""
_SCHEDULE = re.compile(r"(.+)-(data|quality)(-1)?")
_PACKAGE_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{12}:model-package/([^/]+)/([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class ObjectKey:
    """An uploaded file, by its place: `<prefix><dimension>/<file>.csv`."""

    dimension: str
    file: str


@dataclass(frozen=True, slots=True)
class Place:
    """What an endpoint is named after; the last stage is ""."""

    stage: str
    dimension: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a monitoring schedule is named after: an endpoint, what is compared, and whether once or again and again."""

    endpoint: str
    kind: Literal["data", "quality"]
    once: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one project, and of what one of its stages serves; the last stage is ""."""

    project: str
    stage: str = ""

    def __post_init__(self) -> None:
        if not _PROJECT.fullmatch(self.project):
            raise NamingError(
                f"project {self.project!r} cannot be a name: use 1 to 20 lower-case letters and digits, a letter first"
            )
        if self.stage and not is_stage(self.stage):
            raise NamingError(
                f"stage {self.stage!r} cannot be a name: use 1 to 10 lower-case letters and digits, a letter first"
            )

    def at(self, stage: str) -> Names:
        """The same project's names in another stage."""
        return Names(self.project, stage)

    @property
    def pipeline(self) -> str:
        return self.project

    @property
    def warm_pipeline(self) -> str:
        """The same pipeline for a search that continues another one, see `contender/warm_start.py`."""
        return f"{self.project}-warm"

    @property
    def training_pipelines(self) -> tuple[str, ...]:
        """The pipelines that make versions; a dimension runs in one of them at a time."""
        return (self.pipeline, self.warm_pipeline)

    @property
    def batch_pipeline(self) -> str:
        """The pipeline that scores files, beside the one that trains."""
        return f"{self.project}-batch"

    @property
    def pipelines(self) -> tuple[str, ...]:
        """All pipelines of the project, the one that trains first; only that one is always there."""
        return (*self.training_pipelines, self.batch_pipeline)

    def stack(self, kind: str) -> str:
        """Name of a CloudFormation stack: `core`, `experiments`…, as `contender/stacks.py` lists them."""
        return f"{self.project}-{kind}"

    def table(self, kind: str) -> str:
        """Name of a DynamoDB table: `rollouts`, `experiments` or `events`."""
        return f"{self.project}-{kind}"

    def function(self, role: str) -> str:
        return f"{self.project}-{role}"

    def bucket(self, kind: str, account: str, region: str) -> str:
        return f"{self.project}-{kind}-{account}-{region}"

    def endpoint(self, dimension: str) -> str:
        """Name of a dimension's endpoint in this stage.

        AWS compares endpoint names without case, so two dimensions of one project must differ in more than case.
        """
        prefix = f"{self.project}--{self.stage}-" if self.stage else f"{self.project}-"
        name = f"{prefix}{checked_dimension(dimension)}"
        if len(name) > MAX_ENDPOINT:
            stage = f" in stage {self.stage!r}" if self.stage else ""
            raise NamingError(
                f"dimension {dimension!r} is too long for project {self.project!r}{stage}: "
                f"use at most {MAX_ENDPOINT - len(prefix)} characters"
            )
        return name

    def group(self, dimension: str) -> str:
        """Name of a dimension's model package group, which all stages share."""
        return self.at("").endpoint(dimension)

    def model(self, dimension: str, version: int) -> str:
        return f"{self.endpoint(dimension)}-{variant_name(version)}"

    def candidate(self, dimension: str, content: Iterable[str]) -> str:
        """Name of the model with this content, before it is a version's: the same content, the same name."""
        return f"{self.group(dimension)}-c{_digest(content)[:9]}"

    def config(self, dimension: str, content: Iterable[str]) -> str:
        """Name of the endpoint config with this content: the same content, the same name."""
        return f"{self.endpoint(dimension)}-{_digest(content)[:10]}"

    def schedule(self, endpoint: str, kind: Literal["data", "quality"], *, once: bool = False) -> str:
        """Name of an endpoint's monitoring schedule, which AWS lets have 63 characters."""
        return f"{endpoint}-{kind}-1" if once else f"{endpoint}-{kind}"

    def job_definition(self, endpoint: str, content: Iterable[str]) -> str:
        """Name of what a schedule runs, with this content: the same content, the same name."""
        return f"{endpoint}-{_digest(content)[:10]}"

    def execution(self, dimension: str, token: str) -> str:
        """Display name of an execution; `token` is hexadecimal."""
        return f"{checked_dimension(dimension)}-{token[:8]}"

    def component(self, execution_id: str) -> str:
        """Name of the trial component that holds what came of an execution."""
        return f"{self.project}-{execution_id}"

    def experiment(self, dimension: str, number: int) -> str:
        """Id of the experiment with this number on the dimension's endpoint."""
        return f"{self.endpoint(dimension)}-e{number}"

    def place_of(self, endpoint: str) -> Place | None:
        """The stage and dimension an endpoint is named after, or None for one that is not this project's."""
        project, hyphen, rest = endpoint.partition("-")
        if project != self.project or not hyphen or len(endpoint) > MAX_ENDPOINT:
            return None
        stage = ""
        if rest.startswith("-"):
            stage, _, rest = rest[1:].partition("-")
            if not is_stage(stage):
                return None
        return Place(stage, rest) if is_dimension(rest) else None

    def dimension_of(self, endpoint: str) -> str | None:
        """The dimension an endpoint of this stage belongs to, or None for one that is not of this project and stage."""
        place = self.place_of(endpoint)
        return place.dimension if place is not None and place.stage == self.stage else None

    def dimension_of_group(self, group: str) -> str | None:
        """The dimension a model package group belongs to, or None for one that is not this project's."""
        return self.at("").dimension_of(group)

    def endpoint_of_model(self, model: str) -> str | None:
        """The endpoint a SageMaker model was made for, in whichever stage; None if it is no version's of ours."""
        endpoint, _, last = model.rpartition("-")
        return endpoint if parse_variant(last) is not None and self.place_of(endpoint) is not None else None

    def endpoint_of_config(self, config: str) -> str | None:
        """The endpoint a config was made for, in whichever stage; None if it is not this project's."""
        endpoint, _, last = config.rpartition("-")
        return endpoint if _DIGEST.fullmatch(last) and self.place_of(endpoint) is not None else None

    def endpoint_of_job_definition(self, name: str) -> str | None:
        """The endpoint a schedule's job definition was made for; None if it is not this project's."""
        return self.endpoint_of_config(name)

    def schedule_of(self, name: str) -> Schedule | None:
        """What a monitoring schedule of this project watches, in whichever stage; None for somebody else's."""
        match = _SCHEDULE.fullmatch(name)
        if match is None or self.place_of(match[1]) is None:
            return None
        return Schedule(match[1], "data" if match[2] == "data" else "quality", once=match[3] is not None)

    def dimension_of_candidate(self, model: str) -> str | None:
        """The dimension whose candidate this SageMaker model is, or None if it is no candidate of this project."""
        group, _, last = model.rpartition("-")
        return self.dimension_of_group(group) if _CANDIDATE.fullmatch(last) else None

    def version_of_package(self, dimension: str, arn: str) -> int:
        """The version a model package ARN names; NamingError when it is not one of this dimension's."""
        group = self.group(dimension)
        match = _PACKAGE_ARN.fullmatch(arn)
        if match is None or match[1] != group:
            raise NamingError(f"model package {arn!r} is no version of group {group!r}: pass one of that group")
        return int(match[2])

    def package_of(self, arn: str) -> tuple[str, int]:
        """The dimension and version a model package ARN names; NamingError when it is none of this project's."""
        match = _PACKAGE_ARN.fullmatch(arn)
        dimension = self.dimension_of_group(match[1]) if match else None
        if match is None or dimension is None:
            raise NamingError(f"model package {arn!r} is none of project {self.project!r}: pass one of its groups'")
        return dimension, int(match[2])


def _digest(content: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(content).encode()).hexdigest()


def dimension_of_execution(execution: Mapping[str, Any]) -> str | None:
    """The dimension that an execution is of, by its display name; None for one that somebody else named."""
    dimension, _, token = execution.get("PipelineExecutionDisplayName", "").rpartition("-")
    return dimension if is_dimension(dimension) and _TOKEN.fullmatch(token) else None


def is_stage(text: str) -> bool:
    return _STAGE.fullmatch(text) is not None


def is_dimension(text: str) -> bool:
    return len(text) <= MAX_DIMENSION and _DIMENSION.fullmatch(text) is not None


def checked_dimension(text: str) -> str:
    """The dimension itself, or NamingError."""
    if not is_dimension(text):
        raise NamingError(
            f"dimension {text!r} cannot be a name: use 1 to {MAX_DIMENSION} letters, digits and inner hyphens"
        )
    return text


def variant_name(version: int) -> str:
    return f"v{version}"


def parse_variant(name: str) -> int | None:
    match = _VERSION.fullmatch(name)
    return int(match[1]) if match else None


def object_key(prefix: str, dimension: str, file: str) -> str:
    """Key of an uploaded file; NamingError when reading it back would be refused."""
    key = f"{prefix}{dimension}/{file}"
    parse_object_key(prefix, key)
    return key


def parse_object_key(prefix: str, key: str) -> ObjectKey:
    """Take `<prefix><dimension>/<file>.csv` apart; NamingError says what is wrong with any other key."""
    shape = f"{prefix}<dimension>/<file>.csv"
    if not key.startswith(prefix):
        raise NamingError(f"key {key!r} is not under {prefix!r}: upload to {shape}")
    parts = key.removeprefix(prefix).split("/")
    if len(parts) != 2:
        raise NamingError(f"key {key!r} is not of the form {shape}: one folder per dimension, files directly in it")
    dimension, file = parts
    if not file.endswith(".csv") or file == ".csv":
        raise NamingError(f"key {key!r} names no .csv file: upload to {shape}")
    if not _RECORDABLE_FILE.fullmatch(file):
        raise NamingError(
            f"file {file!r} cannot be recorded with a version: "
            f"use up to {MAX_FILE} letters, digits, spaces and . _ - = + @"
        )
    return ObjectKey(checked_dimension(dimension), file)
