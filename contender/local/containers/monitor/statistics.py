"""statistics.json: what is known of a dataset, in AWS's format.

docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-statistics.html. Beside its fields, a feature has
`data_types`: how many values can be read as what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contender.local.containers.monitor.columns import InferredType, TypeCounts
from contender.local.containers.monitor.documents import Document, number, read_number
from contender.local.containers.monitor.numbers import CAPACITY_RATIO, SKETCH_SIZE, Sketch

VERSION = 0.0


@dataclass(frozen=True, slots=True)
class NumberStatistics:
    """Of a column of numbers; `std_dev` is the population's. `negative` is None where a file does not tell."""

    mean: float
    sum: float
    std_dev: float
    low: float
    high: float
    negative: int | None
    sketch: Sketch | None
    buckets: tuple[tuple[float, float, int], ...]


@dataclass(frozen=True, slots=True)
class TextStatistics:
    """Of a column of text: `counts` by category, `other` the values of no category that is counted."""

    distinct: int
    counts: Mapping[str, int]
    other: int


@dataclass(frozen=True, slots=True)
class Feature:
    """One column; `types` is None where a file does not tell."""

    name: str
    inferred_type: InferredType
    present: int
    missing: int
    types: TypeCounts | None
    numbers: NumberStatistics | None
    texts: TextStatistics | None

    @property
    def completeness(self) -> float:
        return self.present / rows if (rows := self.present + self.missing) else 0.0


@dataclass(frozen=True, slots=True)
class Statistics:
    """A dataset of `rows` records."""

    rows: int
    features: tuple[Feature, ...]

    def feature(self, name: str) -> Feature | None:
        return next((each for each in self.features if each.name == name), None)

    def document(self) -> Document:
        return {
            "version": VERSION,
            "dataset": {"item_count": self.rows},
            "features": [_written(feature) for feature in self.features],
        }

    @classmethod
    def from_document(cls, document: Document) -> Statistics:
        """Raises KeyError, TypeError or ValueError for what is not the file that AWS describes."""
        return cls(int(document["dataset"]["item_count"]), tuple(_read(feature) for feature in document["features"]))


def _written(feature: Feature) -> Document:
    common = {"common": {"num_present": feature.present, "num_missing": feature.missing}}
    written: Document = {"name": feature.name, "inferred_type": feature.inferred_type}
    if feature.types is not None:
        types = feature.types
        written["data_types"] = {
            "Integral": types.integral,
            "Fractional": types.fractional,
            "String": types.string,
        }
    if (numbers := feature.numbers) is not None:
        written["numerical_statistics"] = {
            **common,
            "mean": number(numbers.mean),
            "sum": number(numbers.sum),
            "std_dev": number(numbers.std_dev),
            "min": number(numbers.low),
            "max": number(numbers.high),
            "num_negative": numbers.negative,
            "distribution": {
                "kll": {
                    "buckets": [
                        {"lower_bound": number(low), "upper_bound": number(high), "count": float(count)}
                        for low, high, count in numbers.buckets
                    ],
                    "sketch": {
                        "parameters": {"c": CAPACITY_RATIO, "k": float(SKETCH_SIZE)},
                        "data": [[number(value) for value in level] for level in numbers.sketch.levels]
                        if numbers.sketch
                        else [],
                    },
                }
            },
        }
    elif (texts := feature.texts) is not None:
        written["string_statistics"] = {**common, "distinct_count": float(texts.distinct)}
        if not texts.other:
            written["string_statistics"]["distribution"] = {
                "categorical": {"buckets": [{"value": value, "count": count} for value, count in texts.counts.items()]}
            }
    else:
        written["string_statistics"] = {**common, "distinct_count": 0.0}
    return written


def _read(written: Document) -> Feature:
    numerical, string = written.get("numerical_statistics"), written.get("string_statistics")
    common = (numerical or string or {}).get("common", {})
    types = written.get("data_types")
    return Feature(
        name=written["name"],
        inferred_type=written["inferred_type"],
        present=int(common.get("num_present", 0)),
        missing=int(common.get("num_missing", 0)),
        types=TypeCounts(types["Integral"], types["Fractional"], types["String"]) if types else None,
        numbers=_read_numbers(numerical) if numerical else None,
        texts=_read_texts(string) if string else None,
    )


def _read_numbers(written: Document) -> NumberStatistics:
    kll = written.get("distribution", {}).get("kll", {})
    levels = kll.get("sketch", {}).get("data", ())
    return NumberStatistics(
        mean=read_number(written["mean"]),
        sum=read_number(written["sum"]),
        std_dev=read_number(written["std_dev"]),
        low=read_number(written["min"]),
        high=read_number(written["max"]),
        negative=written.get("num_negative"),
        sketch=Sketch(tuple(tuple(map(read_number, level)) for level in levels)) if levels else None,
        buckets=tuple(
            (read_number(each["lower_bound"]), read_number(each["upper_bound"]), int(each["count"]))
            for each in kll.get("buckets", ())
        ),
    )


def _read_texts(written: Document) -> TextStatistics:
    buckets: Any = written.get("distribution", {}).get("categorical", {}).get("buckets", ())
    counts = {each["value"]: int(each["count"]) for each in buckets}
    present = int(written["common"]["num_present"])
    return TextStatistics(int(written.get("distinct_count", 0)), counts, max(0, present - sum(counts.values())))
