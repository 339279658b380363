"""constraint_violations.json: in what a dataset is not as its baseline was, and how far, in words.

docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-violations.html. A suggested threshold rests on a
sample: where the baseline itself had missing values or rare categories, a few more may be chance, and each check says
what it puts down to that. What the baseline never had is news at once, and a threshold that somebody changed is kept to
the letter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from scipy import stats

from contender.local.containers.monitor import drift
from contender.local.containers.monitor.constraints import Constraints, FeatureConstraints
from contender.local.containers.monitor.documents import Document
from contender.local.containers.monitor.statistics import Feature, Statistics
from contender.local.containers.monitor.words import percent, quoted

CheckType = Literal[
    "data_type_check",
    "completeness_check",
    "baseline_drift_check",
    "missing_column_check",
    "extra_column_check",
    "categorical_values_check",
]

BY_CHANCE = 0.0001
"""What happens less often than this to data of the baseline's source is no chance."""
UNSURE = 0.01
"""How often the number of categories that were seen once may be an understatement."""
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Violation:
    """One line of the file."""

    feature_name: str
    constraint_check_type: CheckType
    description: str


def document(violations: list[Violation]) -> Document:
    return {"violations": [asdict(violation) for violation in violations]}


def find(constraints: Constraints, baseline: Statistics | None, current: Statistics) -> list[Violation]:
    """What `current` violates; without `baseline` no distributions are compared and nothing is put down to chance."""
    if not constraints.monitoring.evaluate_constraints:
        return []
    return [*_columns(constraints, current), *_features(constraints, baseline, current)]


def _columns(constraints: Constraints, current: Statistics) -> Iterator[Violation]:
    expected = [feature.name for feature in constraints.features]
    observed = [feature.name for feature in current.features]
    counts = (
        f"Number of columns in current dataset: {len(observed)}, "
        f"Number of columns in baseline constraints: {len(expected)}"
    )
    for name in expected:
        if name not in observed:
            said = f"The baseline has a column {name!r}, the current dataset has none. {counts}"
            yield Violation(name, "missing_column_check", said)
    for name in observed:
        if name not in expected:
            said = f"The current dataset has a column {name!r}, the baseline has none. {counts}"
            yield Violation(name, "extra_column_check", said)


def _features(constraints: Constraints, baseline: Statistics | None, current: Statistics) -> Iterator[Violation]:
    checks = (_data_type, _negative, _completeness, _domain, _drift)
    for asked in constraints.features:
        now = current.feature(asked.name)
        if now is None or not asked.monitoring.evaluate_constraints:
            continue
        before = baseline.feature(asked.name) if baseline else None
        for check in checks:
            if (violation := check(asked, before, now)) is not None:
                yield violation


def _data_type(asked: FeatureConstraints, before: Feature | None, now: Feature) -> Violation | None:
    """The share of values that can be read as the expected type; anything can be read as text.

    A column of text in which nothing is text any more has changed its type, unless text was so rare in it that a
    sample may well have none.
    """
    types = now.types
    if types is None or not now.present or asked.inferred_type == "Unknown":
        return None
    expected = asked.inferred_type
    if expected == "String":
        rare = 1 - before.types.string / before.present if before and before.types and before.present else 0.0
        matching = now.present if types.string or rare**now.present >= BY_CHANCE else 0
        kinds = f"all {now.present} values are numbers now"
    else:
        matching = types.integral + (types.fractional if expected == "Fractional" else 0)
        wrong = [(types.string, "are text"), (types.fractional if expected == "Integral" else 0, "have a fraction")]
        kinds = " and ".join(f"{count} of {now.present} values {what}" for count, what in wrong if count)
    share, threshold = matching / now.present, asked.monitoring.datatype_check_threshold
    if share >= threshold:
        return None
    return Violation(
        asked.name,
        "data_type_check",
        f"{kinds[0].upper()}{kinds[1:]}. Data type match requirement is not met. Expected data type: {expected}, "
        f"Expected match: {percent(threshold)}. Observed: Only {percent(share)} of data is {expected}.",
    )


def _negative(asked: FeatureConstraints, before: Feature | None, now: Feature) -> Violation | None:
    """Negative numbers where the baseline had none, which AWS suggests as a constraint and names no check for.

    They may have been missing from it by chance: were nothing changed, all of k negative numbers would fall into the
    m current values and none into the n of the baseline with a probability of at most (m / (n + m))^k.
    """
    if not asked.is_non_negative or now.numbers is None or not now.numbers.negative:
        return None
    by_chance = (now.present / (before.present + now.present)) ** now.numbers.negative if before else 0.0
    if by_chance >= BY_CHANCE:
        return None
    return Violation(
        asked.name,
        "data_type_check",
        f"{now.numbers.negative} of {now.present} values are negative, the lowest is {now.numbers.low:.6g}. "
        "Expected: no negative value, as in the baseline.",
    )


def _completeness(asked: FeatureConstraints, before: Feature | None, now: Feature) -> Violation | None:
    """The share of rows that have a value.

    Where the baseline itself had gaps, Fisher's exact test says whether chance deals as many of them to these rows.
    """
    if asked.completeness is None or now.completeness >= asked.completeness - 1e-12:
        return None
    if before and before.missing and math.isclose(before.completeness, asked.completeness, abs_tol=1e-9):
        rows = now.present + now.missing
        everything, gaps = rows + before.present + before.missing, now.missing + before.missing
        if stats.hypergeom.sf(now.missing - 1, everything, gaps, rows) >= BY_CHANCE:
            return None
    return Violation(
        asked.name,
        "completeness_check",
        f"{now.missing} of {now.present + now.missing} values are missing. Completeness fell from "
        f"{percent(asked.completeness)} to {percent(now.completeness)}. Expected completeness: {asked.completeness}, "
        f"Observed completeness: {now.completeness}",
    )


def _domain(asked: FeatureConstraints, before: Feature | None, now: Feature) -> Violation | None:
    """Values that the baseline never had.

    Good and Turing: a baseline of n values, f of them the only ones of their category, has yet to see f / n of its
    source (f at its upper confidence limit). So many new values, and what chance adds to them, are no news.
    """
    if asked.domain is None or now.texts is None or not now.present:
        return None
    domain = set(asked.domain)
    known = sum(count for value, count in now.texts.counts.items() if value in domain)
    new = now.present - known
    allowed = (1 - asked.monitoring.domain_content_threshold) * now.present
    single = sum(count == 1 for count in before.texts.counts.values()) if before and before.texts else 0
    if before and single:
        unseen = float(stats.chi2.isf(UNSURE, 2 * (single + 1))) / 2 / before.present
        allowed += float(stats.poisson.isf(BY_CHANCE, now.present * unseen))
    if new <= allowed + 1e-9:
        return None
    unknown = {value: count for value, count in now.texts.counts.items() if value not in domain}
    shown = [
        f"{quoted(value)} ({count})" for value, count in sorted(unknown.items(), key=lambda item: -item[1])[:EXAMPLES]
    ]
    more = ", …" if len(unknown) > EXAMPLES or now.texts.other else ""
    return Violation(
        asked.name,
        "categorical_values_check",
        f"{new} of {now.present} values are none of the {len(domain)} that the baseline has: {', '.join(shown)}{more}. "
        f"Expected match: {percent(asked.monitoring.domain_content_threshold)}. "
        f"Observed: Only {percent(known / now.present)} of data is in the domain.",
    )


def _drift(asked: FeatureConstraints, before: Feature | None, now: Feature) -> Violation | None:
    found = drift.measure(asked, before, now)
    if found is None or not found.is_violation:
        return None
    return Violation(asked.name, "baseline_drift_check", found.description)
