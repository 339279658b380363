import json
from typing import Any

import pytest

from contender.local.api.errors import ApiError, ResourceInUse, ValidationException
from tests.local.jobs.conftest import BUCKET, SKLEARN, Machine, processing_input, processing_output

COPY = """
import os, sys
from pathlib import Path
text = Path("/opt/ml/processing/input/data/a.txt").read_text()
print("copying", text)
Path("/opt/ml/processing/output/b.txt").write_text(text + " " + " ".join(sys.argv[1:]) + os.environ["GREETING"])
"""
OUTPUT = "/opt/ml/processing/output"


def test_inputs_arguments_and_environment_go_in_and_outputs_come_out(machine: Machine) -> None:
    data = machine.put("copy/in/a.txt", "one")
    described = machine.process(
        "copy",
        COPY,
        inputs=[processing_input("data", data, "/opt/ml/processing/input/data")],
        ProcessingOutputConfig={"Outputs": [processing_output("out", f"s3://{BUCKET}/copy/out", OUTPUT)]},
        AppSpecification={
            "ImageUri": SKLEARN,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/main.py"],
            "ContainerArguments": ["two", "three"],
        },
        Environment={"GREETING": "!"},
    )
    assert described["ProcessingJobStatus"] == "Completed"
    assert described["ProcessingStartTime"] <= described["ProcessingEndTime"]
    assert machine.get(f"s3://{BUCKET}/copy/out/b.txt") == b"one two three!"
    assert machine.log("/aws/sagemaker/ProcessingJobs", "copy") == ["copying one"]
    states = [
        detail["ProcessingJobStatus"] for kind, detail in machine.events if detail.get("ProcessingJobName") == "copy"
    ]
    assert states == ["InProgress", "Completed"]


def test_a_failing_script_fails_the_job_with_its_error_and_exit_code(machine: Machine) -> None:
    described = machine.process("raises", "raise ValueError('no label column')")
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["FailureReason"] == "AlgorithmError: ValueError: no label column, exit code: 1"
    described = machine.process("exits", "import sys; print('bad input', file=sys.stderr); sys.exit(7)")
    assert described["FailureReason"] == "AlgorithmError: bad input, exit code: 7"


def test_the_message_file_becomes_the_exit_message(machine: Machine) -> None:
    script = "open('/opt/ml/output/message', 'w').write('all rows were empty'); raise SystemExit(3)"
    described = machine.process("message", script)
    assert described["ExitMessage"] == "all rows were empty"
    assert described["ProcessingJobStatus"] == "Failed"


def test_a_crash_names_the_signal(machine: Machine) -> None:
    described = machine.process("crash", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert described["FailureReason"] == "AlgorithmError: killed by SIGSEGV, exit code: 139"


def test_missing_input_data_is_named(machine: Machine) -> None:
    nothing = processing_input("data", f"s3://{BUCKET}/nothing/here", "/opt/ml/processing/input/data")
    described = machine.process("missing", "", inputs=[nothing])
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["FailureReason"] == (
        f"ClientError: Data download failed: S3 key: s3://{BUCKET}/nothing/here matched no files on s3"
    )


def test_an_unknown_image_fails_with_the_known_ones(machine: Machine) -> None:
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.0"
    application = {"ImageUri": image, "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/main.py"]}
    reason = machine.process("unknown-image", "", AppSpecification=application)["FailureReason"]
    assert image in reason
    assert "sagemaker-xgboost or sagemaker-scikit-learn" in reason


@pytest.mark.parametrize(
    ("repository", "complaint"),
    [("sagemaker-model-monitor-analyzer", "dataset_source"), ("sagemaker-clarify-processing:1.0", "analysis_config")],
)
def test_an_image_with_an_entrypoint_of_its_own_starts_it(machine: Machine, repository: str, complaint: str) -> None:
    image = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{repository}"
    name = f"own-{repository.partition(':')[0]}"
    described = machine.process(name, "", AppSpecification={"ImageUri": image})
    assert complaint in described["FailureReason"]
    assert complaint in described["ExitMessage"]
    assert described["FailureReason"].endswith("exit code: 255")


def test_an_image_without_one_needs_an_entrypoint(machine: Machine) -> None:
    reason = machine.process("no-entrypoint", "", AppSpecification={"ImageUri": SKLEARN})["FailureReason"]
    assert reason.endswith("is not known on this machine; give AppSpecification.ContainerEntrypoint")


def test_stop_stops_even_a_script_that_ignores_it(machine: Machine) -> None:
    machine.start_processing("polite", "import time; time.sleep(60)")
    machine.call("StopProcessingJob", ProcessingJobName="polite")
    assert machine.context.jobs.wait("processing-job", "polite")["ProcessingJobStatus"] == "Stopped"
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(60)"
    machine.start_processing("deaf", deaf)
    machine.log("/aws/sagemaker/ProcessingJobs", "deaf")
    machine.call("StopProcessingJob", ProcessingJobName="deaf")
    assert machine.call("DescribeProcessingJob", ProcessingJobName="deaf")["ProcessingJobStatus"] == "Stopping"
    assert machine.context.jobs.wait("processing-job", "deaf")["ProcessingJobStatus"] == "Stopped"


def test_a_job_past_its_time_is_stopped_and_says_so(machine: Machine) -> None:
    described = machine.process("slow", "import time; time.sleep(60)", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert described["ProcessingJobStatus"] == "Stopped"
    assert described["FailureReason"] == "ClientError: the job ran longer than MaxRuntimeInSeconds (1)"


def test_a_job_that_outgrows_its_memory_fails_and_says_by_how_much(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTENDER_LOCAL_JOB_MEMORY_MB", "100")
    described = machine.process("hungry", "import time; x = b'x' * 150_000_000; time.sleep(60)")
    assert described["ProcessingJobStatus"] == "Failed"
    assert "its instance has 100 MB" in described["FailureReason"]


def test_any_command_runs_not_only_python(machine: Machine) -> None:
    application = {"ImageUri": SKLEARN, "ContainerEntrypoint": ["bash", "-c", "cat /opt/ml/config/*.json > $OUT/c"]}
    described = machine.process(
        "shell",
        "",
        AppSpecification=application,
        Environment={"OUT": OUTPUT},
        ProcessingOutputConfig={"Outputs": [processing_output("out", f"s3://{BUCKET}/shell/out", OUTPUT)]},
    )
    assert described["ProcessingJobStatus"] == "Completed"
    assert b'"ProcessingJobName": "shell"' in machine.get(f"s3://{BUCKET}/shell/out/c")


def test_a_manifest_names_its_objects(machine: Machine) -> None:
    machine.put("manifest/x/1.txt", "1")
    machine.put("manifest/2.txt", "2")
    uri = machine.put("manifest.json", json.dumps([{"prefix": f"s3://{BUCKET}/manifest/"}, "x/1.txt", "2.txt"]))
    script = """
from pathlib import Path
root = Path("/opt/ml/processing/input/data")
print(sorted(str(path.relative_to(root)) for path in root.rglob("*.txt")))
"""
    place = processing_input("data", uri, "/opt/ml/processing/input/data", "ManifestFile")
    assert machine.process("manifest", script, inputs=[place])["ProcessingJobStatus"] == "Completed"
    assert machine.log("/aws/sagemaker/ProcessingJobs", "manifest") == ["['2.txt', 'x/1.txt']"]


def test_names_are_unique_and_unknown_ones_are_not_found(machine: Machine) -> None:
    machine.process("twice", "")
    with pytest.raises(ResourceInUse, match="already exists"):
        machine.start_processing("twice", "")
    for operation in ("DescribeProcessingJob", "StopProcessingJob"):
        with pytest.raises(ValidationException, match="name: never"):
            machine.call(operation, ProcessingJobName="never")
    with pytest.raises(ApiError, match="in status Completed"):
        machine.call("StopProcessingJob", ProcessingJobName="twice")


def test_a_path_outside_of_the_containers_is_refused(machine: Machine) -> None:
    with pytest.raises(ApiError, match=r"'data': LocalPath must begin with /opt/ml/processing"):
        machine.start_processing("outside", "", inputs=[processing_input("data", f"s3://{BUCKET}/a", "/etc")])


def test_lists_filter_by_name_and_status(machine: Machine) -> None:
    machine.process("listed-good", "")
    machine.process("listed-bad", "1 / 0")

    def names(**filters: Any) -> list[str]:
        found = machine.call(
            "ListProcessingJobs", NameContains="listed", SortBy="Name", SortOrder="Ascending", **filters
        )
        return [summary["ProcessingJobName"] for summary in found["ProcessingJobSummaries"]]

    assert names() == ["listed-bad", "listed-good"]
    assert names(StatusEquals="Failed") == ["listed-bad"]


def test_tags_are_kept(machine: Machine) -> None:
    described = machine.process("tagged", "", Tags=[{"Key": "team", "Value": "churn"}])
    tags = machine.call("ListTags", ResourceArn=described["ProcessingJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "churn"}]
