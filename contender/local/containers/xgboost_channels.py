"""Channels of the built-in XGBoost algorithm: CSV, libsvm and Parquet files as matrices, label first."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost as xgb

CONTENT_TYPES = {
    "csv": "csv",
    "text/csv": "csv",
    "libsvm": "libsvm",
    "text/libsvm": "libsvm",
    "text/x-libsvm": "libsvm",
    "parquet": "parquet",
    "application/x-parquet": "parquet",
}
TABLES_VARIABLE = "CONTENDER_TABLES"
"""Names a directory for tables that were parsed already; without it every file is parsed."""

DELIMITERS = ",;\t| "


class ChannelError(Exception):
    """A channel the algorithm cannot read; the message names the file and what is wrong with it."""


def format_of(content_type: str | None) -> str:
    """`csv`, `libsvm` (also without a content type, as on AWS) or `parquet`."""
    if not content_type:
        return "libsvm"
    name, *parameters = (part.strip() for part in content_type.lower().split(";"))
    for parameter in parameters:
        if parameter.startswith("label_size=") and parameter != "label_size=1":
            raise ChannelError(f"{content_type} is not an accepted csv ContentType: label_size must be 1")
    if name not in CONTENT_TYPES:
        raise ChannelError(f"{content_type} is not an accepted ContentType: {', '.join(CONTENT_TYPES)}")
    return CONTENT_TYPES[name]


def load(directory: Path, form: str, threads: int, *, weights: bool = False) -> Any:
    """Every file of the channel as one DMatrix.

    `weights`: the second column of CSV files holds the weight of the row.

    Raises:
        ChannelError: no files, or one that cannot be read.
    """
    files = [path for path in sorted(directory.rglob("*")) if path.is_file() and path.name[0] not in "._"]
    if not files:
        raise ChannelError(f"No data in {directory.name} channel path {directory}")
    if form == "libsvm":
        return _libsvm(files, threads)
    read = _csv if form == "csv" else _parquet
    parts = [read(path) for path in files]
    widths = {part.shape[1] for part in parts}
    if len(widths) > 1:
        raise ChannelError(f"The files of channel {directory.name} have different numbers of columns: {sorted(widths)}")
    table = parts[0] if len(parts) == 1 else np.concatenate(parts)
    first = 2 if weights else 1
    if table.shape[1] <= first:
        raise ChannelError(
            f"{files[0].name} has {table.shape[1]} column(s): a label and at least one feature are needed"
        )
    if np.isnan(table[:, 0]).any():
        row = int(np.isnan(table[:, 0]).argmax())
        raise ChannelError(f"channel {directory.name}: row {row + 1} has no label (the first column is empty)")
    return xgb.DMatrix(table[:, first:], label=table[:, 0], weight=table[:, 1] if weights else None, nthread=threads)


def _csv(path: Path) -> Any:
    content = path.read_bytes()
    known = _known_table(content)
    if known is not None and known.exists():
        return np.load(known, allow_pickle=False)
    table = _parse_csv(path, content)
    if known is not None:
        _remember(known, table)
    return table


def _known_table(content: bytes) -> Path | None:
    """Where the table of a file with this content is kept: trials of a tuning read the same one ten times."""
    tables = os.environ.get(TABLES_VARIABLE)
    return Path(tables) / f"{hashlib.sha256(content).hexdigest()}.npy" if tables else None


def _remember(path: Path, table: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as part:
        np.save(part, table, allow_pickle=False)
    os.replace(part.name, path)


def _parse_csv(path: Path, content: bytes) -> Any:
    line = content[: content.find(b"\n") + 1 or len(content)].decode("utf-8", "replace")
    if not line.strip():
        raise ChannelError(f"{path.name} is empty")
    delimiter = max(DELIMITERS, key=line.count)
    try:
        source = io.BytesIO(content)
        return pd.read_csv(source, header=None, dtype="float32", delimiter=delimiter, engine="c").to_numpy()
    except (ValueError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise ChannelError(
            f"Failed to load csv data: {path.name}: {error}. CSV channels hold numbers only, "
            "the label in the first column, and no header"
        ) from error


def _parquet(path: Path) -> Any:
    try:
        return pd.read_parquet(path).to_numpy(dtype="float32")
    except (ValueError, OSError, ImportError) as error:
        raise ChannelError(f"Failed to load parquet data: {path.name}: {error}") from error


def _libsvm(files: list[Path], threads: int) -> Any:
    from sklearn.datasets import load_svmlight_files

    for path in files:
        with open(path, encoding="utf-8", errors="replace") as file:
            line = file.readline()
        parts = line.split()
        if not parts or any(":" not in part for part in parts[1:]):
            raise ChannelError(
                f"First line '{line[:50].strip()}...' of file '{path.name}' is not 'LIBSVM' format. "
                "Please set the channel's ContentType to the format of the file"
            )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = load_svmlight_files([str(path) for path in files], dtype=np.float32, zero_based=True)
    except ValueError as error:
        raise ChannelError(f"Failed to load libsvm data: {error}") from error
    from scipy.sparse import vstack

    return xgb.DMatrix(vstack(loaded[0::2]).tocsr(), label=np.concatenate(loaded[1::2]), nthread=threads)
