"""What every function keeps to: little to import, settings from the environment, one line in the log."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from contender.errors import NamingError, SettingsError
from contender.lambdas.log_line import log_line
from contender.lambdas.settings import RolloutSettings, StarterSettings

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ("starter", "champion", "model", "record")
ROLLOUT_FUNCTIONS = ("deploy", "tick")
OURS = {
    "contender",
    "contender.baselines",
    "contender.candidates",
    "contender.endpoints",
    "contender.errors",
    "contender.evaluation",
    "contender.evaluation_shape",
    "contender.executions",
    "contender.executions.request",
    "contender.lambdas",
    "contender.executions.dimension_lock",
    "contender.executions.listing",
    "contender.executions.snapshot",
    "contender.lambdas.log_line",
    "contender.lambdas.settings",
    "contender.naming",
    "contender.registry",
    "contender.trials",
    "contender.trials.gathering",
    "contender.trials.record",
    "contender.trials.recorder",
    "contender.warm_start",
    "contender.watching",
    "contender.watching.wishes",
}
WATCH_FUNCTIONS = ("watch", "drift")
WATCH_ROOMS = ("watching", "lambdas.watch_settings", "executions.violations", "s3_object", "scaling")
ROLLOUT_ROOMS = ("rollout", "experiments", "measurements", "stages", "scaling", "lambdas.controllers")
BOTO3 = {"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six", "certifi"}

ROLLOUT = {
    "PROJECT": "contender",
    "MODEL_ROLE_ARN": "arn:aws:iam::123456789012:role/models",
    "ARTIFACT_BUCKET": "contender-artifacts",
    "EXPERIMENTS": "on",
    "AUTOSCALING": "off",
}
STARTER = {
    "PROJECT": "contender",
    "DATA_PREFIX": "data/",
    "QUEUE_URL": "https://queue/uploads",
    "DEAD_LETTER_QUEUE_URL": "https://queue/dead",
    "LOCK_TABLE": "contender-locks",
    "RETRY_DELAY_SECONDS": "60",
}


@pytest.mark.parametrize("function", [*FUNCTIONS, *ROLLOUT_FUNCTIONS, *WATCH_FUNCTIONS])
def test_importing_a_function_loads_only_boto3_and_the_few_modules_of_ours(function: str) -> None:
    script = f"""
import sys
before = set(sys.modules)
import contender.lambdas.{function}
print("\\n".join(sorted(set(sys.modules) - before)))
"""
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment, cwd=ROOT
    )
    loaded = set(run.stdout.split())
    ours = {module for module in loaded if module.partition(".")[0] == "contender"}
    rooms = {**dict.fromkeys(ROLLOUT_FUNCTIONS, ROLLOUT_ROOMS), **dict.fromkeys(WATCH_FUNCTIONS, WATCH_ROOMS)}
    if function == "watch":
        rooms[function] += ROLLOUT_ROOMS
    for room in rooms.get(function, ()):
        ours -= {module for module in ours if f"{module}.".startswith(f"contender.{room}.")}
    assert ours <= OURS | {f"contender.lambdas.{function}"}
    foreign = {module.partition(".")[0] for module in loaded} - set(sys.stdlib_module_names) - {"contender"}
    assert {name for name in foreign if not name.startswith("_")} <= BOTO3


def test_settings_come_from_the_environment() -> None:
    rollout = RolloutSettings.from_environ(ROLLOUT)
    assert (rollout.artifact_bucket, rollout.experiments) == ("contender-artifacts", True)
    starter = StarterSettings.from_environ(STARTER)
    assert (starter.names.pipeline, starter.retry_delay_s) == ("contender", 60)


@pytest.mark.parametrize("name", sorted(set(ROLLOUT) | set(STARTER)))
def test_a_missing_variable_is_named(name: str) -> None:
    settings, environ = (RolloutSettings, ROLLOUT) if name in ROLLOUT else (StarterSettings, STARTER)
    with pytest.raises(SettingsError, match=f"variable {name} is not set"):
        settings.from_environ({key: value for key, value in environ.items() if key != name})


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("much", "must be a number"),
        ("-1", "between 0 and 900"),
        ("901", "between 0 and 900"),
        ("1.5", "must be a number"),
    ],
)
def test_a_wrong_value_is_named(value: str, says: str) -> None:
    with pytest.raises(SettingsError, match=f"RETRY_DELAY_SECONDS is .*{says}"):
        StarterSettings.from_environ(STARTER | {"RETRY_DELAY_SECONDS": value})


def test_a_wrong_project_is_named() -> None:
    with pytest.raises(NamingError, match="project 'A' cannot be a name"):
        RolloutSettings.from_environ(ROLLOUT | {"PROJECT": "A"})


def test_one_line_is_printed_whatever_happens(capsys: pytest.CaptureFixture[str]) -> None:
    with log_line("deploy") as line:
        line["dimension"] = "A\nB"
    with pytest.raises(ValueError, match="odd"), log_line("deploy"):
        raise ValueError("odd\nthing")
    first, second = capsys.readouterr().out.splitlines()
    assert json.loads(first) == {"function": "deploy", "dimension": "A\nB"}
    assert json.loads(second) == {"function": "deploy", "error": "ValueError: odd\nthing"}
