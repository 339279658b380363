"""The frame that pages share: one HTML file each, which loads nothing."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure with the sentence below it."""

    svg: str
    caption: str


def filled(template: str, **values: Any) -> str:
    """The HTML of a template of this folder; every one asks for `title` and `about`."""
    environment = Environment(loader=PackageLoader("contender.report", "."), autoescape=True, undefined=StrictUndefined)
    environment.filters["base64"] = lambda text: base64.b64encode(text.encode()).decode()
    return environment.get_template(template).render(values)
