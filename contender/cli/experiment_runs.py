"""Many simulated experiments on all cores, with a progress bar; the same numbers on any number of cores."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from contender.cli.extras import advice, missing
from contender.cli.output import progress
from contender.errors import SettingsError
from contender.experiments.goal import Goal
from contender.experiments.simulation import Problem, Run, Traffic, play, run, seeded
from contender.experiments.strategies import Strategy

FEW = 40
"""Experiments that are over before other processes have started."""
CHUNK = 5

Playing = partial[Run]
"""An experiment of a strategy, but for its number."""
_Map = Callable[[Playing, int], Iterator[Run]]


def playing(
    problem: Problem, traffic: Traffic, made: Strategy, goals: Sequence[Goal], seed: int, discount: float = 1.0
) -> Playing:
    return partial(_numbered, problem, traffic, made, tuple(goals), seed, discount)


def played(experiments: Mapping[str, Playing], runs: int) -> dict[str, list[Run]]:
    """Experiments number 0 to `runs` - 1 of each; the bar goes to stderr."""
    found: dict[str, list[Run]] = {}
    with _mapping(runs * len(experiments)) as mapped, progress() as bar:
        for name, playing_one in experiments.items():
            task = bar.add_task(name, total=runs)
            found[name] = []
            for each in mapped(playing_one, runs):
                found[name].append(each)
                bar.advance(task)
    return found


def need_figures() -> None:
    """SettingsError, in one line, unless figures can be drawn."""
    if absent := [package for package in missing("local") if package in ("matplotlib", "Jinja2")]:
        raise SettingsError(f"figures need {' and '.join(absent)}: {advice('local')}")


def draw(
    problem: Problem,
    traffic: Traffic,
    goals: Sequence[Goal],
    strategies: Mapping[str, Strategy],
    runs: Mapping[str, Sequence[Run]],
    *,
    seed: int,
    discount: float,
    folder: Path | None,
    page: Path | None,
    rows: Sequence[Mapping[str, str]],
) -> list[Path]:
    """Write the figures into a folder, or onto a page, or both; what was written."""
    from contender.report.simulation_page import render
    from contender.report.simulations import Simulated, pictures

    courses = {name: play(problem, traffic, made, seeded(seed, 0), gamma=discount) for name, made in strategies.items()}
    drawn = list(pictures(Simulated(problem, traffic, tuple(goals), runs, courses)))
    written = []
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for picture in drawn:
            written.append(folder / f"{picture.name}.svg")
            written[-1].write_text(picture.svg, encoding="utf-8")
    if page is not None:
        means = ", ".join(f"{name} {mean:g}" for name, mean in problem.means.items())
        late = f", rewards {traffic.delay} batches late" if traffic.delay else ""
        about = (
            f"{len(next(iter(runs.values()))):,} experiments of {traffic.requests:,} requests in batches of"
            f" {traffic.batch:,}{late}; true means: {means}; seed {seed}"
        )
        columns = list(rows[0])
        cells = [list(row.values()) for row in rows]
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(render("Simulated experiments", about, columns, cells, drawn), encoding="utf-8")
        written.append(page)
    return written


def _numbered(
    problem: Problem,
    traffic: Traffic,
    made: Strategy,
    goals: Sequence[Goal],
    seed: int,
    discount: float,
    number: int,
) -> Run:
    return run(problem, traffic, made, goals, seed=seed, number=number, gamma=discount)


@contextmanager
def _mapping(experiments: int) -> Iterator[_Map]:
    cores = os.cpu_count() or 1
    if experiments <= FEW or cores == 1:
        yield lambda one, runs: map(one, range(runs))
        return
    # spawn: a fork would copy the thread of the progress bar
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield lambda one, runs: pool.map(one, range(runs), chunksize=CHUNK)
