"""The main job from end to end, as a person would do it: upload, wait for who serves, upload again, send traffic.

Everything goes through the product's own ways: an upload to S3 starts the pipeline, the Lambdas roll the versions out.
This module only uploads, watches the registry and sends requests; it knows no shortcut.
"""

from __future__ import annotations

import csv
import io
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contender import endpoints, evaluation, registry
from contender.config import Settings
from contender.errors import DataError, DeploymentError
from contender.executions.listing import recent
from contender.naming import Names, checked_dimension, dimension_of_execution, object_key, variant_name
from contender.registry import Role, Status, Version

FIRST_SHARE_OF_ROWS = 0.8
POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class Uploads:
    """What a dimension gets first and what it gets second: file name and bytes each."""

    first: tuple[str, bytes]
    second: tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A dimension at the end. Shares are by variant name; an AUC is on held-out rows of the version's own execution."""

    dimension: str
    champion: str
    champion_auc: float
    challenger: str
    challenger_auc: float
    asked: Mapping[str, float]
    observed: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Served:
    """What came of an upload, by dimension: the version that serves, or why none does."""

    versions: Mapping[str, Version]
    failures: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Before:
    """What was there before an upload: each dimension's highest version number, and the ARN of the latest execution.

    0 and "" stand for none.
    """

    numbers: Mapping[str, int]
    execution: str


@dataclass(slots=True)
class Demo:
    """Plays the story against the clients it is given. `say` gets one line per event."""

    settings: Settings
    bucket: str
    sagemaker: Any
    runtime: Any
    s3: Any
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    names: Names = field(init=False)

    def __post_init__(self) -> None:
        self.names = Names(self.settings.project)

    def upload(self, files: Mapping[str, tuple[str, bytes]]) -> None:
        for dimension, (name, body) in files.items():
            key = object_key(self.settings.data.prefix, dimension, name)
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def before(self, dimensions: Sequence[str]) -> Before:
        numbers = {name: max((version.number for version in self._versions(name)), default=0) for name in dimensions}
        latest = next(self._executions(), {"PipelineExecutionArn": ""})
        return Before(numbers, latest["PipelineExecutionArn"])

    def serve_newer(self, dimensions: Sequence[str], before: Before, timeout_s: float) -> Served:
        """Wait until each dimension has a version in service that was not there `before`, or has failed to get one.

        One that fails does not end the wait for the others. After `timeout_s` those that are late have failed.
        """
        began = self.clock()
        versions: dict[str, Version] = {}
        failures: dict[str, str] = {}
        while True:
            for dimension in dimensions:
                if dimension not in versions and (version := self._newest(dimension, before.numbers[dimension])):
                    versions[dimension] = version
                    took = self.clock() - began
                    self.say(f"{dimension}: v{version.number} serves as {version.role.lower()} after {took:.1f} s")
            waiting = [each for each in dimensions if each not in versions and each not in failures]
            for dimension, reason in self._failures(waiting, before).items():
                failures[dimension] = reason
                self.say(f"{dimension}: {reason}")
            waiting = [each for each in waiting if each not in failures]
            if waiting and self.clock() - began > timeout_s:
                late = f"no new version serves after {timeout_s:.0f} s; see `contender pipeline watch`"
                failures |= dict.fromkeys(waiting, late)
                waiting = []
            if not waiting:
                return Served(versions, failures)
            self.sleep(POLL_S)

    def invoke(self, dimension: str, rows: Sequence[str], count: int) -> Counter[str]:
        """Send `count` single raw rows without naming a variant; how often each variant answered."""
        answered: Counter[str] = Counter()
        for index in range(count):
            answer = self.runtime.invoke_endpoint(
                EndpointName=self.names.endpoint(dimension),
                ContentType="text/csv",
                Accept="text/csv",
                Body=rows[index % len(rows)],
            )
            probability = float(answer["Body"].read())
            if not 0 <= probability <= 1:
                raise DeploymentError(f"{dimension}: {probability} is no probability")
            answered[answer["InvokedProductionVariant"]] += 1
        return answered

    def outcome(self, dimension: str, answered: Counter[str]) -> Outcome:
        versions = self._versions(dimension)
        serving = endpoints.read(self.sagemaker, self.names.endpoint(dimension))
        champion = registry.champion(versions)
        challengers = [v for v in versions if v.role is Role.CHALLENGER and v.status is Status.IN_SERVICE]
        if serving is None or champion is None or not challengers:
            raise DeploymentError(f"{dimension}: a champion and a challenger should serve, see `contender models list`")
        challenger = challengers[-1]
        total = answered.total()
        return Outcome(
            dimension=dimension,
            champion=variant_name(champion.number),
            champion_auc=self._auc(champion),
            challenger=variant_name(challenger.number),
            challenger_auc=self._auc(challenger),
            asked={variant_name(number): share for number, share in serving.live_shares().items()},
            observed={slot.variant: answered[slot.variant] / total for slot in serving.slots},
        )

    def _executions(self) -> Iterator[Mapping[str, Any]]:
        return recent(self.sagemaker, self.names.training_pipelines)

    def _versions(self, dimension: str) -> tuple[Version, ...]:
        return registry.list_versions(self.sagemaker, self.names.group(dimension))

    def _newest(self, dimension: str, than: int) -> Version | None:
        newer = (version for version in self._versions(dimension) if version.number > than)
        return next((version for version in newer if version.status is Status.IN_SERVICE), None)

    def _failures(self, waiting: Sequence[str], before: Before) -> dict[str, str]:
        """Those of `waiting` whose execution failed, or whose version was not rolled out, and why."""
        newest: dict[str | None, Mapping[str, Any]] = {}
        for summary in self._executions():
            if summary["PipelineExecutionArn"] == before.execution:
                break
            newest.setdefault(dimension_of_execution(summary), summary)
        failures = {}
        for dimension in waiting:
            execution = newest.get(dimension, {})
            if execution.get("PipelineExecutionStatus") in ("Failed", "Stopped"):
                described = self.sagemaker.describe_pipeline_execution(
                    PipelineExecutionArn=execution["PipelineExecutionArn"]
                )
                failures[dimension] = f"the pipeline failed: {described.get('FailureReason', 'no reason')}"
            for version in self._versions(dimension):
                if version.number > before.numbers[dimension] and version.status is Status.FAILED:
                    failures[dimension] = f"v{version.number} was not rolled out: {version.reason}"
        return failures

    def _auc(self, version: Version) -> float:
        package = self.sagemaker.describe_model_package(ModelPackageName=version.arn)
        measured = evaluation.metrics(evaluation.read(self.s3, package))
        if "auc" not in measured:
            raise DeploymentError(f"version {version.arn} was registered without an evaluation report")
        return measured["auc"]


def uploads_from(folder: Path) -> dict[str, Uploads]:
    """Two uploads for each `<dimension>/*.csv` in `folder`.

    With two files or more, the first two are the uploads. With one, its first 80 % of rows come first, and then all of
    them: more data of the same customers. Raises DataError where there is nothing to upload.
    """
    found = {}
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = sorted(place.glob("*.csv"))
        if not files:
            continue
        checked_dimension(place.name)
        if len(files) > 1:
            first, second = ((path.name, path.read_bytes()) for path in files[:2])
        else:
            whole = files[0].read_bytes()
            first, second = (f"first-{files[0].name}", _head(whole)), (f"second-{files[0].name}", whole)
        found[place.name] = Uploads(first, second)
    if not found:
        raise DataError(f"{folder} holds no <dimension>/*.csv: one folder per dimension, CSV files directly in it")
    return found


def raw_rows(body: bytes, label: str, count: int) -> list[str]:
    """The first rows of a CSV file without the label, as an application would send them. DataError names what lacks."""
    reader = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    header = next(reader, [])
    if label not in header:
        raise DataError(f"the file has no column {label!r}: name the label in contender.yaml (data.label)")
    skip = header.index(label)
    rows = []
    for _, row in zip(range(count), reader, strict=False):
        line = io.StringIO()
        # Python 3.11 quotes a line break within a value only if it is also what ends a line.
        csv.writer(line, lineterminator="\r\n").writerow(row[:skip] + row[skip + 1 :])
        rows.append(line.getvalue().removesuffix("\r\n"))
    return rows


def _head(body: bytes) -> bytes:
    """The header and the first rows. What is no CSV stays whole: the pipeline says what is wrong with it."""
    reader = csv.reader(io.StringIO(body.decode("latin-1"), newline=""))  # cuts between bytes of any encoding
    try:
        ends = [reader.line_num for _ in reader]
    except csv.Error:
        return body
    if not ends:
        return body
    last = math.ceil((len(ends) - 1) * FIRST_SHARE_OF_ROWS)
    return b"".join(body.splitlines(keepends=True)[: ends[last]])
