import importlib.util
import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from contender.local.jobs.model_trainer import CODE, DRIVERS, ENTRYPOINT, is_recognised
from tests.local.jobs.conftest import SKLEARN, Machine, channel

MAIN = """
import common, json, os, sys
print(common.WORD, sys.argv[1:], os.getcwd(), "xgboost" in sys.modules, os.environ["SM_HP_MAX_DEPTH"])
assert json.loads(os.environ["SM_HPS"])["max-depth"] == 3
if sys.argv[-1] == "c":
    raise ValueError("no such word")
open(os.environ["SM_MODEL_DIR"] + "/model", "w").write("trained")
"""


@pytest.fixture(scope="module")
def sdk() -> Path:
    """The folder of the SDK's own files, found without its two seconds of imports."""
    pytest.importorskip("sagemaker.core", reason="the SDK's files are what is recognised")
    found = importlib.util.find_spec("sagemaker.train.container_drivers")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def start_script(sdk: Path, requirements: str = "") -> str:
    templates = runpy.run_path(str(sdk.parent / "templates.py"))
    script: str = templates["TRAIN_SCRIPT_TEMPLATE"].format(
        working_dir=f"cd {CODE} \n",
        install_requirements=templates["INSTALL_REQUIREMENTS"].format(requirements_file=requirements)
        if requirements
        else "",
        execute_driver=templates["EXECUTE_BASIC_SCRIPT_DRIVER"],
    )
    return script


def lay_out(ml: Path, script: str, program: str = "train.py") -> None:
    for place, text in (("sm_train.sh", script), ("sourcecode.json", json.dumps({"entry_script": program}))):
        (ml / "input/data/sm_drivers").mkdir(parents=True, exist_ok=True)
        (ml / "input/data/sm_drivers" / place).write_text(text)
    (ml / "input/data/code").mkdir(parents=True, exist_ok=True)


def test_only_the_sdks_own_script_for_python_is_recognised(sdk: Path, tmp_path: Path) -> None:
    lay_out(tmp_path, start_script(sdk))
    assert is_recognised(ENTRYPOINT, tmp_path)
    assert not is_recognised(["/bin/bash", "-c", f"{DRIVERS}/sm_train.sh"], tmp_path)
    lay_out(tmp_path, start_script(sdk).replace("set -x\n\ncd", "set -x\nrm -f x\ncd"))
    assert not is_recognised(ENTRYPOINT, tmp_path)
    lay_out(tmp_path, start_script(sdk), program="train.sh")
    assert not is_recognised(ENTRYPOINT, tmp_path)
    assert not is_recognised(ENTRYPOINT, tmp_path / "elsewhere")


def test_requirements_that_are_not_met_need_an_interpreter_of_their_own(sdk: Path, tmp_path: Path) -> None:
    lay_out(tmp_path, start_script(sdk, "needs.txt"))
    needs = tmp_path / "input/data/code/needs.txt"
    needs.write_text("pandas\n")
    assert is_recognised(ENTRYPOINT, tmp_path)
    needs.write_text("pandas==0.1\n")
    assert not is_recognised(ENTRYPOINT, tmp_path)


def run(machine: Machine, sdk: Path, name: str, word: str) -> dict[str, Any]:
    files = {f"drivers/{path.relative_to(sdk)}": path.read_text() for path in sorted(sdk.rglob("*.py"))}
    files["drivers/sm_train.sh"] = start_script(sdk)
    files["drivers/sourcecode.json"] = json.dumps({"entry_script": "train.py"})
    files |= {"code/train.py": MAIN, "code/common.py": "WORD = 'hello'"}
    for path, text in files.items():
        machine.put(f"{name}/{path}", text)
    return machine.train(
        name,
        AlgorithmSpecification={
            "TrainingImage": SKLEARN,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ENTRYPOINT[:1],
            "ContainerArguments": ENTRYPOINT[1:],
        },
        HyperParameters={"max-depth": "3", "word": json.dumps(word)},
        InputDataConfig=[
            channel("sm_drivers", f"s3://jobs/{name}/drivers"),
            channel("code", f"s3://jobs/{name}/code"),
        ],
    )


def test_the_users_script_runs_warm(machine: Machine, sdk: Path) -> None:
    described = run(machine, sdk, "trainer", "a b")
    assert described["TrainingJobStatus"] == "Completed", described["FailureReason"]
    said = machine.log("/aws/sagemaker/TrainingJobs", "trainer")
    assert said[-1] == f"hello ['--max-depth', '3', '--word', 'a b'] {CODE} True 3"
    assert machine.get(described["ModelArtifacts"]["S3ModelArtifacts"])


def test_a_failure_says_what_the_script_said(machine: Machine, sdk: Path) -> None:
    described = run(machine, sdk, "trainer-fails", "c")
    assert described["FailureReason"] == "AlgorithmError: ValueError: no such word, exit code: 1"
    assert not any("runpy" in line for line in machine.log("/aws/sagemaker/TrainingJobs", "trainer-fails"))
