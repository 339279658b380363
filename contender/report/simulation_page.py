"""A page about simulated experiments: what they came to, and their figures, in one file that loads nothing."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from contender.report.simulations import Picture


def render(
    title: str, about: str, columns: Sequence[str], rows: Sequence[Sequence[str]], pictures: Sequence[Picture]
) -> str:
    """The HTML; `rows` have a cell for each column."""
    environment = Environment(loader=PackageLoader("contender.report", "."), autoescape=True, undefined=StrictUndefined)
    environment.filters["base64"] = lambda text: base64.b64encode(text.encode()).decode()
    page = environment.get_template("simulation.html")
    return page.render(title=title, about=about, columns=columns, rows=rows, pictures=pictures)
