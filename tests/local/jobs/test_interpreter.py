"""What a job installs stays the job's own."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import zipfile

from tests.local.jobs.conftest import (
    BUCKET,
    XGBOOST,
    Machine,
    channel,
    processing_input,
    processing_output,
    training_request,
)

NAME = "contender_test_only"
WHEEL = f"{NAME}-1.0-py3-none-any.whl"
OUTPUT = "/opt/ml/processing/output"
INSTALL = f"""
import subprocess, sys
pip = [sys.executable, "-m", "pip"] if sys.argv[1] == "module" else ["pip"]
command = [*pip, "install", "--quiet", "--no-index", "/opt/ml/processing/input/wheel/{WHEEL}"]
subprocess.run(command, check=True)
import {NAME}
here = {NAME}.VALUE
code = "import {NAME}, pandas, xgboost; print({NAME}.VALUE)"
there = subprocess.run(["python3", "-c", code], check=True, capture_output=True, text=True).stdout.strip()
open("{OUTPUT}/values.txt", "w").write(f"{{here}} {{there}}")
"""


def wheel() -> bytes:
    """A package that no index has, as pip takes it."""
    metadata = f"{NAME}-1.0.dist-info"
    files = {
        f"{NAME}.py": "VALUE = 42\n",
        f"{metadata}/METADATA": f"Metadata-Version: 2.1\nName: {NAME.replace('_', '-')}\nVersion: 1.0\n",
        f"{metadata}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{name},sha256={_digest(text)},{len(text)}" for name, text in files.items()]
    files[f"{metadata}/RECORD"] = "\n".join([*record, f"{metadata}/RECORD,,"]) + "\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def test_a_package_that_a_job_installs_is_the_jobs_alone(machine: Machine) -> None:
    package = machine.put(f"wheel/{WHEEL}", wheel())
    for how in ("module", "command"):
        name = f"installs-by-{how}"
        described = machine.process(
            name,
            INSTALL,
            inputs=[processing_input("wheel", package, "/opt/ml/processing/input/wheel")],
            ProcessingOutputConfig={"Outputs": [processing_output("out", f"s3://{BUCKET}/{name}/out", OUTPUT)]},
            AppSpecification={
                "ImageUri": XGBOOST,
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/main.py"],
                "ContainerArguments": [how],
            },
        )
        assert described["ProcessingJobStatus"] == "Completed", described["FailureReason"]
        assert machine.get(f"s3://{BUCKET}/{name}/out/values.txt") == b"42 42"
        assert importlib.util.find_spec(NAME) is None


def test_a_shell_that_installs_does_so_for_its_job(machine: Machine) -> None:
    data = machine.put(f"shell/wheel/{WHEEL}", wheel()).rpartition("/")[0]
    request = training_request("shell-installs", InputDataConfig=[channel("wheel", data)])
    line = f"pip install --quiet --no-index /opt/ml/input/data/wheel/{WHEEL} && python3 -c 'import {NAME}'"
    request["AlgorithmSpecification"]["ContainerEntrypoint"] = ["/bin/bash", "-c", line]
    machine.call("CreateTrainingJob", **request)
    machine.context.jobs.wait("training-job", "shell-installs")
    described = machine.call("DescribeTrainingJob", TrainingJobName="shell-installs")
    assert described["TrainingJobStatus"] == "Completed", described["FailureReason"]
    assert importlib.util.find_spec(NAME) is None
