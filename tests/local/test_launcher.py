"""The laptop's switch: what is on after `up`, what is gone after `down`, and what a caller is told."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from contender.local.launcher import processes
from contender.local.launcher.environment import exports
from contender.local.launcher.failure import LaptopFailure
from contender.local.launcher.guests import Guest
from contender.local.launcher.laptop import Laptop, Ports
from tests.local.running import eventually

ANY = Ports(aws=0, sagemaker=0, runtime=0)


def laptop_at(home: Path) -> Laptop:
    return Laptop(home, sagemaker_module="tests.local.stand_in_server")


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    laptop = laptop_at(tmp_path / "home")
    yield laptop
    laptop.down()


def pids(laptop: Laptop) -> dict[str, int]:
    return {each.name: each.pid for each in laptop.status()}


def test_up_starts_what_answers_and_lists_every_process(laptop: Laptop) -> None:
    addresses = laptop.up(ANY)
    rows = {each.name: each for each in laptop.status()}
    assert set(rows) == {"aws", "sagemaker", "child"}
    assert (rows["aws"].address, rows["sagemaker"].address) == (addresses.aws, addresses.sagemaker)
    assert all(each.state == "running" and each.memory_mb > 1 for each in rows.values())
    with urllib.request.urlopen(f"{addresses.aws}/_ministack/health", timeout=5) as answer:
        assert answer.status == 200


def test_up_again_changes_nothing(laptop: Laptop) -> None:
    addresses, running = laptop.up(ANY), pids(laptop)
    assert laptop_at(laptop.home).up(Ports()) == addresses
    assert pids(laptop) == running


def test_two_ups_at_once_start_one_laptop(laptop: Laptop) -> None:
    found = []
    threads = [threading.Thread(target=lambda: found.append(laptop_at(laptop.home).up(ANY))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 2
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["aws", "sagemaker"])
def test_up_replaces_only_what_died(laptop: Laptop, name: str) -> None:
    addresses, before = laptop.up(ANY), pids(laptop)
    os.kill(before[name], signal.SIGKILL)
    if name == "sagemaker":
        os.kill(before["child"], signal.SIGKILL)  # a real server's children notice that it is gone
    eventually(lambda: processes.identify(before[name]) is None)
    assert {each.name: each.state for each in laptop.status()}[name] == "stopped"
    assert laptop.up(ANY) == addresses
    after = pids(laptop)
    other = "sagemaker" if name == "aws" else "aws"
    assert after[name] != before[name]
    assert after[other] == before[other]


def test_down_leaves_nothing_not_even_a_child_that_ignores_it(laptop: Laptop) -> None:
    laptop.up(ANY)
    running = pids(laptop)
    assert laptop.down() == ["aws", "sagemaker"]
    assert [name for name, pid in running.items() if processes.identify(pid)] == []
    assert laptop.status() == []
    assert laptop.down() == []


def test_down_spares_a_stranger_with_a_reused_pid(laptop: Laptop) -> None:
    laptop.up(ANY)
    laptop.down()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        record = json.loads((laptop.home / "processes.json").read_text())
        record["processes"] = {"aws": {"pid": stranger.pid, "started": "long ago"}}
        (laptop.home / "processes.json").write_text(json.dumps(record))
        assert laptop.down() == []
        assert stranger.poll() is None
        stranger.kill()


def test_roles_are_enforced_as_the_last_time_unless_something_else_is_asked_for(laptop: Laptop) -> None:
    def roles() -> str:
        return {each.name: each.roles for each in laptop.status()}["aws"]

    def nobody_may() -> str:
        """What a user without any rights is told."""
        where = {"endpoint_url": laptop.addresses().aws, "region_name": "us-east-1"}
        with contextlib.closing(boto3.client("iam", **where)) as iam:
            iam.create_user(UserName="nobody")
            key = iam.create_access_key(UserName="nobody")["AccessKey"]
        keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        with contextlib.closing(boto3.client("sqs", **where, **keys)) as sqs, pytest.raises(ClientError) as refused:
            sqs.list_queues()
        return str(refused.value.response["Error"]["Code"])

    laptop.up(ANY, enforce_iam=True)
    assert roles() == "enforced"
    with pytest.raises(LaptopFailure, match="roles are enforced by what runs already; stop it first"):
        laptop.up(enforce_iam=False)
    os.kill(pids(laptop)["aws"], signal.SIGKILL)
    laptop_at(laptop.home).up()
    assert roles() == "enforced"
    assert nobody_may().startswith("AccessDenied")
    laptop.down()
    laptop.up(enforce_iam=False)
    assert roles() == "not enforced"


@pytest.mark.parametrize("again", [ANY, Ports()])
def test_ports_of_the_last_time_come_back_unless_others_are_asked_for(laptop: Laptop, again: Ports) -> None:
    first = laptop.up(ANY)
    laptop.down()
    assert laptop.up(again) == first


def test_ports_of_the_last_time_come_back_after_both_were_killed(laptop: Laptop) -> None:
    first = laptop.up(ANY)
    for pid in pids(laptop).values():
        os.kill(pid, signal.SIGKILL)
    assert laptop.up() == first


def test_a_taken_port_is_named_with_its_holder(laptop: Laptop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LaptopFailure) as refused:
            laptop.up(Ports(aws=port, sagemaker=0, runtime=0))
    message = str(refused.value)
    assert f"port {port} for aws is taken by" in message
    assert "--aws-port" in message
    assert "\n" not in message
    if Path("/proc/net/tcp").exists():
        assert f"(pid {os.getpid()})" in message
    assert laptop.status() == []


def test_a_start_that_fails_says_the_last_words_and_leaves_nothing(laptop: Laptop) -> None:
    laptop.home.mkdir()
    (laptop.home / "refuse-to-start").touch()
    with pytest.raises(LaptopFailure, match="sagemaker stopped while starting: the database is from a newer version"):
        laptop.up(ANY)
    assert laptop.status() == []
    assert "aws" not in [name for name, pid in pids(laptop).items() if processes.identify(pid)]


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"addresses": 1, "region": 2, "processes": 3}'])
def test_a_damaged_record_is_one_line(laptop: Laptop, content: str) -> None:
    laptop.home.mkdir()
    record = laptop.home / "processes.json"
    record.write_text(content)
    with pytest.raises(LaptopFailure, match=r"processes\.json is not ours or is damaged"):
        laptop.up(ANY)
    record.unlink()


def test_a_home_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LaptopFailure, match=r"file/home cannot be written .*choose another home"):
        laptop_at(tmp_path / "file" / "home").up(ANY)


def test_the_callers_aws_settings_do_not_reach_the_processes(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("NO_PROXY", "example.com")
    addresses = laptop.up(ANY)
    with urllib.request.urlopen(addresses.sagemaker, timeout=5) as answer:
        seen = json.load(answer)
    assert not [name for name in seen if name.startswith("AWS_")]
    assert seen["NO_PROXY"] == seen["no_proxy"] == "example.com,127.0.0.1,localhost"


def test_env_points_every_tool_here(laptop: Laptop) -> None:
    addresses = laptop.up(ANY)
    env = laptop.env()
    assert env["AWS_ENDPOINT_URL"] == addresses.aws
    assert env["AWS_ENDPOINT_URL_SAGEMAKER"] == addresses.sagemaker
    assert env["AWS_ENDPOINT_URL_SAGEMAKER_METRICS"] == addresses.sagemaker
    assert env["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"] == addresses.runtime
    assert env["CONTENDER_HOME"] == str(laptop.home)
    assert env["SAGEMAKER_VALIDATE_ROLE"] == "false"


def test_env_of_a_laptop_that_is_off_says_how_to_start_it(laptop: Laptop) -> None:
    with pytest.raises(LaptopFailure, match="contender local up"):
        laptop.env()


def test_exports_survive_a_shell_and_unset_what_would_overrule_them() -> None:
    shell = {"AWS_ENDPOINT_URL_S3": "http://elsewhere", "AWS_PROFILE": "production", "PATH": os.environ["PATH"]}
    lines = exports({"AWS_ENDPOINT_URL": "http://here", "CONTENDER_HOME": "/a folder/it's"}, shell)
    script = f'{lines}\necho "$AWS_ENDPOINT_URL|$CONTENDER_HOME|$AWS_PROFILE|$AWS_ENDPOINT_URL_S3"'
    said = subprocess.run(["sh", "-c", script], env=shell, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "http://here|/a folder/it's||"


def test_reset_deletes_what_aws_remembers_and_nothing_else(laptop: Laptop) -> None:
    laptop.up(ANY)
    running = pids(laptop)
    (laptop.home / "sagemaker.sqlite-wal").touch()
    (laptop.home / "run").mkdir(exist_ok=True)
    (laptop.home / "warm.sock").touch()
    (laptop.home / "notes.txt").touch()
    laptop.reset()
    assert {path.name for path in laptop.home.iterdir()} == {"notes.txt", "launcher.lock"}
    assert [name for name, pid in running.items() if processes.identify(pid)] == []


def guest(folder: Path, *words: str, port: int | None = 0) -> Guest:
    command = (sys.executable, str(Path(__file__).with_name("stand_in_server.py")), "--home", str(folder), *words)
    return Guest("page", command, folder, "/", 4599, "--page-port", port)


def row_of(laptop: Laptop, name: str) -> dict[str, str]:
    return {each.name: {"state": each.state, "address": each.address} for each in laptop.status()}[name]


def test_a_guest_goes_up_and_down_with_the_laptop(laptop: Laptop, tmp_path: Path) -> None:
    laptop.up(ANY)
    address = laptop.host(guest(tmp_path))
    eventually(lambda: row_of(laptop, "page") == {"state": "running", "address": address})
    pid = pids(laptop)["page"]
    assert laptop.host(guest(tmp_path)) == address
    assert pids(laptop)["page"] == pid
    assert laptop.down() == ["aws", "sagemaker", "page"]
    assert processes.identify(pid) is None
    assert laptop.status() == []


def test_a_guest_talks_to_the_laptop_from_the_folder_it_is_asked_for(laptop: Laptop, tmp_path: Path) -> None:
    addresses = laptop.up(ANY)
    address = laptop.host(guest(tmp_path))
    eventually(lambda: row_of(laptop, "page")["state"] == "running")
    with urllib.request.urlopen(address, timeout=5) as answer:
        seen = json.load(answer)
    assert seen["AWS_ENDPOINT_URL"] == addresses.aws
    assert seen["PWD"] == str(tmp_path)


def test_a_killed_guest_is_told_and_comes_back_on_its_port(laptop: Laptop, tmp_path: Path) -> None:
    laptop.up(ANY)
    address = laptop.host(guest(tmp_path))
    before = pids(laptop)["page"]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: row_of(laptop, "page")["state"] == "stopped")
    assert laptop.host(guest(tmp_path, port=None)) == address
    assert pids(laptop)["page"] != before


def test_a_guest_that_is_asked_for_otherwise_starts_again_on_its_port(laptop: Laptop, tmp_path: Path) -> None:
    laptop.up(ANY)
    address = laptop.host(guest(tmp_path))
    before = pids(laptop)["page"]
    assert laptop.host(guest(tmp_path, "--region", "elsewhere", port=None)) == address
    assert pids(laptop)["page"] != before
    assert processes.identify(before) is None


def test_a_guest_whose_port_is_taken_says_so_and_leaves_the_laptop_alone(laptop: Laptop, tmp_path: Path) -> None:
    laptop.up(ANY)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(LaptopFailure, match="--page-port 0"):
        laptop.host(guest(tmp_path, port=taken.getsockname()[1]))
    assert set(pids(laptop)) == {"aws", "sagemaker", "child"}


def test_no_guest_without_a_laptop(laptop: Laptop, tmp_path: Path) -> None:
    with pytest.raises(LaptopFailure, match="contender local up"):
        laptop.host(guest(tmp_path))


@pytest.mark.parametrize("content", ['[{"name": 1}]', '[{"name": "page", "identity": null, "command": "sleep 1"}]'])
def test_a_damaged_record_of_guests_is_one_line(laptop: Laptop, tmp_path: Path, content: str) -> None:
    laptop.up(ANY)
    (laptop.home / "guests.json").write_text(content)
    with pytest.raises(LaptopFailure, match=r"guests\.json is not ours or is damaged"):
        laptop.host(guest(tmp_path))
    (laptop.home / "guests.json").unlink()
