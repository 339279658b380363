"""SQS in memory."""

from __future__ import annotations

from typing import Any

from tests.lambdas.fakes.client import Fake, operation


class FakeSqs(Fake):
    service = "sqs"

    @operation
    def send_message(self, **request: Any) -> dict[str, Any]:
        return {"MessageId": str(len(self.calls))}

    def sent_to(self, queue: str) -> list[dict[str, Any]]:
        return [request for request in self.made("SendMessage") if request["QueueUrl"] == queue]
