"""One structured line per invocation, whatever happens in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def log_line(function: str) -> Iterator[dict[str, Any]]:
    """Yields the line's fields to fill in; prints them as JSON at the end, with the error if there is one."""
    fields: dict[str, Any] = {"function": function}
    try:
        yield fields
    except Exception as error:
        fields["error"] = f"{type(error).__name__}: {error}"
        raise
    finally:
        print(json.dumps(fields, default=str), flush=True)
