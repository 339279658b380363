"""`contender demo`: the whole story on this machine, in one command."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import click

from contender.aws import client
from contender.cli.demo_laptop import Stopwatch, laptop, set_up
from contender.cli.home import home_option
from contender.cli.output import emit, emit_rows, json_option, note
from contender.config import Settings, load_project
from contender.demo.experiment import SETTINGS
from contender.demo.main_job import Demo, Outcome, Uploads, raw_rows, uploads_from
from contender.errors import DeploymentError
from contender.sample_data import dimension_names, write

INVOCATIONS = 300
TIMEOUT_S = 600.0


@click.command()
@click.option(
    "--data",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Your own <dimension>/*.csv; without it, sample data is made.",
)
@click.option("--dimensions", type=click.IntRange(1, 100), default=3, show_default=True, help="Of sample data.")
@click.option(
    "--rows", type=click.IntRange(500), default=5000, show_default=True, help="Of sample data, per dimension."
)
@click.option("--seed", type=int, default=7, show_default=True, help="Of sample data.")
@click.option("--experiment", is_flag=True, help="On to promoted, undecided and rolled back, and a report.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("contender-experiment.html"),
    show_default=True,
    help="Where --experiment writes its report.",
)
@click.option("--keep", is_flag=True, help="Leave the laptop running, in its usual home and on its usual ports.")
@home_option
@json_option
def command(
    folder: Path | None,
    dimensions: int,
    rows: int,
    seed: int,
    experiment: bool,
    report: Path,
    keep: bool,
    home: Path,
    as_json: bool,
) -> None:
    """From CSV files to champions, and a challenger beside each, on this machine.

    With --experiment simulated customers ask the API about three dimensions, whose challengers are truly better, equal
    and worse, until each rollout has ended.

    Without --keep it runs on a laptop of its own, on free ports, that is gone afterwards.
    """
    if experiment and folder:
        raise click.UsageError("--experiment needs to know what is true of its customers: leave --data out")
    if experiment:
        from contender.cli import demo_experiment  # Matplotlib and scikit-learn: only who draws waits for them

        settings = load_project(SETTINGS)
        with laptop(home, keep=keep) as page:
            demo_experiment.play(settings, rows=rows, seed=seed, report=report, as_json=as_json)
    else:
        settings = load_project()
        with laptop(home, keep=keep) as page:
            uploads = uploads_from(folder) if folder else _sample(dimensions, rows, seed)
            seconds, outcomes, failures = _play(settings, uploads)
        _report(outcomes, seconds, failures, as_json=as_json)
        if failures:
            raise DeploymentError(f"{len(failures)} of {len(uploads)} dimensions failed: {', '.join(failures)}")
    if keep:
        look = f"{page} in a browser, or " if page else ""
        note(f'still running. Look around: {look}eval "$(contender local env)"; stop it: contender local down')


def _play(settings: Settings, uploads: Mapping[str, Uploads]) -> tuple[dict[str, float], list[Outcome], dict[str, str]]:
    """Deploy, upload twice, send traffic; how long each part took, in seconds, what came of it, and what failed why."""
    clock = Stopwatch()
    region = settings.region
    sagemaker, s3 = client("sagemaker", region), client("s3", region)
    outputs = set_up(settings, clock)
    demo = Demo(settings, outputs["DataBucket"], sagemaker, client("sagemaker-runtime", region), s3, note)
    names = list(uploads)
    failures: dict[str, str] = {}
    for lap in ("first", "second"):
        note(f"{lap} upload: {', '.join(names)}")
        before = demo.before(names)
        demo.upload({name: getattr(uploads[name], lap) for name in names})
        failures |= demo.serve_newer(names, before, TIMEOUT_S).failures
        names = [name for name in names if name not in failures]
        clock.lap(f"{lap}_upload")
    outcomes = []
    for name in names:
        rows = raw_rows(uploads[name].second[1], settings.data.label, INVOCATIONS)
        outcomes.append(demo.outcome(name, demo.invoke(name, rows, INVOCATIONS)))
    clock.lap("invoke")
    return clock.laps, outcomes, failures


def _report(
    outcomes: list[Outcome], seconds: Mapping[str, float], failures: Mapping[str, str], *, as_json: bool
) -> None:
    if as_json:
        dimensions = [asdict(outcome) for outcome in outcomes]
        emit({"seconds": dict(seconds), "dimensions": dimensions, "failures": dict(failures)})
        return
    rows = [
        {
            "dimension": outcome.dimension,
            "champion": f"{outcome.champion}  AUC {outcome.champion_auc:.4f}",
            "challenger": f"{outcome.challenger}  AUC {outcome.challenger_auc:.4f}",
            "asked": _shares(outcome.asked),
            "observed": _shares(outcome.observed),
        }
        for outcome in outcomes
    ]
    columns = ("dimension", "champion", "challenger", "asked", "observed")
    emit_rows(rows, columns, as_json=False, title=f"Shares observed over {INVOCATIONS} invocations each")
    uploads = seconds["first_upload"] + seconds["second_upload"]
    note(f"{len(outcomes)} dimensions, two uploads: {uploads:.1f} s; everything: {sum(seconds.values()):.1f} s")


def _shares(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{variant} {share:.1%}" for variant, share in sorted(shares.items()))


def _sample(dimensions: int, rows: int, seed: int) -> dict[str, Uploads]:
    """Two uploads per dimension: the second holds new months of customers that are partly the same."""
    with tempfile.TemporaryDirectory() as place:
        for each in (seed, seed + 1):
            write(Path(place), dimension_names(dimensions), rows, each)
        return uploads_from(Path(place))
