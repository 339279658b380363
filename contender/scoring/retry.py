"""Another try for what is in the dead-letter queue.

Rows that failed are sent to the queue of rows again, and files whose message nobody could handle to the queue of files;
a refused file is moved back to where it was dropped. A message goes when that is done: ended in between, the command
does it once more, and rows are scored once all the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from contender.errors import DataError
from contender.scoring.chunk import Chunk
from contender.scoring.source import Source, copy
from contender.scoring.upload import INBOX, parse_event

HOLD_S = 300
"""How long a message is nobody else's while it is looked at."""
ASK_ALL_S = 1
"""Without waiting SQS asks some of its servers only, and may find nothing in a queue that holds a few messages."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message of the dead-letter queue. `kind`: rows, event, file, or unknown for what no retry could help."""

    kind: str
    what: str
    reason: str
    body: str
    receipt: str


@dataclass(frozen=True, slots=True)
class Retry:
    s3: Any
    sqs: Any
    rows_url: str
    files_url: str
    dead_url: str

    def letters(self) -> list[Letter]:
        """Everything that is in the queue now. Each must be retried or put back."""
        found: dict[str, Letter] = {}
        while messages := self.sqs.receive_message(
            QueueUrl=self.dead_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=HOLD_S,
            WaitTimeSeconds=ASK_ALL_S,
            MessageAttributeNames=["Reason"],
        ).get("Messages", []):
            found.update((message["MessageId"], _letter(message)) for message in messages)
        return list(found.values())

    def retry(self, letter: Letter) -> bool:
        """Try it again, and take it out of the queue; False for one that stays there."""
        if letter.kind == "rows":
            self.sqs.send_message(QueueUrl=self.rows_url, MessageBody=letter.body)
        elif letter.kind == "event":
            self.sqs.send_message(QueueUrl=self.files_url, MessageBody=letter.body)
        elif letter.kind == "file":
            self._move_back(json.loads(letter.body))
        else:
            self.put_back(letter)
            return False
        self.sqs.delete_message(QueueUrl=self.dead_url, ReceiptHandle=letter.receipt)
        return True

    def put_back(self, letter: Letter) -> None:
        self.sqs.change_message_visibility(QueueUrl=self.dead_url, ReceiptHandle=letter.receipt, VisibilityTimeout=0)

    def _move_back(self, told: Mapping[str, str]) -> None:
        refused = Source(told["bucket"], told["refused"])
        if copy(self.s3, refused, Source(told["bucket"], told["key"])):
            self.s3.delete_object(**refused.request)


def _letter(message: Mapping[str, Any]) -> Letter:
    body = message["Body"]
    kind, what = _kind(body)
    reason = message.get("MessageAttributes", {}).get("Reason", {}).get("StringValue", "tried too often")
    return Letter(kind, what, reason, body, message["ReceiptHandle"])


def _kind(body: str) -> tuple[str, str]:
    """What a message is, and what it is about."""
    with suppress(DataError):
        chunk = Chunk.from_body(body)
        return "rows", f"{len(chunk.places)} rows of {chunk.dimension}/{chunk.file}"
    with suppress(DataError):
        return "event", str(parse_event(body).get("detail-type", ""))
    with suppress(ValueError, KeyError, TypeError):
        told = json.loads(body)
        if str(told["key"]).startswith(INBOX) and told["bucket"] and told["refused"]:
            return "file", str(told["key"])
    return "unknown", body[:60]
