import io
import tarfile
from pathlib import Path

from contender.local.jobs.framework_processor import recognise
from tests.local.jobs.conftest import BUCKET, SKLEARN, Machine, processing_input

# What sagemaker 3.27's FrameworkProcessor uploads as runproc.sh.
RUNPROC = """#!/bin/bash

# Exit on any error. SageMaker uses error code to mark failed job.
set -e

cd /opt/ml/processing/input/code/

# Debug: List files before extraction
echo "Files in /opt/ml/processing/input/code/ before extraction:"
ls -la

# Extract source code
if [ -f sourcedir.tar.gz ]; then
    tar -xzf sourcedir.tar.gz
    echo "Files after extraction:"
    ls -la
else
    echo "ERROR: sourcedir.tar.gz not found!"
    exit 1
fi

if [[ -f 'requirements.txt' ]]; then
    # Some py3 containers has typing, which may breaks pip install
    pip uninstall --yes typing

    python3 /opt/ml/processing/input/code/install_requirements.py requirements.txt
fi

python3 main.py "$@"
"""
MAIN = "import helper, os, sys; print(helper.WORD, sys.argv[1:], os.getcwd(), 'xgboost' in sys.modules)"


def upload(machine: Machine, name: str, **files: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path, text in files.items():
            info = tarfile.TarInfo(path.replace("_", "."))
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    machine.put(f"{name}/source/sourcedir.tar.gz", buffer.getvalue())


def run(machine: Machine, name: str, script: str) -> list[str]:
    entrypoint = machine.put(f"{name}/entrypoint/runproc.sh", script)
    described = machine.process(
        name,
        "",
        inputs=[
            processing_input("source", f"s3://{BUCKET}/{name}/source/", "/opt/ml/processing/input/code/"),
            processing_input("entrypoint", entrypoint, "/opt/ml/processing/input/entrypoint"),
        ],
        AppSpecification={
            "ImageUri": SKLEARN,
            "ContainerEntrypoint": ["/bin/bash", "/opt/ml/processing/input/entrypoint/runproc.sh"],
            "ContainerArguments": ["--rows", "5"],
        },
    )
    assert described["ProcessingJobStatus"] == "Completed", described
    return machine.log("/aws/sagemaker/ProcessingJobs", name)


def test_the_sdks_start_script_runs_its_program_warm(machine: Machine) -> None:
    upload(machine, "framework", main_py=MAIN, helper_py="WORD = 'hello'")
    assert run(machine, "framework", RUNPROC) == ["hello ['--rows', '5'] /opt/ml/processing/input/code True"]


def test_requirements_that_are_met_already_change_nothing(machine: Machine) -> None:
    requirements = "# ours\npandas>=1.0\nnumpy\n"
    upload(machine, "met", main_py=MAIN, helper_py="WORD = 1", requirements_txt=requirements)
    assert run(machine, "met", RUNPROC)[-1].endswith("True")


def test_another_script_runs_as_it_is(machine: Machine) -> None:
    upload(machine, "custom", main_py=MAIN, helper_py="WORD = 'cold'")
    said = run(machine, "custom", RUNPROC + "echo and more\n")
    assert said[-1] == "and more"
    assert said[-2].endswith("False")


def test_only_the_known_shape_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "processing/input/code").mkdir(parents=True)
    (tmp_path / "processing/input/code/sourcedir.tar.gz").touch()
    script = tmp_path / "runproc.sh"
    entrypoint = ["/bin/bash", "/opt/ml/runproc.sh"]
    script.write_text(RUNPROC)
    found = recognise(entrypoint, tmp_path)
    assert found is not None
    assert (found.command, found.script, found.requirements) == (("python3",), "main.py", "requirements.txt")
    assert recognise(["python3", "/opt/ml/runproc.sh"], tmp_path) is None
    script.write_text(RUNPROC.replace("set -e", "set -e\nrm -rf /tmp/x"))
    assert recognise(entrypoint, tmp_path) is None
