"""Script mode: a training script of the user's in AWS's framework image, and the variables it finds there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

PROGRAM = "sagemaker_program"
SUBMIT_DIRECTORY = "sagemaker_submit_directory"
CODE = "/opt/ml/code"
INPUT = "/opt/ml/input"
MODEL = "/opt/ml/model"
OUTPUT = "/opt/ml/output"


def decode(hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """Hyperparameters as the SDK meant them: it writes each as JSON; what is no JSON is text."""
    return {name: _decode(text) for name, text in hyperparameters.items()}


def user_arguments(hyperparameters: Mapping[str, Any]) -> list[str]:
    """The script's command line: `--name value` for every hyperparameter that is the user's, by name."""
    arguments: list[str] = []
    for name in sorted(hyperparameters):
        if not name.startswith("sagemaker_"):
            arguments += [f"-{name}" if len(name) == 1 else f"--{name}", _text(hyperparameters[name])]
    return arguments


def command(program: str, arguments: Sequence[str]) -> tuple[str, ...]:
    """How the image starts `program`: Python for Python, a shell for the rest."""
    return ("python3", program, *arguments) if program.endswith(".py") else ("/bin/sh", f"./{program}", *arguments)


def variables(
    job_name: str,
    hyperparameters: Mapping[str, Any],
    channels: Mapping[str, Mapping[str, str]],
    resources: Mapping[str, Any],
    threads: int,
) -> dict[str, str]:
    """The SM_* variables of AWS's training toolkit; `channels` and `resources` are the files of input/config."""
    own = {name: value for name, value in hyperparameters.items() if not name.startswith("sagemaker_")}
    program = str(hyperparameters.get(PROGRAM, ""))
    module = program.removesuffix(".py")
    directories = {name: f"{INPUT}/data/{name}" for name in channels}
    arguments = user_arguments(hyperparameters)
    training_env = {
        "channel_input_dirs": directories,
        "current_host": "algo-1",
        "hosts": ["algo-1"],
        "hyperparameters": own,
        "input_config_dir": f"{INPUT}/config",
        "input_data_config": channels,
        "input_dir": INPUT,
        "is_master": True,
        "job_name": job_name,
        "log_level": 20,
        "master_hostname": "algo-1",
        "model_dir": MODEL,
        "module_dir": str(hyperparameters.get(SUBMIT_DIRECTORY, CODE)),
        "module_name": module,
        "network_interface_name": "lo",
        "num_cpus": threads,
        "num_gpus": 0,
        "output_data_dir": f"{OUTPUT}/data",
        "output_dir": OUTPUT,
        "output_intermediate_dir": f"{OUTPUT}/intermediate",
        "resource_config": resources,
        "user_entry_point": program,
    }
    plain = {
        "SM_MODEL_DIR": MODEL,
        "SM_INPUT_DIR": INPUT,
        "SM_INPUT_CONFIG_DIR": f"{INPUT}/config",
        "SM_OUTPUT_DIR": OUTPUT,
        "SM_OUTPUT_DATA_DIR": f"{OUTPUT}/data",
        "SM_OUTPUT_INTERMEDIATE_DIR": f"{OUTPUT}/intermediate",
        "SM_CURRENT_HOST": "algo-1",
        "SM_CURRENT_INSTANCE_TYPE": str(resources.get("current_instance_type", "")),
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_NUM_CPUS": str(threads),
        "SM_NUM_GPUS": "0",
        "SM_LOG_LEVEL": "20",
        "SM_MODULE_NAME": module,
        "SM_MODULE_DIR": training_env["module_dir"],
        "SM_USER_ENTRY_POINT": program,
    }
    structured = {
        "SM_HOSTS": ["algo-1"],
        "SM_CHANNELS": sorted(channels),
        "SM_HPS": own,
        "SM_INPUT_DATA_CONFIG": channels,
        "SM_RESOURCE_CONFIG": resources,
        "SM_TRAINING_ENV": training_env,
        "SM_USER_ARGS": arguments,
    }
    return {
        **{name: str(value) for name, value in plain.items()},
        **{name: json.dumps(value) for name, value in structured.items()},
        **{f"SM_CHANNEL_{name.upper()}": place for name, place in directories.items()},
        **{f"SM_HP_{name.upper()}": _text(value) for name, value in own.items()},
    }


def _decode(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, dict | list) else str(value)
