"""A CSV file as people upload it, read row by row, and the answers to its rows, read alongside.

Beside the scripts of the batch steps in their containers; needs nothing beyond the standard library.
"""

import csv
from contextlib import ExitStack, contextmanager

SCORE = "score"
CHALLENGER_SCORE = "challenger_score"
YES = 0.5


class CannotScore(Exception):
    """The file cannot be scored; the message says why, for the person who gave it."""


class Table:
    """The rows under a header. `rows()` yields the number of the line a row ends on, and its values."""

    def __init__(self, path, reader):
        self.name = path.name
        self._reader = reader
        self.header = [name.strip() for name in self._next() or []]
        if not any(self.header):
            raise CannotScore(f"{self.name} is empty: its first line must name its columns")

    def rows(self):
        while (row := self._next()) is not None:
            # what editors leave at the end of a file is no row
            if row and (len(row) > 1 or row[0].strip()):
                yield self._reader.line_num, row

    def _next(self):
        try:
            return next(self._reader, None)
        except csv.Error as error:
            raise CannotScore(f"{self.name}, line {self._reader.line_num}: not CSV: {error}") from error
        except UnicodeDecodeError as error:
            raise CannotScore(f"{self.name}, after line {self._reader.line_num}: not UTF-8 text: {error}") from error


@contextmanager
def opened(folder, uri):
    """The file that `uri` names among those of `folder`."""
    path = folder / uri.rsplit("/", 1)[-1]
    if not path.is_file():
        raise CannotScore(f"there is no file at {uri}: give the address of one CSV file")
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield Table(path, csv.reader(file))


@contextmanager
def answered(options, answers):
    """The header, and an iterator of rows with their scores: one of each file of `answers`, or None for a refused row.

    CannotScore where rows and answers do not come out even: then the file is not the one that was scored.
    """
    with ExitStack() as stack:
        table = stack.enter_context(opened(options.data, options.data_uri))
        refused = stack.enter_context(_lines(options.notes / "refused.csv"))
        scored = [stack.enter_context(_lines(_only_file(folder))) for folder in answers]
        yield table.header, _pairs(table, csv.reader(refused), scored)


def _pairs(table, refused, scored):
    changed = CannotScore(f"{table.name} has other rows now than when they were scored: score it again")
    next(refused, None)
    waiting = next(refused, None)
    for line, row in table.rows():
        if waiting is not None and int(waiting[0]) == line:
            waiting = next(refused, None)
            yield row, None
            continue
        answers = [file.readline().strip() for file in scored]
        try:
            yield row, [float(answer) for answer in answers]
        except ValueError as error:
            raise changed from error
    if waiting is not None or any(file.readline().strip() for file in scored):
        raise changed


def _lines(path):
    return path.open(encoding="utf-8", newline="")


def _only_file(folder):
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    if len(files) != 1:
        raise CannotScore(f"expected one file of answers, found {len(files)}: {', '.join(path.name for path in files)}")
    return files[0]
