"""Turn one dimension's raw CSV into the three splits a model is trained, tuned and judged on, and an encoder.

    data/*.csv ─► check ─► split by a stable hash ─► fit the encoder on train rows
        train/train.csv               label first, no header: as XGBoost's built-in algorithm reads it
        validation/validation.csv     the same
        test/test.csv                 raw rows with header and label: as the world will send them
        encoder/encoder.json          how a raw row becomes numbers
        baseline/baseline.csv         features of the train rows: what data is compared with later
        score/score.csv               label (0 or 1), then features, of the test rows; no header: for a batch transform
        explain/explain.csv           features of some test rows: whose answers are explained
        labelled/labelled.csv         features, facet and label (0 or 1) of the train rows: bias in the data
        judged/judged.csv             the same of the test rows: bias in a model's answers

The last two are written where there is a facet. Features are raw columns; in these five a missing number is empty.

Beside it in the container: facets.py. Runs in any image with Python 3.8 or later, and needs nothing beyond the standard
library. A file that cannot be
used ends the job with exit code 1 and one line that says why, also written where SageMaker looks for last words.
"""

import argparse
import csv
import difflib
import hashlib
import io
import json
import sys
from collections import Counter
from pathlib import Path

from facets import MISSING, facet_sides, is_bound, is_number_or_missing, number_text
from last_words import fail

MAX_CATEGORIES = 200
MIN_CATEGORY_ROWS = 2
MIN_CLASS_ROWS = 2
MOSTLY_NUMBERS = 0.9
FORMAT = 1


class BadData(Exception):
    """The data cannot be used; the message says why, for the person who uploaded it."""


def main(argv=None):
    options = parse_arguments(argv)
    try:
        summary = preprocess(options)
    except BadData as error:
        return fail(error, options.last_words)
    print(json.dumps(summary, sort_keys=True))
    return 0


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--label", required=True, help="column to predict")
    parser.add_argument("--positive", required=True, help="its value that counts as 1")
    parser.add_argument("--drop", action="append", default=[], metavar="COLUMN", help="column that is no feature")
    parser.add_argument("--categorical", action="append", default=[], metavar="COLUMN", help="numbers that are codes")
    parser.add_argument("--split-by", action="append", default=[], metavar="COLUMN", help="what keeps rows together")
    parser.add_argument("--validation-share", type=float, default=0.15)
    parser.add_argument("--test-share", type=float, default=0.15)
    parser.add_argument("--facet", help="column whose groups the bias checks compare")
    parser.add_argument("--facet-value", action="append", default=[], metavar="VALUE", help="the group they are about")
    parser.add_argument("--gate-facet", help="column whose groups the gate compares, if it is another one")
    parser.add_argument("--gate-facet-value", action="append", default=[], metavar="VALUE", help="the group of that")
    parser.add_argument("--group", help="column of strata for conditional bias metrics")
    parser.add_argument("--explain-rows", type=int, default=100, help="test rows to explain at most")
    parser.add_argument("--data-uri", default="", help="the object that was uploaded, to pick it among its neighbours")
    parser.add_argument("--data-version", default="", help="its version: enters the step's cache key")
    parser.add_argument("--data", type=Path, default=Path("/opt/ml/processing/input/data"))
    parser.add_argument("--train", type=Path, default=Path("/opt/ml/processing/output/train"))
    parser.add_argument("--validation", type=Path, default=Path("/opt/ml/processing/output/validation"))
    parser.add_argument("--test", type=Path, default=Path("/opt/ml/processing/output/test"))
    parser.add_argument("--encoder", type=Path, default=Path("/opt/ml/processing/output/encoder"))
    for name in ("baseline", "score", "explain", "labelled", "judged"):
        parser.add_argument(f"--{name}", type=Path, default=Path("/opt/ml/processing/output", name))
    parser.add_argument("--last-words", type=Path, default=Path("/opt/ml/output"), help="for why the job failed")
    return parser.parse_args(argv)


def preprocess(options):
    header, rows = read(options.data, options.data_uri)
    labels = read_labels(header, rows, options.label, options.positive)
    features = feature_columns(header, options)
    parts = split(header, rows, options)
    check_parts(parts, labels, options.label)
    if options.facet:
        check_facet(header, rows, parts, options.facet, options.facet_value, "checks.bias")
    if options.group:
        find(header, options.group, "the strata (checks.bias.group)")
    if options.gate_facet:
        check_facet(header, rows, parts, options.gate_facet, options.gate_facet_value, "gates.bias")
    encoder = fit(header, rows, parts["train"], features, options)

    write_encoded(options.train / "train.csv", encoder, header, rows, labels, parts["train"])
    write_encoded(options.validation / "validation.csv", encoder, header, rows, labels, parts["validation"])
    write_raw(options.test / "test.csv", header, [rows[index] for index in parts["test"]])
    write_for_checks(header, clean(header, rows, encoder), labels, parts, features, options)
    options.encoder.mkdir(parents=True, exist_ok=True)
    (options.encoder / "encoder.json").write_text(json.dumps(encoder, ensure_ascii=False), encoding="utf-8")
    return {
        "rows": len(rows),
        "positive_share": round(sum(labels) / len(labels), 4),
        "features": encoder["width"],
        "train": len(parts["train"]),
        "validation": len(parts["validation"]),
        "test": len(parts["test"]),
    }


def read(folder, data_uri):
    """The header and the rows, every value stripped text, of the named object or else of every CSV file in `folder`."""
    named = folder / data_uri.rsplit("/", 1)[-1] if data_uri.rsplit("/", 1)[-1] else None
    if named is not None and named.is_file():
        files = [named]
    else:
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() == ".csv")
    if not files:
        raise BadData(f"no CSV file in {data_uri or folder}: upload one as <dimension>/<file>.csv")
    header, rows = read_file(files[0])
    for path in files[1:]:
        other, more = read_file(path)
        if other != header:
            raise BadData(f"{path.name} has other columns than {files[0].name}: one upload needs one header")
        rows.extend(more)
    if not rows:
        raise BadData(f"{files[0].name} has a header but no rows")
    return header, rows


def read_file(path):
    text = decode(path.name, path.read_bytes())
    if not text.strip():
        raise BadData(f"{path.name} is empty")
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [name.strip() for name in next(reader)]
        check_header(path.name, header)
        width = len(header)
        rows = []
        for row in reader:
            if len(row) != width:
                if not row or (len(row) == 1 and not row[0].strip()):
                    continue
                raise BadData(
                    f"{path.name}, line {reader.line_num}: {len(row)} values under a header of {width} columns"
                )
            rows.append([value.strip() for value in row])
    except csv.Error as error:
        raise BadData(f"{path.name}, line {reader.line_num}: not CSV ({error})") from error
    return header, rows


def decode(name, content):
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadData(f"{name} is UTF-16 text: save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadData(
            f"{name} is not UTF-8 text: byte 0x{content[error.start]:02x} on line {line}: save it as UTF-8"
        ) from error
    if "\0" in text:
        raise BadData(f"{name} is not text: it holds null bytes")
    return text


def check_header(name, header):
    for separator in ";\t|":
        if len(header) == 1 and separator in header[0]:
            raise BadData(f"{name} separates its columns by {separator!r}: save it with commas")
    for position, column in enumerate(header, 1):
        if not column:
            raise BadData(f"{name}: column {position} of the header has no name")
    twice = [column for column, count in Counter(header).items() if count > 1]
    if twice:
        raise BadData(f"{name}: column {twice[0]!r} occurs twice in the header")


def read_labels(header, rows, label, positive):
    """1 for the positive value and 0 for the other one, a row each."""
    position = find(header, label, "the label (data.label)")
    values = [row[position] for row in rows]
    blank = sum(1 for value in values if not value)
    if blank == len(values):
        raise BadData(f"label {label!r} is empty in every row")
    if blank:
        raise BadData(f"label {label!r} is empty in {blank} of {len(values)} rows")
    classes = Counter(values)
    found = ", ".join(repr(value) for value, _ in classes.most_common(5))
    if len(classes) == 1:
        raise BadData(f"label {label!r} has one class only: all {len(values)} rows are {found}; a model needs both")
    if positive not in classes:
        raise BadData(f"label {label!r} is never {positive!r} (data.positive); found {found}")
    if len(classes) > 2:
        raise BadData(f"label {label!r} has {len(classes)} values ({found}…); it must have two")
    return [1 if value == positive else 0 for value in values]


def find(header, column, purpose):
    if column not in header:
        near = difflib.get_close_matches(column, header, 1)
        more = f" and {len(header) - 8} more" if len(header) > 8 else ""
        found = f"the nearest is {near[0]!r}" if near else f"the file has {', '.join(header[:8])}{more}"
        raise BadData(f"column {column!r}, {purpose}, is missing; {found}")
    return header.index(column)


def feature_columns(header, options):
    for column in options.categorical:
        find(header, column, "listed in data.categorical")
    dropped = {options.label, *options.drop}
    columns = [column for column in header if column not in dropped]
    for column in options.drop:
        near = difflib.get_close_matches(column, columns, 1, 0.8) if column not in header else []
        if near:  # misspelt, an identifier would silently become a feature; one that is simply absent does no harm
            raise BadData(f"{column!r} of data.drop is no column, but {near[0]!r} is: mend one of the names")
    if not columns:
        raise BadData("no column is left to learn from after the label and the dropped ones")
    return columns


def split(header, rows, options):
    """Row numbers of train, validation and test, by a hash of what identifies a row and of nothing else.

    The same customer therefore lands in the same split in every upload, and a champion was never trained on rows
    that a later challenger is tested on.
    """
    if options.split_by:
        keys = [find(header, column, "by which rows are split (data.split_by)") for column in options.split_by]
    else:
        keys = [position for position, column in enumerate(header) if column != options.label]
    parts = {"train": [], "validation": [], "test": []}
    for index, row in enumerate(rows):
        place = hash_share("\x1f".join([row[key] for key in keys]))
        if place < options.test_share:
            parts["test"].append(index)
        elif place < options.test_share + options.validation_share:
            parts["validation"].append(index)
        else:
            parts["train"].append(index)
    return parts


def hash_share(text):
    """A number in [0, 1) that depends on `text` only."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "big") / 2.0**64


def check_parts(parts, labels, label):
    for name, indexes in parts.items():
        positive = sum(labels[index] for index in indexes)
        fewest = min(positive, len(indexes) - positive)
        if fewest < MIN_CLASS_ROWS:
            raise BadData(
                f"the {name} split has {len(indexes)} of {len(labels)} rows, {fewest} of them of one class of "
                f"{label!r}; it needs {MIN_CLASS_ROWS} of each: upload more rows"
            )


def check_facet(header, rows, parts, facet, wanted, setting):
    """Refuse a facet by which nothing could be compared; `wanted` are its group's values."""
    position = find(header, facet, f"the facet ({setting}.facet)")
    values = [row[position] for row in rows]
    if not is_bound(values, wanted):
        check_occurs(values, facet, wanted, setting)
    for name in ("train", "test"):
        if len(set(facet_sides([values[index] for index in parts[name]], wanted))) < 2:
            raise BadData(
                f"every row of the {name} split is on one side of facet {facet!r} ({setting}), so there is nobody "
                "to compare with: upload more rows, or name another facet"
            )


def check_occurs(values, facet, wanted, setting):
    present = set(values)
    known = present | {number_text(value) or value for value in present}
    for value in wanted:
        if value not in known and number_text(value) not in known - {""}:
            near = difflib.get_close_matches(value, present, 1)
            found = f"the nearest is {near[0]!r}" if near else f"found {', '.join(map(repr, sorted(present)[:8]))}"
            raise BadData(f"facet {facet!r} is never {value!r} ({setting}.facet_values); {found}")


def fit(header, rows, train, features, options):
    """The encoder: a request's raw columns in their order, and what each becomes. Learns from training rows only."""
    encoded = []
    width = 0
    for column in features:
        position = header.index(column)
        values = [row[position] for row in rows]
        if column not in options.categorical and is_number(column, values):
            encoded.append({"column": column, "kind": "number"})
            width += 1
            continue
        counts = Counter(values[index] for index in train)
        if len(counts) == 1:
            continue
        counts.pop("", None)
        common = [value for value, count in counts.most_common(MAX_CATEGORIES) if count >= MIN_CATEGORY_ROWS]
        if not common:
            raise BadData(
                f"column {column!r} holds text that differs in every row: list it under data.drop in contender.yaml"
            )
        encoded.append({"column": column, "kind": "category", "categories": sorted(common)})
        width += len(common) + 1
    if not encoded:
        raise BadData("no column is left to learn from: every one holds a single value")
    return {
        "format": FORMAT,
        "label": options.label,
        "positive": options.positive,
        "columns": [column for column in header if column != options.label],
        "dropped": [column for column in header if column in options.drop],
        "missing": list(MISSING),
        "features": encoded,
        "width": width,
    }


def is_number(column, values):
    """Whether a column holds numbers; refuses one that nearly does, for a stray text is a mistake and no category."""
    strays = [index for index, value in enumerate(values) if not is_number_or_missing(value)]
    present = len(values) - values.count("")
    if not present or len(strays) > (1 - MOSTLY_NUMBERS) * present:
        return False
    if strays:
        raise BadData(
            f"column {column!r} holds numbers, but row {strays[0] + 1} has {values[strays[0]]!r}: "
            "correct it, or list the column under data.categorical in contender.yaml"
        )
    return True


def write_encoded(path, encoder, header, rows, labels, indexes):
    """The rows of one split as XGBoost's built-in algorithm reads them; a missing number is an empty field."""
    columns = [encode_column(feature, header.index(feature["column"])) for feature in encoder["features"]]
    lines = []
    for index in indexes:
        row = rows[index]
        fields = [str(labels[index])]
        fields += [encode(row[position]) for position, encode in columns]
        lines.append(",".join(fields))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def encode_column(feature, position):
    """The column's position and the function from its raw text to comma-separated numbers."""
    if feature["kind"] == "number":
        return position, number_text
    categories = feature["categories"]
    size = len(categories) + 1
    texts = [",".join("1" if slot == one else "0" for slot in range(size)) for one in range(size)]
    known = {category: texts[slot] for slot, category in enumerate(categories)}
    unknown = texts[-1]
    return position, lambda value: known.get(value, unknown)


def clean(header, rows, encoder):
    """The rows with missing numbers empty, and every value on one line, since a batch transform splits at line ends."""
    numbers = [header.index(feature["column"]) for feature in encoder["features"] if feature["kind"] == "number"]
    missing = frozenset(encoder["missing"])
    cleaned = []
    for row in rows:
        row = [" ".join(value.splitlines()) if "\n" in value or "\r" in value else value for value in row]
        for position in numbers:
            if row[position].lower() in missing:
                row[position] = ""
        cleaned.append(row)
    return cleaned


def write_for_checks(header, rows, labels, parts, features, options):
    """What the checks of data and model read."""
    train, test = parts["train"], parts["test"]
    count = min(options.explain_rows, len(test))
    explained = [test[number * len(test) // count] for number in range(count)]
    known = [header.index(column) for column in features]
    write_raw(options.baseline / "baseline.csv", features, [pick(rows[index], known) for index in train])
    write_raw(options.explain / "explain.csv", features, [pick(rows[index], known) for index in explained])
    write_raw(options.score / "score.csv", None, [[labels[index], *pick(rows[index], known)] for index in test])
    if options.facet:
        compared = [*features, *[name for name in (options.facet, options.group) if name and name not in features]]
        known = [header.index(column) for column in compared]
        for place, part in ((options.labelled / "labelled.csv", train), (options.judged / "judged.csv", test)):
            labelled = [[*pick(rows[index], known), labels[index]] for index in part]
            write_raw(place, [*compared, options.label], labelled)


def pick(row, positions):
    return [row[position] for position in positions]


def write_raw(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if header:
            writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
