"""Everything of one version: what was measured, how the gate judged it, where it came from, what it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from contender import evaluation, registry
from contender.naming import checked_dimension
from contender.studio.charts.roc import roc
from contender.studio.desk import Desk
from contender.studio.reading import versions
from contender.studio.reading.versions import Measured
from contender.studio.rendering import render
from contender.studio.views.confusion import matrix

MOVING_S, RESTING_S = 2, 10
METRICS = ("auc", "accuracy", "log_loss")


def page(desk: Desk, request: Request) -> Response:
    dimension, number = checked_dimension(request.path_params["dimension"]), request.path_params["version"]
    model = versions.model(desk, dimension, number)
    measured = versions.measured(desk, [model])[number]
    report = measured.report
    ours, theirs = evaluation.challenger(report), evaluation.champion(report)
    champion = f"champion v{theirs['version']}" if theirs else ""
    curves = {f"v{number}": evaluation.curve(ours), champion: evaluation.curve(theirs)}
    return render(
        request,
        "version.html",
        desk=desk,
        every_s=MOVING_S if model.moves else RESTING_S,
        dimension=dimension,
        model=model,
        measured=measured,
        report=report,
        metrics=[(name, ours.get(name), theirs.get(name)) for name in METRICS if name in ours],
        champion=champion,
        matrices=[
            found
            for title, part in ((f"v{number}", ours), (champion, theirs))
            if (found := matrix(title, evaluation.confusion(part)))
        ],
        roc=roc("roc", "ROC curve", {name: points for name, points in curves.items() if points}),
        artifact=_artifact(measured),
        reports=list(addresses(measured.package.get("ModelMetrics", {}))),
        baselines=list(addresses(measured.package.get("DriftCheckBaselines", {}))),
    )


def addresses(document: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Files that a part of a package names, with where it names them: `Bias · Report`."""
    if isinstance(document, Mapping):
        if "S3Uri" in document:
            yield " · ".join(path), str(document["S3Uri"])
            return
        for name, inner in document.items():
            yield from addresses(inner, (*path, name))


def _artifact(measured: Measured) -> dict[str, str]:
    containers = measured.package.get("InferenceSpecification", {}).get("Containers", [])
    if not containers:
        return {}
    found = {"Image": containers[0].get("Image", "")}
    if "ModelDataUrl" in containers[0] or "ModelDataSource" in containers[0]:  # it may all be in its image
        return {"Artifact": registry.model_data_uri(measured.package), **found}
    return found
