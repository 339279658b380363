"""`contender studio`: the web page of pipelines, models, endpoints, rollouts and experiments."""

from __future__ import annotations

import logging
import os

import click

from contender.aws import Connect, client
from contender.cli.extras import need
from contender.cli.output import note
from contender.config import load
from contender.errors import SettingsError

TOKEN = "CONTENDER_STUDIO_TOKEN"
LOOPBACK = "127.0.0.1"


@click.command("studio")
@click.option("--port", type=click.IntRange(0, 65_535), default=4580, show_default=True, help="0: any free one.")
@click.option("--host", help=f"Listen at this address instead of {LOOPBACK}; {TOKEN} must hold a token then.")
@click.option("--allow-actions", is_flag=True, help="Let the page pause, promote, roll back, approve and reject.")
@click.pass_obj
def command(obj: Connect | None, port: int, host: str | None, allow_actions: bool) -> None:
    """Serve the page where pipelines, models, endpoints, rollouts and experiments are looked at, until Ctrl-C.

    It shows whichever AWS this shell talks to, and only looks unless --allow-actions.
    """
    need("studio")
    import uvicorn

    from contender.studio.access import FEWEST_CHARACTERS, Access
    from contender.studio.app import studio
    from contender.studio.desk import Clients, Desk

    settings = load()
    token = os.environ.get(TOKEN, "") if host else ""
    if host and len(token) < FEWEST_CHARACTERS:
        raise SettingsError(
            f"--host opens the page to others: set {TOKEN} to a token of {FEWEST_CHARACTERS} characters or more "
            "(`openssl rand -hex 16` makes one)"
        )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    desk = Desk(settings, Clients(obj or client, settings.region))
    desk.warm_up()
    app = studio(desk, Access(allow_actions, token))
    note(f"http://{host or LOOPBACK}:{port}")
    uvicorn.run(app, host=host or LOOPBACK, port=port, access_log=False, log_level="warning")
