"""`python -m contender.local.containers.monitor`: one analysis, as the environment says; see `settings`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from contender.local.containers.monitor.analysis import analyse
from contender.local.containers.monitor.last_words import tell
from contender.local.containers.monitor.settings import Settings


def main(environment: Mapping[str, str]) -> int:
    return tell(environment, lambda: analyse(Settings.from_environment(environment)))


if __name__ == "__main__":
    sys.exit(main(os.environ))
