"""What commands about the laptop share: where its state is, and its errors as ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from contender.cli.whose_aws import DEFAULT_HOME
from contender.errors import LaptopError
from contender.local.launcher.failure import LaptopFailure

Command = TypeVar("Command", bound=Callable[..., Any])


def home_option(function: Command) -> Command:
    """`--home`: the directory that holds everything the laptop's AWS remembers."""
    return click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="CONTENDER_HOME",
        default=DEFAULT_HOME,
        show_default=True,
        show_envvar=True,
        help="Directory of its state.",
    )(function)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """The laptop's own errors as errors of the product."""
    try:
        yield
    except LaptopFailure as error:
        raise LaptopError(str(error)) from error
