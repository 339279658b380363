"""Versions of a dimension side by side: parameters, metrics, ROC curves, confusion matrices and data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from contender import evaluation, registry
from contender.naming import checked_dimension
from contender.studio.charts.chart import Chart
from contender.studio.charts.roc import Points, roc
from contender.studio.desk import Desk
from contender.studio.query import whole
from contender.studio.reading import versions
from contender.studio.reading.versions import Measured, Model
from contender.studio.rendering import render
from contender.studio.views.confusion import matrix
from contender.trials.comparison import FIRST_RUN, Column, Row, figures, parameters
from contender.trials.record import ORIGIN

MOST = 4


def page(desk: Desk, request: Request) -> Response:
    """`v` is given once for each; without any, the champion and its newest challenger."""
    dimension = checked_dimension(request.path_params["dimension"])
    asked = [number for each in request.query_params.getlist("v") if (number := whole(each))]
    known = versions.models(desk, dimension)
    numbers = list(dict.fromkeys(asked))[:MOST] or _usual(known)
    chosen = [versions.model(desk, dimension, number) for number in numbers]
    measured = versions.measured(desk, chosen)
    waiting = [desk.later(partial(versions.compared, desk, each, measured[each.number])) for each in chosen]
    compared = [each.result() for each in waiting]
    columns = [each.column() for each in compared]
    return render(
        request,
        "version_pairs.html",
        desk=desk,
        every_s=0,
        dimension=dimension,
        known=known,
        numbers=numbers,
        chosen=chosen,
        measured=measured,
        compared=compared,
        data=[each.record.data for each in compared],
        origins={name: [each.record.origin.get(name, "") for each in compared] for name in ORIGIN},
        parameters=_parameters(columns),
        unrecorded=[each.version.number for each in compared if each.version and not each.recorded],
        figures=list(figures(columns)),
        roc=_roc(numbers, measured),
        matrices=[
            found
            for number in numbers
            if (found := matrix(f"v{number}", evaluation.confusion(evaluation.challenger(measured[number].report))))
        ],
    )


def _usual(known: Sequence[Model]) -> list[int]:
    """The champion and the newest challenger that serves, or else the newest version."""
    own = [each.version for each in reversed(known)]
    champion, challenger = registry.champion(own), registry.newest_challenger(own)
    wanted = [champion, challenger, *reversed(own)]
    return list(dict.fromkeys(each.number for each in wanted if each))[:2]


def _parameters(columns: Sequence[Column]) -> list[Row]:
    """Those that differ first, without those that every first execution has."""
    found = [row for row in parameters(columns, everything=True) if row.name not in FIRST_RUN]
    return sorted(found, key=lambda row: not row.differs)


def _roc(numbers: Sequence[int], measured: dict[int, Measured]) -> Chart:
    """Each on its own held-out rows; and whoever was its champion then, on the same rows, if it is one of these."""
    curves: dict[str, Points] = {}
    for number in numbers:
        report = measured[number].report
        curves[f"v{number}"] = evaluation.curve(evaluation.challenger(report))
        champion = evaluation.champion(report)
        if str(champion.get("version")) in map(str, numbers):
            curves[f"v{champion['version']} on the rows of v{number}"] = evaluation.curve(champion)
    return roc(
        "roc",
        "ROC curves",
        {name: points for name, points in curves.items() if points},
        about="Each on the held-out rows of its own upload, unless it says otherwise.",
    )
