"""Answer raw rows with probabilities: the code that travels inside a model's artifact.

    model.tar.gz    model.ubj · encoder.json · code/inference.py (this file)

Rows come as `text/csv` (the training file's columns in its order without the label, with or without those that are no
features; a header line is optional, and with one the order is free), as JSON (`{"instances": [...]}`, a list or a
single record, each an object or a list) or as JSON lines. The answer is one probability a line (`text/csv`),
`{"predictions": [{"probability": 0.87}]}` (`application/json`) or one such object a line. An empty value is a missing
value, an unseen category is "another one".
What cannot be understood is the caller's mistake: 400.

On AWS the XGBoost image in script mode (`SAGEMAKER_PROGRAM=inference.py`) calls the four functions below. That image
turns every exception they raise into a 500, so there a refused request travels through them as a value and comes out as
a response with status 400. Elsewhere `input_fn` raises ValueError. `predict_batch_fn` is an offer to servers that can
answer several waiting requests with one prediction.
"""

import csv
import difflib
import io
import json
import math
import os

import numpy as np
import xgboost

try:
    from sagemaker_containers.beta.framework import worker as aws_image
except ImportError:
    aws_image = None

FLOAT32_MAX = 3.4028234e38
JSON_LINES = ("application/jsonlines", "application/x-jsonlines")

# AWS calls input_fn without the model, yet the rows can only be checked against the model's own columns.
_encoder = None


class Model:
    """A booster and the encoder its rows go through."""

    def __init__(self, booster, encoder):
        self.booster = booster
        self.encoder = encoder


class Encoder:
    """Raw rows to the matrix the booster was trained on, as `encoder.json` describes it."""

    def __init__(self, description):
        self.label = description["label"]
        self.columns = description["columns"]
        dropped = set(description["dropped"])
        self._kept = [position for position, column in enumerate(self.columns) if column not in dropped]
        self.width = description["width"]
        self._missing = frozenset(description["missing"])
        self._position = {column: position for position, column in enumerate(self.columns)}
        self._numbers = []
        self._categories = []
        offset = 0
        for feature in description["features"]:
            position = self._position[feature["column"]]
            if feature["kind"] == "number":
                self._numbers.append((position, offset))
                offset += 1
            else:
                slots = {category: offset + slot for slot, category in enumerate(feature["categories"])}
                unknown = offset + len(slots)
                self._categories.append((position, slots, unknown))
                offset = unknown + 1

    def encode(self, rows):
        """One float32 row for each list of raw values in `rows`; ValueError says which value of which row is wrong."""
        blank = [0.0] * self.width
        expected = len(self.columns)
        encoded = []
        for number, row in enumerate(rows, 1):
            if len(row) != expected:
                row = self._with_dropped(row, number)
            values = blank[:]
            for position, slots, unknown in self._categories:
                value = row[position]
                slot = slots.get(value)
                if slot is None:
                    slot = slots.get(to_text(value).strip(), unknown)
                values[slot] = 1.0
            for position, slot in self._numbers:
                try:
                    values[slot] = value = float(row[position])
                except (TypeError, ValueError, OverflowError):
                    values[slot] = value = self._unparsed(row[position], number, position)
                if not -FLOAT32_MAX <= value <= FLOAT32_MAX and value == value:
                    raise ValueError(self._no_number(row[position], number, position))
            encoded.append(values)
        if not encoded:
            raise ValueError("the request holds no rows")
        return np.array(encoded, dtype=np.float32)

    def reorder(self, header, rows):
        """Rows whose columns are named by `header`, in the training order."""
        places = {column: place for place, column in enumerate(header)}
        wanted = [self.columns[position] for position in self._kept]
        absent = [column for column in wanted if column not in places]
        if absent:
            raise ValueError(f"the header lacks {len(absent)} of {len(wanted)} columns: {', '.join(absent[:5])}")
        order = [places[column] for column in wanted]
        for number, row in enumerate(rows, 1):
            if len(row) != len(header):
                raise ValueError(f"row {number}: expected {len(header)} columns as in the header, got {len(row)}")
        return [[row[place] for place in order] for row in rows]

    def is_header(self, row):
        known = sum(1 for value in row if value.strip() in self._position)
        return known * 2 > len(row)

    def from_record(self, record, number):
        """The values of one JSON record in the training order; a column it leaves out is missing."""
        if isinstance(record, dict):
            values = self._by_name(record, number)
        elif isinstance(record, list):
            values = record
        else:
            raise ValueError(f"row {number}: expected an object of columns or a list of values, got {record!r:.40}")
        for position, value in enumerate(values):
            if isinstance(value, (list, dict)):
                raise ValueError(f"row {number}, value {position + 1}: {value!r:.40} is not a single value")
        return values

    def _by_name(self, record, number):
        if not record:
            raise ValueError(f"row {number}: an empty record")
        for name in record:
            if name not in self._position and name != self.label:
                near = difflib.get_close_matches(name, self.columns, 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"row {number}: unknown column {name!r}{hint}")
        return [record.get(column) for column in self.columns]

    def _unparsed(self, value, row, position):
        if value is None or to_text(value).strip().lower() in self._missing:
            return math.nan
        raise ValueError(self._no_number(value, row, position))

    def _no_number(self, value, row, position):
        return f"row {row}, column {self.columns[position]!r}: {value!r:.40} is not a number"

    def _with_dropped(self, row, number):
        """A row of features alone, with blanks for the columns that are none."""
        expected = len(self.columns)
        if len(row) != len(self._kept):
            hint = f"; leave out the label {self.label!r}" if len(row) == expected + 1 else ""
            raise ValueError(f"row {number}: expected {expected} columns, got {len(row)}{hint}")
        whole = [None] * expected
        for place, position in enumerate(self._kept):
            whole[position] = row[place]
        return whole


def model_fn(model_dir):
    global _encoder
    with open(os.path.join(model_dir, "encoder.json"), encoding="utf-8") as file:
        _encoder = Encoder(json.load(file))
    # One thread: with XGBoost's default a single row takes ten times as long.
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(os.path.join(model_dir, "model.ubj"))
    booster.set_param({"nthread": 1})
    return Model(booster, _encoder)


def input_fn(request_body, content_type):
    try:
        return _encoder.encode(parse(request_body, content_type, _encoder))
    except ValueError as error:
        if aws_image is None:
            raise
        return error


def predict_fn(matrix, model):
    if isinstance(matrix, ValueError):
        return matrix
    return model.booster.inplace_predict(matrix, validate_features=False)


def predict_batch_fn(matrices, model):
    if len(matrices) == 1:
        return [predict_fn(matrices[0], model)]
    answers = predict_fn(np.concatenate(matrices), model)
    ends = np.cumsum([len(matrix) for matrix in matrices])
    return np.split(answers, ends[:-1])


def output_fn(probabilities, accept):
    if isinstance(probabilities, ValueError):
        return aws_image.Response(response=str(probabilities), status=400, mimetype="text/plain")
    values = probabilities.tolist()
    kind = bare(accept)
    if kind == "text/csv":
        return "".join([f"{value:.9g}\n" for value in values]), "text/csv"
    if kind in JSON_LINES:
        return "".join([f'{{"probability": {value:.9g}}}\n' for value in values]), kind
    answers = ", ".join([f'{{"probability": {value:.9g}}}' for value in values])
    return f'{{"predictions": [{answers}]}}', "application/json"


def parse(body, content_type, encoder):
    """Lists of raw values in the training order."""
    text = decode(body)
    kind = bare(content_type)
    if kind == "text/csv":
        rows = read_csv(text)
        if rows and encoder.is_header(rows[0]):
            return encoder.reorder([name.strip() for name in rows[0]], rows[1:])
        return rows
    if kind == "application/json":
        records = read_json(text)
        if isinstance(records, dict) and "instances" in records:
            records = records["instances"]
        if not isinstance(records, (dict, list)):
            raise ValueError('expected a record, a list of records or {"instances": [...]}')
        if isinstance(records, dict) or (records and not isinstance(records[0], (dict, list))):
            records = [records]
    elif kind in JSON_LINES:
        records = [read_json(line) for line in text.split("\n") if line.strip()]
    else:
        raise ValueError(f"content type {content_type!r} is not served; send text/csv or application/json")
    return [encoder.from_record(record, number) for number, record in enumerate(records, 1)]


def read_csv(text):
    try:
        return [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except csv.Error as error:
        raise ValueError(f"not CSV: {error}") from error


def read_json(text):
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error


def decode(body):
    """The request as text without a byte order mark; AWS's image has decoded some requests already."""
    if isinstance(body, str):
        return body.removeprefix("\ufeff")
    try:
        return bytes(body).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("the request is not UTF-8 text") from error


def bare(media_type):
    return (media_type or "").split(";", 1)[0].strip().lower()


def to_text(value):
    """A JSON value as the training file would spell it."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
