"""Endpoints across a `kill -9` of the server: what was in service serves again, what was under way is finished."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from contender.local.launcher.laptop import Laptop, Ports
from tests.conftest import Clients
from tests.local.serving_models import Endpoints, script_files, wait_until

# A model that is not loaded before the file named by GATE is there.
SLOW = (
    "import os, time\nwhile not os.path.exists(os.environ['GATE']):\n    time.sleep(0.02)\n"
    + script_files()["code/inference.py"].decode()
)


class Home:
    """A laptop of the test's own, whose server may be killed."""

    def __init__(self, folder: Path) -> None:
        self.laptop = Laptop(folder)
        self.laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
        self.clients = Clients(self.laptop.env())
        self.clients("s3").create_bucket(Bucket="test-bucket")
        self.there = Endpoints(self.clients, "test-bucket", "dur")

    def kill_server(self) -> None:
        """End the server at once, and wait until its children noticed."""
        rows = {row.name: row.pid for row in self.laptop.status()}
        children = [row.pid for row in self.laptop.status() if row.name not in ("aws", "sagemaker")]
        os.kill(rows["sagemaker"], signal.SIGKILL)
        wait_until(lambda: not any(map(_alive, children)), "the server's children have ended")

    def close(self) -> None:
        self.clients.close()
        self.laptop.down()


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _served_by(there: Endpoints, endpoint: str) -> str:
    """The process that answers; empty while none does."""
    try:
        return there.invoke(endpoint)[0]
    except there.runtime.exceptions.ModelError:
        return ""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    yield home
    home.close()


def test_endpoints_survive_a_kill_and_finish_what_was_under_way(home: Home, tmp_path: Path) -> None:
    there = home.there
    for name in ("a", "old"):
        there.model(name, script_files(), NAME=name)
    gate = tmp_path / "gate"
    there.model("slow", script_files(SLOW), NAME="slow", GATE=str(gate))
    there.model("broken", {**script_files(), "broken": b""})
    there.config("only-old", {"old": 1})
    there.config("only-a", {"a": 1})
    there.config("to-slow", {"a": 1, "slow": 3})
    there.config("to-broken", {"a": 1, "slow": 1, "broken": 1})
    there.create("steady", "only-old")
    for endpoint in ("updating", "failing", "leaving"):
        there.create(endpoint, "only-a")
    there.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="dur-steady", DesiredWeightsAndCapacities=[{"VariantName": "old", "DesiredWeight": 4}]
    )
    steady = there.settle("steady")
    # what is in service needs neither its config nor its archive any more
    there.s3.delete_object(Bucket="test-bucket", Key="dur-old/model.tar.gz")
    there.sagemaker.delete_endpoint_config(EndpointConfigName="dur-only-old")
    there.sagemaker.create_endpoint(EndpointName="dur-creating", EndpointConfigName="dur-to-slow")
    there.sagemaker.update_endpoint(EndpointName="dur-updating", EndpointConfigName="dur-to-slow")
    there.sagemaker.update_endpoint(EndpointName="dur-failing", EndpointConfigName="dur-to-broken")
    there.sagemaker.delete_endpoint(EndpointName="dur-leaving")

    home.kill_server()
    home.laptop.up()

    assert there.invoke("steady")[0].startswith("old "), "served again as soon as the runtime answers"
    assert there.invoke("updating")[1] == "a", "the old variant serves while the update is made again"
    again = there.describe("steady")
    for field in ("EndpointStatus", "EndpointConfigName", "CreationTime", "LastModifiedTime", "ProductionVariants"):
        assert again[field] == steady[field]
    gate.touch()
    updated = there.settle("updating")
    assert updated["EndpointConfigName"] == "dur-to-slow"
    assert there.invoke("updating", TargetVariant="slow")[0].startswith("slow ")
    assert there.settle("creating")["EndpointStatus"] == "InService"
    failed = there.settle("failing")
    assert (failed["EndpointStatus"], failed["EndpointConfigName"]) == ("InService", "dur-only-a")
    assert "variant broken did not pass" in failed["FailureReason"]

    (warm,) = (row.pid for row in home.laptop.status() if row.name == "warm")
    before = _served_by(there, "steady")
    os.kill(warm, signal.SIGKILL)
    wait_until(lambda: _served_by(there, "steady") not in ("", before), "the model runs in a new warm process")

    listed = there.sagemaker.list_endpoints
    wait_until(lambda: not listed(NameContains="dur-leaving")["Endpoints"], "the deleted endpoint is gone")
