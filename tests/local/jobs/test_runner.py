"""What holds for jobs of every kind: slots, interruption, recovery, the warm process's crash."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from contender.local.jobs.kinds import PROCESSING
from contender.local.jobs.runner import JobRunner
from tests.local.jobs.conftest import BUCKET, Machine, processing_output

SLEEP = "import time; print('asleep'); time.sleep(60)"


@pytest.fixture
def own_machine(aws_url: str, tmp_path: Path) -> Iterator[Machine]:
    """A machine that a test may break."""
    machine = Machine(tmp_path, aws_url)
    yield machine
    machine.close()


def status(machine: Machine, name: str) -> tuple[str, str]:
    described = machine.call("DescribeProcessingJob", ProcessingJobName=name)
    return described["ProcessingJobStatus"], described.get("FailureReason", "")


def test_what_ran_when_the_server_was_killed_has_failed_after_its_start(own_machine: Machine) -> None:
    own_machine.start_processing("running", SLEEP)
    own_machine.log(PROCESSING.log_group, "running")
    own_machine.start_processing("stopping", "import signal, time; signal.signal(15, signal.SIG_IGN)\n" + SLEEP)
    own_machine.log(PROCESSING.log_group, "stopping")
    own_machine.call("StopProcessingJob", ProcessingJobName="stopping")
    JobRunner(own_machine.context).recover()
    assert status(own_machine, "running") == (
        "Failed",
        "InternalServerError: interrupted: the local server stopped while it ran",
    )
    assert status(own_machine, "stopping")[0] == "Stopped"


def test_closing_ends_what_runs_and_says_so(own_machine: Machine) -> None:
    own_machine.start_processing("closed", SLEEP)
    own_machine.log(PROCESSING.log_group, "closed")
    own_machine.context.jobs.close()
    assert status(own_machine, "closed")[0] == "Failed"
    assert "interrupted" in status(own_machine, "closed")[1]


def test_a_crash_of_the_warm_process_fails_its_jobs_and_the_next_one_runs(own_machine: Machine) -> None:
    own_machine.start_processing("crashed", SLEEP)
    own_machine.log(PROCESSING.log_group, "crashed")
    pid = own_machine.context.warm.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    own_machine.context.jobs.wait("processing-job", "crashed")
    assert status(own_machine, "crashed") == (
        "Failed",
        "InternalServerError: the warm process ended, and every job in it",
    )
    assert own_machine.process("after", "print(1)")["ProcessingJobStatus"] == "Completed"


def test_only_as_many_processes_run_as_there_are_slots(machine: Machine) -> None:
    script = """
import os, time
from pathlib import Path
place = Path(os.environ["PLACE"])
mine = place / str(os.getpid())
mine.touch()
Path("/opt/ml/processing/output", "seen").write_text(str(len(list(place.iterdir()))))
time.sleep(0.2)
mine.unlink()
"""
    place = machine.home / "place"
    place.mkdir()
    names = [f"slot-{number}" for number in range(5)]
    for name in names:
        outputs = [processing_output("out", f"s3://{BUCKET}/{name}/out", "/opt/ml/processing/output")]
        machine.start_processing(
            name, script, ProcessingOutputConfig={"Outputs": outputs}, Environment={"PLACE": str(place)}
        )
    for name in names:
        assert machine.context.jobs.wait("processing-job", name)["ProcessingJobStatus"] == "Completed"
    seen = [int(machine.get(f"s3://{BUCKET}/{name}/out/seen")) for name in names]
    assert max(seen) <= machine.context.settings.job_slots


def test_a_job_that_waits_for_a_slot_can_be_stopped(machine: Machine) -> None:
    blockers = [f"blocker-{number}" for number in range(machine.context.settings.job_slots)]
    for name in blockers:
        machine.start_processing(name, SLEEP)
        machine.log(PROCESSING.log_group, name)
    machine.start_processing("queued", SLEEP)
    machine.call("StopProcessingJob", ProcessingJobName="queued")
    assert machine.context.jobs.wait("processing-job", "queued")["ProcessingJobStatus"] == "Stopped"
    for name in blockers:
        machine.call("StopProcessingJob", ProcessingJobName=name)
        machine.context.jobs.wait("processing-job", name)


def test_many_threads_may_wait_for_one_job(machine: Machine) -> None:
    machine.start_processing("awaited", "import time; time.sleep(0.1)")
    found: list[str] = []

    def wait() -> None:
        found.append(machine.context.jobs.wait("processing-job", "awaited")["ProcessingJobStatus"])

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == ["Completed"] * 4
