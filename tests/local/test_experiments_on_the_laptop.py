"""Experiments on a laptop: the SDK's own classes, and the component that a training job leaves."""

from __future__ import annotations

import json

from contender.local.launcher.laptop import Laptop
from tests.local.sdk import run_with_sdk


def test_the_sdks_experiment_trial_component_and_run(laptop: Laptop) -> None:
    said = json.loads(run_with_sdk("sdk_trials.py", **laptop.env()).splitlines()[-1])
    assert said["names"] == ["sdk-churn-by-hand", "sdk-component"]
    assert said["compared"] == {"sdk-churn-by-hand": 0.3, "sdk-component": 0.2}
    assert said["kept"] == 0.2
    assert said["logged"] == [0.3, "tree"]
    assert said["loss"] == [0.5, 0.9, 0.7, 3]
    assert said["status"] == "Completed"
    assert "sdk-churn" not in said["left"]
