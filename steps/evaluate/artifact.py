"""Answer rows with a packed model, through the serving code in its own artifact.

What is judged is therefore what will serve. Needs numpy, and whatever the artifact's code imports.
"""

import importlib.util
import shutil
import statistics
import sys
import tarfile
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

MAX_UNPACKED_BYTES = 4 * 1024**3
WARM_UP_REQUESTS = 10
TIMED_REQUESTS = 200


class CannotEvaluate(Exception):
    """A model or the rows cannot be used; the message says why."""


class Served:
    """A loaded model and the functions that an endpoint would call. `name` says whose it is."""

    def __init__(self, module, model, name):
        self._module = module
        self._model = model
        self._name = name

    def answers(self, body, rows):
        """The probabilities for the body's rows."""
        text = self._respond(body)
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        probabilities = np.array(text.replace(",", " ").split(), dtype=float)
        if len(probabilities) != rows or not np.isfinite(probabilities).all():
            raise CannotEvaluate(f"the {self._name} gave {len(probabilities)} usable answers to {rows} rows")
        return probabilities

    def refusal(self, body):
        """Why the model does not read the body's rows; "" if it does."""
        try:
            matrix = self._module.input_fn(body, "text/csv")
        except ValueError as error:
            return str(error)
        return str(matrix) if isinstance(matrix, Exception) else ""

    def latency_ms(self, bodies):
        """Median time of a warm request, each of the bodies in turn: reading, predicting and writing, no network."""
        for number in range(WARM_UP_REQUESTS):
            self._respond(bodies[number % len(bodies)])
        times = []
        for number in range(TIMED_REQUESTS):
            body = bodies[number % len(bodies)]
            began = time.perf_counter()
            self._respond(body)
            times.append(time.perf_counter() - began)
        return statistics.median(times) * 1000

    def _respond(self, body):
        try:
            matrix = self._module.input_fn(body, "text/csv")
            if isinstance(matrix, Exception):  # in AWS's image inference.py hands a refusal on instead of raising it
                raise matrix
            answer = self._module.output_fn(self._module.predict_fn(matrix, self._model), "text/csv")
        except Exception as error:
            raise _silent(self._name, error) from error
        return answer[0] if isinstance(answer, tuple) else answer


@contextmanager
def opened(archive, name):
    """The model of an artifact, ready to answer. CannotEvaluate where there is none, or it does not load."""
    with tempfile.TemporaryDirectory() as folder:
        _unpack(archive, Path(folder), name)
        script = Path(folder) / "code" / "inference.py"
        if not script.is_file():
            raise CannotEvaluate(f"the {name}'s artifact has no code/inference.py")
        try:
            module = _load(script, "inference_of_" + name.split()[0])
            model = module.model_fn(folder)
        except Exception as error:
            raise _silent(name, error) from error
        yield Served(module, model, name)


def _silent(name, error):
    return CannotEvaluate(f"the {name} cannot answer the held-out rows: {error}")


def _load(script, name):
    spec = importlib.util.spec_from_file_location(name, script)
    module = importlib.util.module_from_spec(spec)
    wrote, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = wrote
    return module


def _unpack(archive, folder, name):
    """Files and folders of a tar into `folder`; a link, a device or a path outside is refused."""
    if not archive.is_file():
        raise CannotEvaluate(f"the {name} has no {archive.name}")
    root = folder.resolve()
    size = 0
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                target = (root / member.name).resolve()
                if target != root and root not in target.parents:
                    raise CannotEvaluate(f"the {name}'s artifact holds {member.name!r}, a path outside of it")
                if member.isdir():
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                if not member.isfile():
                    raise CannotEvaluate(f"the {name}'s artifact holds {member.name!r}, which is a link or a device")
                size += member.size
                if size > MAX_UNPACKED_BYTES:
                    raise CannotEvaluate(f"the {name}'s artifact unpacks to more than {MAX_UNPACKED_BYTES} bytes")
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    shutil.copyfileobj(tar.extractfile(member), file)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise CannotEvaluate(f"the {name}'s {archive.name} cannot be unpacked: {error}") from error
