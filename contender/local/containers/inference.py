"""A model as AWS's images serve it: what an archive's files mean, and how requests become answers.

    model = load(Path("/opt/ml/model"), os.environ)
    model.invoke(b"1,2,3", "text/csv", "text/csv")      → Answer(200, b"0.25\\n", "text/csv")
    model.invoke_batch([Request(…), …])                 → one Answer each, predicted together where that is possible

`code/inference.py` (or what SAGEMAKER_PROGRAM names) makes it the user's model (`script.py`); otherwise the archive
holds a booster, served as the built-in algorithm does (`booster.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from contender.local.containers.booster import load_booster
from contender.local.containers.invocation import Answer, Model, ModelLoadError, Request
from contender.local.containers.script import load_script

__all__ = ["Answer", "Model", "ModelLoadError", "Request", "load"]

DEFAULT_PROGRAM = "inference.py"


def load(model_dir: Path, environment: Mapping[str, str]) -> Model:
    """Load what serves from an unpacked `model.tar.gz`. Raises ModelLoadError."""
    named = environment.get("SAGEMAKER_PROGRAM")
    program = model_dir / "code" / (named or DEFAULT_PROGRAM)
    if program.is_file():
        return load_script(program, model_dir, environment)
    if named:
        raise ModelLoadError(f"SAGEMAKER_PROGRAM is {named}, but the model archive has no code/{named}")
    return load_booster(model_dir, environment)
