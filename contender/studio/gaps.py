"""What of a page cannot be read while the rest can be shown: a sentence in its place, instead of no page at all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from contender.errors import DataError
from contender.registry import one_line
from contender.studio.refusals import brief, why

log = logging.getLogger(__name__)
T = TypeVar("T")
U = TypeVar("U")


class Gaps:
    """Of one page; the thread that answers it fills them."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def fill(self, what: str, otherwise: U, read: Callable[[], T]) -> T | U:
        """What is read; or `otherwise`, and a sentence that `what` could not be, and why."""
        try:
            return read()
        except (ClientError, BotoCoreError) as error:
            log.warning("%s could not be read: %s", one_line(what), brief(error))
            self._said[what] = f"{what} could not be read. {why(error)[1]}"
        except DataError as error:
            log.warning("%s could not be read: %s", one_line(what), one_line(str(error)))
            self._said[what] = f"{what} could not be read: {error}"
        return otherwise

    @property
    def sentences(self) -> Mapping[str, str]:
        """By what could not be read."""
        return dict(self._said)
