"""Which AWS a command talks to where the shell says nothing: the laptop that runs here, if there is no other."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

from contender.cli.output import note

DEFAULT_HOME = Path(".contender")
_CHOOSING = ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_ACCESS_KEY_ID")
"""What a shell sets that means one AWS, an account or a laptop."""


def use_laptop_if_alone(environ: MutableMapping[str, str], credentials: Callable[[], Any]) -> None:
    """Let this command talk to the running laptop, if neither the shell nor the machine knows another AWS.

    Whoever has an account reaches it as before: `credentials` finds what boto3 would use, and is asked only if a
    laptop runs at all.
    """
    home = Path(environ.get("CONTENDER_HOME", DEFAULT_HOME))
    if any(environ.get(name) for name in _CHOOSING) or not (home / "processes.json").exists():
        return
    from contender.local.launcher.failure import LaptopFailure
    from contender.local.launcher.laptop import Laptop

    try:
        env = Laptop(home).env()
    except LaptopFailure:
        return  # it does not run
    if credentials() is None:
        environ.update(env)
        note(f"this shell knows no AWS: using the laptop in {home}")


def find_credentials() -> Any:
    """What boto3 would use: of the environment, a file, or the machine's role; None where there is nothing."""
    import botocore.session

    return botocore.session.Session().get_credentials()
