"""The whole of scoring over fakes: drop files, deliver messages in any way, and look at what came of it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from contender.naming import Names
from contender.scoring.dead_letters import DeadLetters
from contender.scoring.file import File
from contender.scoring.finishing import Finishing
from contender.scoring.intake import Intake, Limits
from contender.scoring.intake import Parts as IntakeParts
from contender.scoring.refusing import Refusing
from contender.scoring.rows import to_csv
from contender.scoring.score import Parts, Scoring
from contender.scoring.scorer import Scorers
from contender.scoring.store import Store
from tests.lambdas.fakes.client import Killed
from tests.scoring.fakes import BUCKET, Calls, FakeRuntime, FakeS3, FakeSageMaker, FakeSqs, FakeTable

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRIES = 3


class World:
    """Messages are delivered until none is left; one whose handling fails, or is killed, is delivered again."""

    def __init__(self, *, rows_per_message: int = 10, max_bytes: int = 1_000_000) -> None:
        self.calls = Calls()
        self.limits = Limits(rows_per_message, max_bytes)
        self.s3, self.sqs, self.table = FakeS3(self.calls), FakeSqs(self.calls), FakeTable(self.calls)
        self.runtime = FakeRuntime(self.calls)
        self.sagemaker = FakeSageMaker(self.calls, self.s3)
        self.store = Store(self.table, "predictions")
        self.outcomes: list[dict[str, Any]] = []
        self.has_time: Callable[[], bool] = lambda: True

    def drop(self, content: str | bytes, name: str = "march.csv", dimension: str = "D") -> dict[str, Any]:
        """Upload a file; the event of it, which is in the queue."""
        return self.drop_at(f"inference/{dimension}/{name}", content)

    def drop_at(self, key: str, content: str | bytes) -> dict[str, Any]:
        version = self.s3.put(BUCKET, key, content.encode() if isinstance(content, str) else content)
        detail = {"bucket": {"name": BUCKET}, "object": {"key": key, "version-id": version}}
        event = {"detail-type": "Object Created", "detail": detail}
        self.deliver(event)
        return event

    def deliver(self, event: dict[str, Any]) -> None:
        self.sqs.queues["files"].append({"Body": json.dumps(event), "receives": 0})

    def run(self, draw: random.Random | None = None) -> None:
        """Until the queues are empty. With `draw` messages come in any order, and some a second time."""
        for _ in range(10_000):
            waiting = [(name, place) for name in ("files", "rows") for place in range(len(self.sqs.queues[name]))]
            if not waiting:
                return
            name, place = draw.choice(waiting) if draw else waiting[0]
            self._deliver(name, place, again=bool(draw and draw.random() < 0.3))
        raise AssertionError("the queues never empty")

    def deliver_next(self, queue: str) -> None:
        """One message, once."""
        self._deliver(queue, 0, again=False)

    def _deliver(self, name: str, place: int, *, again: bool) -> None:
        message = self.sqs.queues[name][place]
        message["receives"] += 1
        try:
            if name == "files":
                outcome = self.intake().take(message["Body"])
            else:
                receives = message["receives"]
                outcome = self.scoring().score(
                    message["Body"],
                    delivered_before=receives > 1,
                    last_try=receives >= TRIES,
                    has_time=self.has_time,
                )
        except Killed:
            self.calls.kill_at = None
            return
        except Exception as error:
            self.outcomes.append({"outcome": "failed", "reason": str(error)})
            return
        self.outcomes.append(outcome)
        if not again and message in self.sqs.queues[name]:
            self.sqs.queues[name].remove(message)

    def file(self, name: str = "march.csv", dimension: str = "D") -> File:
        return self.store.files(dimension, name)[0]

    def report(self, file: File | None = None, folder: str = "processed") -> dict[str, Any]:
        file = file or self.file()
        found: dict[str, Any] = json.loads(
            self.s3.body(f"{folder}/{file.dimension}/{file.upload}/{file.file}.report.json")
        )
        return found

    def reasons(self) -> list[str]:
        return [each["MessageAttributes"]["Reason"]["StringValue"] for each in self.sqs.queues["dead"]]

    @property
    def dead_letters(self) -> DeadLetters:
        return DeadLetters(self.sqs, "dead")

    def intake(self) -> Intake:
        names = Names("contender")
        return Intake(
            IntakeParts(
                names=names,
                limits=self.limits,
                s3=self.s3,
                sqs=self.sqs,
                sagemaker=self.sagemaker,
                queue_url="rows",
                scorers=Scorers(self.sagemaker, self.s3, names),
                store=self.store,
                refusing=Refusing(self.s3, self.store, self.dead_letters),
                dead_letters=self.dead_letters,
                clock=lambda: NOW,
            )
        )

    def scoring(self) -> Scoring:
        names = Names("contender")
        scorers = Scorers(self.sagemaker, self.s3, names)
        finishing = Finishing(self.s3, self.store)
        return Scoring(
            Parts(
                names=names,
                s3=self.s3,
                runtime=self.runtime,
                scorers=scorers,
                store=self.store,
                finishing=finishing,
                dead_letters=self.dead_letters,
                send=lambda body: self.sqs.send_message(QueueUrl="rows", MessageBody=body),
                clock=lambda: NOW,
            )
        )


def rows(count: int) -> list[list[str]]:
    return [["yes" if number % 3 else "no", str(number * 7), f"555-{number}"] for number in range(count)]


def content(some: list[list[str]]) -> str:
    """A file of these rows, whose columns are in another order than the model's, beside a note over two lines."""
    return to_csv(
        [["Mins", "Note", "Plan", "Phone"], *([mins, "two\nlines", plan, phone] for plan, mins, phone in some)]
    )
