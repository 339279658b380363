"""The table to analyse, as it stands in its files: which columns it has and what each of them is to the analysis."""

from __future__ import annotations

import difflib
import gzip
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jmespath
import pandas as pd

from contender.local.containers.clarify.config import CSV, JSON, JSON_LINES, AnalysisConfig, ExtraDataset
from contender.local.containers.clarify.errors import ClarifyError
from contender.local.containers.clarify.fields import Name

GZIP_START = b"\x1f\x8b"
DENSE = "features"


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
    if config.dataset_type == JSON_LINES or config.dataset_type == JSON:
        cells, label, predicted = _from_json(config, contents)
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
    contents = [(path.name, _content(path)) for path in _files(folder)]
    cells = pd.concat([_csv(name, content) for name, content in contents], ignore_index=True)
    if len(cells) and list(cells.iloc[0]) == list(names):
        cells = cells.iloc[1:].reset_index(drop=True)
    if cells.shape[1] != len(names):
        raise ClarifyError(f"{what} has {cells.shape[1]} columns, but the dataset has {len(names)} features")
    cells.columns = pd.Index(names)
    return cells


def with_extra(dataset: Dataset, extra: ExtraDataset, folder: Path, what: str) -> tuple[Dataset, list[str]]:
    """The dataset with the columns of another one beside its own, joined by the join source or else row by row."""
    cells = pd.concat([_csv(path.name, _content(path)) for path in _files(folder)], ignore_index=True)
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
    cells.columns = pd.Index(_unique(headers))
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


def _unique(headers: Sequence[str]) -> list[str]:
    if doubled := sorted({name for name in headers if headers.count(name) > 1}):
        raise ClarifyError(f"the dataset has more than one column {doubled[0]!r}: give headers of their own")
    return list(headers)


def _from_parquet(config: AnalysisConfig, contents: Sequence[tuple[str, bytes]]) -> pd.DataFrame:
    try:
        cells = pd.concat([pd.read_parquet(io.BytesIO(content)) for _, content in contents], ignore_index=True)
    except (ValueError, OSError) as error:
        raise ClarifyError(f"the dataset is not Parquet that can be read: {error}") from error
    if config.headers is not None:
        if len(config.headers) != cells.shape[1]:
            raise ClarifyError(f"headers has {len(config.headers)} names, but the dataset {cells.shape[1]} columns")
        cells.columns = pd.Index(config.headers)
    cells.columns = pd.Index(_unique([str(name) for name in cells.columns]))
    return cells.astype(object).where(cells.notna(), None)


def _from_json(
    config: AnalysisConfig, contents: Sequence[tuple[str, bytes]]
) -> tuple[pd.DataFrame, str | None, str | None]:
    """The cells and the names of the columns of the label and the predicted label, where these are asked for."""
    rows: list[Any] = []
    extra: dict[str, list[Any]] = {}
    targets = {"label": config.label, "predicted_label": config.predicted_label}
    for name, content in contents:
        documents = _documents(config, name, content)
        for document in documents:
            rows += _feature_rows(config, name, document)
            for what, expression in targets.items():
                if expression is not None:
                    found = _search(str(expression), document, f"{what} of {name}")
                    extra.setdefault(what, []).extend(found if config.dataset_type == JSON else [found])
    objects = bool(rows) and isinstance(rows[0], dict)
    cells = pd.DataFrame.from_records(rows) if objects else pd.DataFrame(rows)
    cells = cells.astype(object)
    if nested := [cell for column in cells for cell in cells[column] if isinstance(cell, list | dict)]:
        raise ClarifyError(f"a feature of the dataset is not a single value: {json.dumps(nested[0]):.80}")
    cells = cells.where(cells.notna(), None)
    # a flat object names its columns itself; a list takes the headers, whose last ones are the labels'
    asked = [what for what, expression in targets.items() if expression is not None]
    names = list(config.headers or ())
    inside = [what for what in asked if objects and str(targets[what]) in cells.columns]
    if not objects:
        names = names or [f"column_{number}" for number in range(cells.shape[1])] + [str(targets[w]) for w in asked]
        if len(names) != cells.shape[1] + len(asked):
            raise ClarifyError(
                f"Headers in config do not match with the number of columns in the dataset: {len(names)} headers, "
                f"{cells.shape[1]} features and {len(asked)} labels"
            )
        cells.columns = pd.Index(names[: cells.shape[1]])
    labels = dict(zip(asked, names[cells.shape[1] :], strict=False)) if not objects else {}
    for what in asked:
        name = labels.setdefault(what, str(targets[what]))
        if what in inside:
            continue
        if len(extra[what]) != len(cells):
            raise ClarifyError(f"{what} {targets[what]!r} finds {len(extra[what])} values for {len(cells)} rows")
        cells[name] = pd.Series(extra[what], dtype=object)
    cells.columns = pd.Index(_unique([str(name) for name in cells.columns]))
    return cells, labels.get("label"), labels.get("predicted_label")


def _documents(config: AnalysisConfig, name: str, content: bytes) -> list[Any]:
    try:
        if config.dataset_type == JSON:
            return [json.loads(content)]
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    except ValueError as error:
        raise ClarifyError(f"{name} is not {config.dataset_type}: {error}") from error


def _feature_rows(config: AnalysisConfig, name: str, document: Any) -> list[Any]:
    if config.features:
        found = _search(config.features, document, f"features of {name}")
        return list(found) if config.dataset_type == JSON else [found]
    if isinstance(document, dict):
        return [document[DENSE]] if isinstance(document.get(DENSE), list) else [document]
    return [document]


def _search(expression: str, document: Any, what: str) -> Any:
    try:
        found = jmespath.search(expression, document)
    except jmespath.exceptions.JMESPathError as error:
        raise ClarifyError(f"{what}: {expression!r} is not a JMESPath: {error}") from error
    if found is None:
        raise ClarifyError(f"{what}: {expression!r} finds nothing in {json.dumps(document):.120}")
    return found
