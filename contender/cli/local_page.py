"""The web page beside a laptop: what `local up` and `demo --keep` ask the launcher to start."""

from __future__ import annotations

import sys
from pathlib import Path

from contender.cli.extras import advice, missing
from contender.cli.output import note
from contender.local.launcher.failure import LaptopFailure
from contender.local.launcher.guests import Guest
from contender.local.launcher.laptop import Laptop

NAME = "studio"
FIRST_PORT = 4569


def show_page(laptop: Laptop, port: int | None = None, *, allow_actions: bool = False) -> dict[str, str]:
    """Start the page of the project in this folder, or leave it if it runs so already; where it answers, by its name.

    Without it the laptop is as good as before: what is in its way is told, and nothing fails.
    """
    if absent := missing("studio"):
        note(f"no web page, for this lacks {', '.join(absent)}: {advice('studio')}")
        return {}
    command = (sys.executable, "-m", "contender.cli.main", "studio", *(["--allow-actions"] if allow_actions else []))
    page = Guest(NAME, command, Path.cwd(), "/health", FIRST_PORT, "--studio-port", port)
    try:
        return {NAME: laptop.host(page)}
    except LaptopFailure as error:
        note(f"no web page: {error}")
        return {}
