"""How long to wait before AWS is asked again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable


def pausing(first_s: float, longest_s: float) -> Callable[[int], None]:
    """Waits longer with every try, and for a random time: two that got in each other's way shall not meet again."""

    def pause(tries: int) -> None:
        time.sleep(random.uniform(0, min(longest_s, first_s * 2**tries)))

    return pause
