"""`contender studio`: the web page of pipelines, models, endpoints, rollouts and experiments."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket

import click

from contender.aws import Connect, hasty_clients
from contender.cli.extras import need
from contender.cli.output import note
from contender.config import load
from contender.errors import ContenderError, SettingsError

TOKEN = "CONTENDER_STUDIO_TOKEN"
LOOPBACK = "127.0.0.1"
LAST_WORDS_S = 3
"""How long answers that are under way may take once it is asked to end."""


class NoPort(ContenderError):
    """Nothing can be listened to at this address."""


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

    from contender.studio import rendering
    from contender.studio.access import FEWEST_CHARACTERS, Access
    from contender.studio.app import studio
    from contender.studio.desk import Clients, Desk
    from contender.studio.timing import Discreet

    settings = load()
    token = os.environ.get(TOKEN, "") if host else ""
    if host and len(token) < FEWEST_CHARACTERS:
        raise SettingsError(
            f"--host opens the page to others: set {TOKEN} to a token of {FEWEST_CHARACTERS} characters or more "
            "(`openssl rand -hex 16` makes one)"
        )
    with _listen(host or LOOPBACK, port) as listener:
        _log_to_stderr(Discreet())
        signal.signal(signal.SIGTERM, _end)
        port = listener.getsockname()[1]
        desk = Desk(settings, Clients(obj or hasty_clients(), settings.region))
        app = studio(desk, Access(allow_actions, token), port)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=LAST_WORDS_S
        )
        for warm_up in (desk.warm_up, rendering.warm_up):
            desk.pool.submit(warm_up)
        note(f"http://{f'[{host}]' if ':' in (host or '') else host or LOOPBACK}:{port}")
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            desk.pool.shutdown(wait=False, cancel_futures=True)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family)
    except (OSError, UnicodeError) as error:
        if not isinstance(error, OSError) or error.errno != errno.EADDRINUSE:
            reason = getattr(error, "strerror", None) or error
            raise NoPort(f"nothing can be listened to at {host}, port {port} ({reason}): choose another") from error
        from contender.local.launcher.processes import port_holder

        holder = port_holder(port) or "another program"
        raise NoPort(
            f"port {port} is taken by {holder}: stop it, or let any free port be taken: contender studio --port 0"
        ) from error


def _log_to_stderr(formatter: logging.Formatter) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in ("botocore", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _end(signum: int, frame: object) -> None:
    raise click.exceptions.Exit(0)
