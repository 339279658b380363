"""What the pages are looked at with: a project on a laptop, that has trained, serves, is asked and judged.

north   v1 is champion, v2 challenges it; customers ask and reward, and nothing is decided: leave it as it is
south   v1 is champion; the last execution failed, for its file was empty
west    v1 is champion, v2 challenges it: do with it what you like
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from contender.demo.challenges import Customer
from contender.demo.experiment import SETTINGS
from contender.demo.traffic import Api, Audience, Pace, Traffic
from contender.sample_data import COLUMNS
from tests.conftest import REPOSITORY
from tests.project import NAMES, Project, table, until

PARTS = ("pipelines", "steps", "infra", "codebuild", "buildspec.yml")
PACE = Pace(workers=2, requests_per_s=40, reward_after_s=(0.1, 0.5))
ASKED = 300


def project(home: Path, folder: Path) -> Project:
    """The repository's project with quick rollouts, deployed, and with all that the module tells of."""
    folder.mkdir()
    for name in PARTS:
        (folder / name).symlink_to(REPOSITORY / name)
    settings = yaml.safe_load((REPOSITORY / "contender.yaml").read_text())
    hold = [{"share": 0.3, "time_s": 86_400, "sample": 20}]
    settings["rollout"] |= {**SETTINGS["rollout"], "steps": hold}
    settings["rollout"]["goal"] |= {"minimum_sample": 100_000, "maximum_duration_s": 86_400}
    settings["experiment"] |= {**SETTINGS["experiment"], "reward_window_s": 1}
    settings["endpoint"]["data_capture_percent"] = 100
    (folder / "contender.yaml").write_text(yaml.safe_dump(settings))
    project = Project(home, folder).deploy()
    names = ("north", "south", "west")
    _serve(project, names, 1)
    _serve(project, ("north", "west"), 2)
    project.upload("south", "empty.csv", b"")
    _ask(project, "north")
    until(lambda: project.executions("south")[-1]["PipelineExecutionStatus"] == "Failed", "the empty file to fail")
    return project


def _serve(project: Project, names: Sequence[str], seed: int) -> None:
    demo = project.demo()
    before = demo.before(names)
    for name in names:
        project.upload(name, f"file-{seed}.csv", table(name, seed))
    assert not demo.serve_newer(names, before, 120.0).failures


def _ask(project: Project, name: str) -> None:
    """Customers ask the API, until so many requests were answered; rewards follow."""
    outputs = project.outputs
    key = project.clients("apigateway").get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)["value"]
    label = COLUMNS.index("Churn?")
    rows = [line.split(",") for line in table(name, 9).decode().splitlines()[1:]]
    customers = [
        Customer(f"user-{number}", ",".join(row[:label] + row[label + 1 :]), row[label] == "True.")
        for number, row in enumerate(rows)
    ]
    with Traffic(Api(outputs["ApiUrl"], key), [Audience(NAMES.endpoint(name), customers)], PACE, 1) as traffic:
        until(lambda: len(traffic.answers) >= ASKED, "the API to answer")
    assert not traffic.failures
    until(lambda: _counted(project, name) >= ASKED, "the requests to be counted")


def _counted(project: Project, name: str) -> int:
    table = NAMES.table("experiments")
    answer = project.clients("dynamodb").query(
        TableName=table,
        KeyConditionExpression="pk = :experiment",
        ExpressionAttributeValues={":experiment": {"S": NAMES.endpoint(name) + "-e1"}},
    )
    return sum(int(item.get("n", {"N": "0"})["N"]) for item in answer["Items"])


if __name__ == "__main__":
    import sys

    home = Path(sys.argv[1]).resolve()
    began = time.monotonic()
    made = project(home / "laptop", home / "project")
    print(f"{time.monotonic() - began:.0f} s; cd {made.folder}; export CONTENDER_HOME={made.home}")
    os._exit(0)
