"""The table to analyse, as it stands in its files: which columns it has and what each of them is to the analysis."""

from __future__ import annotations

import difflib
import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from contender.local.containers.clarify.config import CSV, JSON, JSON_LINES, AnalysisConfig, ExtraDataset
from contender.local.containers.clarify.errors import ClarifyError
from contender.local.containers.clarify.fields import Name
from contender.local.containers.clarify.json_dataset import read_json, unique

GZIP_START = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Cells are text where the files are CSV, JSON values otherwise; `features` is what the model is sent, in order."""

    cells: pd.DataFrame
    features: tuple[str, ...]
    label: str | None
    predicted_label: str | None
    joinsource: str | None

    def column(self, name_or_index: Name, what: str) -> str:
        """The name of the column that the configuration calls `what`. Raises ClarifyError."""
        return find(list(self.cells.columns), name_or_index, what)


def load_dataset(config: AnalysisConfig, folder: Path) -> Dataset:
    """Read every file below `folder`. Raises ClarifyError."""
    contents = [(path.relative_to(folder).as_posix(), _content(path)) for path in _files(folder)]
    if not contents:
        raise ClarifyError(f"the dataset has no file: nothing was put into {folder}")
    if config.dataset_type in (JSON_LINES, JSON):
        cells, label, predicted = read_json(config, contents)
    else:
        cells = _from_csv(config, contents) if config.dataset_type == CSV else _from_parquet(config, contents)
        names = list(cells.columns)
        label = None if config.label is None else find(names, config.label, "label")
        predicted = None if config.predicted_label is None else find(names, config.predicted_label, "predicted_label")
    if cells.empty:
        raise ClarifyError("the dataset has no rows")
    names = list(cells.columns)
    joinsource = None if config.joinsource is None else find(names, config.joinsource, "joinsource_name_or_index")
    excluded = {find(names, each, "excluded_columns") for each in config.excluded_columns}
    apart = excluded | {label, predicted, joinsource}
    features = tuple(name for name in names if name not in apart)
    if not features:
        raise ClarifyError("the dataset has no feature: every column is the label, the join source or excluded")
    return Dataset(cells, features, label, predicted, joinsource)


def load_rows(config: AnalysisConfig, folder: Path, names: Sequence[str], what: str) -> pd.DataFrame:
    """The rows of other CSV files with the columns `names`, in that order or under a header."""
    cells = _beside(folder, what)
    if list(cells.iloc[0]) == list(names):
        cells = cells.iloc[1:].reset_index(drop=True)
    if cells.shape[1] != len(names):
        raise ClarifyError(f"{what} has {cells.shape[1]} columns, but the dataset has {len(names)} features")
    cells.columns = pd.Index(names)
    return cells


def with_extra(dataset: Dataset, extra: ExtraDataset, folder: Path, what: str) -> tuple[Dataset, list[str]]:
    """The dataset with the columns of another one beside its own, joined by the join source or else row by row."""
    cells = _beside(folder, what)
    headers = list(extra.headers or ())
    if not headers:
        headers, cells = [str(cell) for cell in cells.iloc[0]], cells.iloc[1:].reset_index(drop=True)
    if len(headers) != cells.shape[1]:
        raise ClarifyError(f"{what} has {cells.shape[1]} columns, but {len(headers)} headers")
    cells.columns = pd.Index(headers)
    added = [name for name in headers if name != dataset.joinsource]
    if doubled := [name for name in added if name in dataset.cells.columns]:
        raise ClarifyError(f"{what} has the column {doubled[0]!r}, which the dataset has already")
    if dataset.joinsource in headers:
        if cells[dataset.joinsource].duplicated().any():
            raise ClarifyError(f"{what} has more than one row for a value of {dataset.joinsource!r}")
        joined = dataset.cells.merge(cells, on=dataset.joinsource, how="left", validate="many_to_one")
        if missing := int(joined[added].isna().all(axis=1).sum()):
            raise ClarifyError(f"{what} has no row for {missing} of the dataset's {len(joined)} rows")
    elif len(cells) != len(dataset.cells):
        raise ClarifyError(
            f"{what} has {len(cells)} rows and the dataset {len(dataset.cells)}: name joinsource_name_or_index, "
            "a column of both that tells which belong together"
        )
    else:
        joined = pd.concat([dataset.cells, cells], axis=1)
    return Dataset(joined, dataset.features, dataset.label, dataset.predicted_label, dataset.joinsource), added


def find(names: Sequence[str], name_or_index: Name, what: str) -> str:
    """Raises ClarifyError, which names the nearest column, if there is none of that name or index."""
    if isinstance(name_or_index, int):
        if 0 <= name_or_index < len(names):
            return names[name_or_index]
        raise ClarifyError(f"{what} {name_or_index} is no column's index: the dataset has {len(names)} columns")
    if name_or_index in names:
        return name_or_index
    near = difflib.get_close_matches(name_or_index, names, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"its columns are {', '.join(map(repr, names[:30]))}"
    raise ClarifyError(f"{what} {name_or_index!r} is not a column of the dataset; {hint}")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith((".", "_")))


def _beside(folder: Path, what: str) -> pd.DataFrame:
    """CSV files that belong to a dataset, whatever their first line is."""
    tables = [table for path in _files(folder) if not (table := _csv(path.name, _content(path))).empty]
    if not tables:
        raise ClarifyError(f"{what} has no rows")
    return pd.concat(tables, ignore_index=True)


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if content.startswith(GZIP_START) else content


def _csv(name: str, content: bytes) -> pd.DataFrame:
    try:
        return pd.read_csv(io.BytesIO(content), header=None, dtype=str, keep_default_na=False, na_filter=False)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ClarifyError(f"{name} is not CSV that can be read: {reason}") from error


def _from_csv(config: AnalysisConfig, contents: Sequence[tuple[str, bytes]]) -> pd.DataFrame:
    tables = [table for name, content in contents if not (table := _csv(name, content)).empty]
    if not tables:
        raise ClarifyError("the dataset has no rows")
    widths = {table.shape[1] for table in tables}
    if len(widths) > 1:
        raise ClarifyError(f"the dataset's files have different numbers of columns: {sorted(widths)}")
    first = [str(cell).strip() for cell in tables[0].iloc[0]]
    headers = list(config.headers or (first if _is_header(config, tables[0]) else ()))
    headers = headers or [f"column_{number}" for number in range(len(first))]
    if len(headers) != len(first):
        raise ClarifyError(
            f"Headers in config do not match with the number of columns in the dataset: {len(headers)} headers, "
            f"{len(first)} columns"
        )
    bodies = [table.iloc[1:] if [str(cell).strip() for cell in table.iloc[0]] == headers else table for table in tables]
    cells = pd.concat(bodies, ignore_index=True)
    cells.columns = pd.Index(unique(headers))
    return cells


def _is_header(config: AnalysisConfig, table: pd.DataFrame) -> bool:
    """Whether the first line names columns: it holds a column that the configuration names, or looks like names."""
    first = [str(cell).strip() for cell in table.iloc[0]]
    named = [config.label, config.predicted_label, config.group_variable, config.joinsource]
    named += [facet.column for facet in config.facets]
    if any(isinstance(name, str) and name in first for name in named):
        return True
    if len(set(first)) < len(first) or any(_is_number(cell) for cell in first):
        return False
    return len(table) > 1 and any(_is_number(str(cell)) for cell in table.iloc[1])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _from_parquet(config: AnalysisConfig, contents: Sequence[tuple[str, bytes]]) -> pd.DataFrame:
    try:
        cells = pd.concat([pd.read_parquet(io.BytesIO(content)) for _, content in contents], ignore_index=True)
    except (ValueError, OSError) as error:
        raise ClarifyError(f"the dataset is not Parquet that can be read: {error}") from error
    if config.headers is not None:
        if len(config.headers) != cells.shape[1]:
            raise ClarifyError(f"headers has {len(config.headers)} names, but the dataset {cells.shape[1]} columns")
        cells.columns = pd.Index(config.headers)
    cells.columns = pd.Index(unique([str(name) for name in cells.columns]))
    return cells.astype(object).where(cells.notna(), None)
