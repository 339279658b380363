"""A champion's registered baseline made comparable with what its endpoint captures.

    statistics.json, constraints.json of the baseline ┐
    encoder.json of the model's artifact              ├─► statistics.json · constraints.json · preprocessor.py
    record.py (beside this file)                      ┘

    constraints.json of the quality baseline ─► constraints.json, less strict by a margin

Captured rows have no label and, as CSV, no header: the script names their columns. The baseline's features come in the
order of their names and are those that the script gives, so that by name and by place the same ones are compared.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

from contender.errors import DataError
from contender.watching import record

ENCODER = "encoder.json"


def script_digest() -> str:
    """Changes when the script does, so that a new one reaches every schedule."""
    return hashlib.sha256(inspect.getsource(record).encode()).hexdigest()[:16]


def prepare(statistics: bytes, constraints: bytes, artifact: bytes, *, what: str) -> dict[str, bytes]:
    """The files to compare with, by name. DataError says what cannot be used of `what`."""
    encoder = read_encoder(artifact, what)
    features = sorted(set(encoder["columns"]) - set(encoder["dropped"]))
    return {
        "statistics.json": _sorted(statistics, features, f"statistics of {what}"),
        "constraints.json": _sorted(constraints, features, f"constraints of {what}"),
        "preprocessor.py": script(encoder).encode(),
    }


def script(encoder: Mapping[str, Any]) -> str:
    """The source of `record.py` for these columns."""
    used = {name: encoder[name] for name in ("columns", "dropped", "missing")}
    features = [{"column": each["column"], "kind": each["kind"]} for each in encoder["features"]]
    literal = json.dumps(json.dumps({**used, "features": features}))
    return f"{inspect.getsource(record)}\n\nENCODER = json.loads({literal})\n"


def relaxed(constraints: bytes, margin: float, *, what: str) -> bytes:
    """The constraints of a binary model's quality, each limit `margin` further from the baseline's own value.

    What the check suggests are the very values of the held-out rows: of as good a model's next answers half are worse.
    """
    try:
        document = json.loads(constraints)
        for limit in document["binary_classification_constraints"].values():
            way = 1 if limit["comparison_operator"].startswith("Greater") else -1
            limit["threshold"] = float(limit["threshold"]) + way * margin
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{what} are no constraints of a binary model's quality: {error}") from error
    return json.dumps(document).encode()


def read_encoder(artifact: bytes, what: str) -> Mapping[str, Any]:
    """How a model reads its rows, out of its model.tar.gz."""
    try:
        with tarfile.open(fileobj=io.BytesIO(artifact)) as archive:
            member = archive.extractfile(ENCODER)
            found: Mapping[str, Any] = json.loads(member.read()) if member else {}
        if not {"columns", "dropped", "missing", "features"} <= found.keys():
            raise KeyError(ENCODER)
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise DataError(f"{what} has no usable {ENCODER} in its artifact, so captured columns have no names") from error
    return found


def _sorted(body: bytes, features: list[str], what: str) -> bytes:
    try:
        document = json.loads(body)
        known = {feature["name"]: feature for feature in document["features"]}
        document["features"] = [known[name] for name in features]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{what} do not describe the columns that are captured: {error}") from error
    return json.dumps(document).encode()
