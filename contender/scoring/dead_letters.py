"""What could not be done, as messages that say why in their attribute Reason, and what to send for another try."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from contender.scoring.file import File

MAX_REASON = 1000


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead-letter queue."""

    sqs: Any
    url: str

    def send(self, body: str, reason: str) -> None:
        """`body` is what is to be sent to its queue again; for a refused file it tells where that file is."""
        printable = "".join(sign if sign.isprintable() else " " for sign in reason)[:MAX_REASON] or "no reason given"
        self.sqs.send_message(
            QueueUrl=self.url,
            MessageBody=body,
            MessageAttributes={"Reason": {"DataType": "String", "StringValue": printable}},
        )


def of_file(file: File, key: str) -> str:
    """The body about a file that was refused and stands under `key` now."""
    return json.dumps(
        {"refused": key, "bucket": file.source.bucket, "key": file.source.key, "upload": file.upload},
        separators=(",", ":"),
    )
