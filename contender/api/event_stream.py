"""Where the API's events go: one line each into Firehose, and into the log when that does not take it."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contender.api.call import Line


class EventStream:
    """Writes with a Firehose client, which it is given."""

    def __init__(self, firehose: Any, name: str) -> None:
        self._firehose = firehose
        self._name = name

    def tell(self, event: bytes, line: Line) -> bool:
        """Whether the event was taken; if not, it stands in the log line with the reason."""
        try:
            self._firehose.put_record(DeliveryStreamName=self._name, Record={"Data": event})
        except (BotoCoreError, ClientError) as error:
            line["untold"] = {"reason": f"{type(error).__name__}: {error}", "event": json.loads(event)}
            return False
        return True
