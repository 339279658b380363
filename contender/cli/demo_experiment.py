"""`contender demo --experiment`: three challengers and the truth about them, played, told and reported."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contender.aws import client
from contender.cli.demo_laptop import Stopwatch, set_up
from contender.cli.output import emit, emit_rows, note
from contender.config import Settings
from contender.demo.challenges import Challenge, Truth, challenges
from contender.demo.experiment import Ending, ExperimentDemo
from contender.demo.main_job import Demo
from contender.demo.traffic import Api, Pace, Traffic
from contender.errors import DeploymentError
from contender.naming import Names, variant_name
from contender.report.page import render
from contender.report.records import Outcome, Reader
from contender.report.sources import EventFiles, record
from contender.rollout.ledger import Ledger

PACE = Pace(workers=4, requests_per_s=45, reward_after_s=(0.5, 2.5))
CUSTOMERS = 4000
PATIENCE_S = 130.0
EVENTS_S = 20.0
"""How long the last events may take to arrive in S3."""


def play(
    settings: Settings,
    *,
    rows: int,
    seed: int,
    report: Path,
    as_json: bool,
    until: Collection[Truth] = frozenset(Truth),
) -> None:
    """Play it against the AWS of the environment, until these challengers' rollouts have ended.

    DeploymentError where an outcome or an answer is wrong.
    """
    clock = Stopwatch()
    stories = challenges(rows, CUSTOMERS, seed)
    outputs = set_up(settings, clock)
    demo = _demo(settings, outputs, stories)
    note(f"first upload: {', '.join(each.dimension for each in stories)}")
    demo.serve_champions()
    clock.lap("first_upload")
    with demo.traffic(PACE, seed) as traffic:
        note(f"customers ask {PACE.requests_per_s:g} times a second; second upload")
        demo.challenge()
        clock.lap("second_upload")
        endings = demo.watch(PATIENCE_S, until)
        clock.lap("rollouts")
    reader = _events(client("s3", settings.region), outputs["EventBucket"], len(traffic.answers))
    _write_report(report, settings, demo, endings, traffic, reader)
    clock.lap("report")
    _tell(endings, traffic, reader, clock.laps, report, as_json=as_json)
    _check(endings, traffic)


def _demo(settings: Settings, outputs: Mapping[str, str], stories: Sequence[Challenge]) -> ExperimentDemo:
    region = settings.region
    runtime, s3 = client("sagemaker-runtime", region), client("s3", region)
    key = client("apigateway", region).get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)["value"]
    return ExperimentDemo(
        settings,
        Demo(settings, outputs["DataBucket"], client("sagemaker", region), runtime, s3, note),
        Ledger(client("dynamodb", region), Names(settings.project).table("rollouts")),
        client("lambda", region),
        Api(outputs["ApiUrl"], key),
        stories,
        note,
    )


def _write_report(
    report: Path,
    settings: Settings,
    demo: ExperimentDemo,
    endings: Sequence[Ending],
    traffic: Traffic,
    reader: Reader,
) -> None:
    """The report, of the events that the API has told and of the decisions in the ledger."""
    outcomes = {answer.inference_id: Outcome(answer.score, answer.leaves) for answer in traffic.answers}
    spec = demo.ledger.stage_spec("")
    records = []
    for ending in endings:
        endpoint = demo.names.endpoint(ending.challenge.dimension)
        records.append(
            record(
                ending.challenge.dimension,
                ending.champion,
                ending.track,
                list(demo.ledger.entries(endpoint)),
                spec,
                reader.requests(endpoint, outcomes),
                about=f"What is true: {ending.challenge.story}, so it is {ending.challenge.truth}.",
            )
        )
    page = render(
        f"Rollouts of {settings.project}",
        f"Simulated customers, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. A reward is a right answer about a customer.",
        records,
    )
    report.write_text(page, encoding="utf-8")


def _events(s3: Any, bucket: str, expected: int) -> Reader:
    """What was told of at least so many requests, or of all that arrived in time."""
    give_up = time.monotonic() + EVENTS_S
    files, reader = EventFiles(s3, bucket), Reader()
    while True:
        reader.add(files.unread())
        if reader.invocations >= expected or time.monotonic() > give_up:
            return reader
        time.sleep(1.0)


def _tell(
    endings: Sequence[Ending],
    traffic: Traffic,
    reader: Reader,
    seconds: Mapping[str, float],
    report: Path,
    *,
    as_json: bool,
) -> None:
    rows = [
        {
            "dimension": ending.challenge.dimension,
            "truth": ending.challenge.truth.value,
            "champion": variant_name(ending.champion),
            "challenger": variant_name(ending.track.version),
            "ended": ending.track.phase.value,
            "expected": ending.expected,
            "seconds": ending.seconds and round(ending.seconds, 1),
            "reason": ending.track.reason,
        }
        for ending in endings
    ]
    if as_json:
        emit(
            {
                "dimensions": rows,
                "requests": len(traffic.answers),
                "rewards": len(traffic.rewarded),
                "reported": reader.invocations,
                "failed": len(traffic.failures),
                "failures": traffic.failures[:10],
                "seconds": dict(seconds),
                "report": str(report.resolve()),
            }
        )
        return
    asked = f"{len(traffic.answers):,} requests, {len(traffic.rewarded):,} rewards, {len(traffic.failures)} failed"
    columns = ("dimension", "truth", "champion", "challenger", "ended", "seconds", "reason")
    emit_rows(rows, columns, as_json=False, title=asked)
    note(f"everything: {sum(seconds.values()):.0f} s; report: {report.resolve()}")


def _check(endings: Sequence[Ending], traffic: Traffic) -> None:
    if traffic.failures:
        raise DeploymentError(f"{len(traffic.failures)} requests failed, the first: {traffic.failures[0]}")
    for ending in endings:
        if not ending.expected:
            challenge, phase = ending.challenge, ending.track.phase
            raise DeploymentError(f"{challenge.dimension}: the challenger is {challenge.truth} and ended {phase}")
