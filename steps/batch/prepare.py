"""Raw rows to lines that a batch transform can send, in the order of the model's columns.

    <file>.csv (header; any columns beside the model's)  ┐     champion/rows.csv      headerless, one line a row
    champion/model.tar.gz                                ├─►   challenger/rows.csv    the same for a challenger
    challenger/model.tar.gz (side by side)               ┘     notes/refused.csv      line and problem of rows left out
                                                               notes/notes.json       how many of each

One row that a model refuses would end the whole transform, with its place known to the job's log only. So each model's
own code reads the lines first, and a row that either refuses is left out, with the reason.
Beside it in the container: table.py, artifact.py. Needs numpy, and whatever the artifacts' code imports.
"""

import argparse
import csv
import io
import json
import sys
import tarfile
from contextlib import ExitStack
from pathlib import Path

from artifact import CannotEvaluate
from artifact import opened as loaded
from last_words import fail
from table import CHALLENGER_SCORE, SCORE, CannotScore, opened

NOBODY = "0"
CHUNK = 5000
SHOWN = 5
AGAIN = "the header again"


def main(argv=None):
    options = parse_arguments(argv)
    try:
        notes = prepare(options)
    except (CannotScore, CannotEvaluate) as error:
        return fail(error, options.last_words)
    print(json.dumps(notes, sort_keys=True))
    return 0


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--champion-version", required=True)
    parser.add_argument("--challenger-version", default=NOBODY, help="0: nobody to compare with")
    parser.add_argument("--data-uri", required=True, help="the file, to pick it among its neighbours")
    parser.add_argument("--data-version", default="", help="its version: enters the step's cache key")
    places = Path("/opt/ml/processing")
    for name in ("data", "champion-model", "challenger-model"):
        parser.add_argument(f"--{name}", type=Path, default=places / "input" / name)
    for name in ("champion", "challenger", "notes"):
        parser.add_argument(f"--{name}", type=Path, default=places / "output" / name)
    parser.add_argument("--last-words", type=Path, default=Path("/opt/ml/output"), help="for why the job failed")
    return parser.parse_args(argv)


def prepare(options):
    with ExitStack() as stack:
        table = stack.enter_context(opened(options.data, options.data_uri))
        added = [SCORE]
        readers = [Reader(stack, options.champion_model, f"champion v{options.champion_version}", options.champion)]
        if options.challenger_version != NOBODY:
            added.append(CHALLENGER_SCORE)
            name = f"challenger v{options.challenger_version}"
            readers.append(Reader(stack, options.challenger_model, name, options.challenger))
        if taken := [name for name in added if name in table.header]:
            raise CannotScore(f"{table.name} has a column {taken[0]!r} already: rename it, the result needs the name")
        for reader in readers:
            reader.find(table)
        refused = csv.writer(stack.enter_context(_created(options.notes / "refused.csv")), lineterminator="\n")
        refused.writerow(["line", "problem"])
        count, left_out = 0, 0
        for chunk in _chunks(table.rows()):
            found = _sort_out([row for _, row in chunk], table.header, readers)
            for place, problem in sorted(found.items()):
                line = chunk[place][0]
                refused.writerow([line, problem])
                if left_out < SHOWN:
                    print(f"{table.name}, line {line} is left out: {problem}", file=sys.stderr)
                left_out += 1
            count += len(chunk)
        if count == 0:
            raise CannotScore(f"{table.name} has a header but no rows")
        if left_out == count:
            raise CannotScore(f"{table.name}: no row can be scored; line {line}: {problem}")
    notes = {"file": table.name, "rows": count, "scored": count - left_out, "refused": left_out}
    (options.notes / "notes.json").write_text(json.dumps(notes), encoding="utf-8")
    return notes


class Reader:
    """A model's columns among those of the file, and the lines made of them."""

    def __init__(self, stack, folder, name, target):
        archive = folder / "model.tar.gz"
        self._model = stack.enter_context(loaded(archive, name))
        self._name = name
        self._columns = _columns(archive, name)
        self._order = []
        self._file = stack.enter_context(_created(target / "rows.csv"))

    def find(self, table):
        """Look up the model's columns in the table's header. CannotScore where some are not there."""
        places = {}
        for place, column in enumerate(table.header):
            if column in self._columns and column in places:
                raise CannotScore(f"{table.name} has the column {column!r} twice")
            places[column] = place
        absent = [column for column in self._columns if column not in places]
        if absent:
            some = ", ".join(absent[:SHOWN]) + (", …" if len(absent) > SHOWN else "")
            raise CannotScore(
                f"{table.name} lacks {len(absent)} of the {len(self._columns)} columns of {self._name}: {some}; "
                "its first line must name the columns as the training data does"
            )
        self._order = [places[column] for column in self._columns]

    def lines(self, rows):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([[row[place] for place in self._order] for row in rows])
        return text.getvalue()

    def refusals(self, rows, lines, first=0):
        """Why the model would not read some of the rows, by place: halved and halved again to find them."""
        if not rows:
            return {}
        if lines.count("\n") != len(rows) or "\r" in lines:
            problem = "a value holds a line break, and a batch's rows are lines"
        else:
            problem = self._model.refusal(lines)
        if not problem:
            return {}
        if len(rows) == 1:
            return {first: problem.removeprefix("row 1, ").removeprefix("row 1: ")}
        parts = ((rows[: len(rows) // 2], first), (rows[len(rows) // 2 :], first + len(rows) // 2))
        return {place: why for part, at in parts for place, why in self.refusals(part, self.lines(part), at).items()}

    def write(self, lines):
        self._file.write(lines)


def _sort_out(rows, header, readers):
    """Write a chunk's rows for every model, without those that one of them refuses; their problems, by place."""
    found = {
        place: f"{len(row)} values under a header of {len(header)} columns"
        for place, row in enumerate(rows)
        if len(row) != len(header)
    }
    # A model takes such a row for the header of what follows.
    found.update((place, AGAIN) for place, row in enumerate(rows) if row[0].strip() == header[0] and _same(row, header))
    while True:
        places = [place for place in range(len(rows)) if place not in found]
        left = [rows[place] for place in places]
        texts = [reader.lines(left) for reader in readers]
        new = {}
        for reader, text in zip(readers, texts, strict=True):
            new.update(reader.refusals(left, text))
        if not new:
            break
        found.update((places[place], problem) for place, problem in new.items())
    for reader, text in zip(readers, texts, strict=True):
        reader.write(text)
    return found


def _same(row, header):
    return [value.strip() for value in row] == header


def _chunks(rows):
    chunk = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _columns(archive, name):
    """The model's features in its order, as its artifact names them."""
    with tarfile.open(archive) as tar:
        try:
            encoder = json.load(tar.extractfile("encoder.json"))
            return [column for column in encoder["columns"] if column not in set(encoder["dropped"])]
        except (KeyError, ValueError) as error:
            raise CannotScore(f"the artifact of {name} has no encoder.json that names its columns") from error


def _created(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("w", encoding="utf-8", newline="")


if __name__ == "__main__":
    sys.exit(main())
