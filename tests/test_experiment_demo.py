"""Challengers that are better, equal and worse, on a laptop of their own: the demo, with less of everything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contender.cli import demo_experiment
from contender.cli.demo_laptop import laptop
from contender.config import load
from contender.demo.challenges import Truth
from contender.demo.experiment import SETTINGS
from tests.conftest import REPOSITORY

GOAL = {**SETTINGS["rollout"]["goal"], "maximum_duration_s": 200}  # however slow the machine is
SMALL = {"training.rounds": 20, "gates.margin": 0.1, "rollout": {**SETTINGS["rollout"], "goal": GOAL}}


def test_challengers_end_as_they_deserve_and_no_request_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(REPOSITORY)
    settings = load(REPOSITORY / "contender.yaml", environ={}, overrides={**SETTINGS, **SMALL})
    report = tmp_path / "report.html"
    with laptop(tmp_path / "home", keep=False):
        decided = {Truth.BETTER, Truth.WORSE}  # who is held until the time is over, is held by then
        demo_experiment.play(settings, rows=1200, seed=7, report=report, as_json=True, until=decided)
    played = json.loads(capsys.readouterr().out)
    ended = {each["truth"]: each["ended"] for each in played["dimensions"]}
    assert (ended["better"], ended["worse"]) == ("Promoted", "RolledBack")
    assert ended["equal"] in ("Ramping", "Inconclusive")
    assert played["failed"] == 0
    assert played["reported"] == played["requests"], "an event was lost"
    assert played["rewards"] > 100
    page = report.read_text(encoding="utf-8")
    assert page.count("data:image/svg+xml") == 3 * 7
