"""When a message that failed comes back: later with every try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_DELAY_S = 900


@dataclass(frozen=True, slots=True)
class ComingBack:
    """A queue's messages wait `delay_s` before their second try, and twice as long before each that follows."""

    sqs: Any
    queue_url: str
    delay_s: int

    def put_off(self, record: Mapping[str, Any]) -> int:
        """Let a message come back in its time; the seconds until then."""
        delay_s = int(min(LONGEST_DELAY_S, self.delay_s * 2 ** (tries(record) - 1)))
        self.at(record, delay_s)
        return delay_s

    def at(self, record: Mapping[str, Any], delay_s: int) -> None:
        self.sqs.change_message_visibility(
            QueueUrl=self.queue_url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=delay_s
        )


def tries(record: Mapping[str, Any]) -> int:
    """How often the message has been delivered, this time included."""
    return int(record["attributes"]["ApproximateReceiveCount"])
