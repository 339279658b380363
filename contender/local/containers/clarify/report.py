"""The analysis for people: one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from contender.local.containers.clarify.config import ReportConfig

Section = Mapping[str, Any]

MOST_BARS = 20
WIDTH, HEIGHT, PAD = 420, 160, 34

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2.2rem } h3 { font-size: 1rem; margin-bottom: .3rem }
table { border-collapse: collapse; width: 100% } th { text-align: left; font-weight: 600 }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
tr.violated td { background: #fdeaea } .note { color: #666 } .bad { color: #a11 }
.bar { background: #3b6ea5; height: .8rem; min-width: 1px } svg { background: #fafafa; margin: .2rem 1rem 1rem 0 }
""".strip()

STAGES = {
    "pre_training_bias_metrics": "Bias of the data (before training)",
    "post_training_bias_metrics": "Bias of the predictions (after training)",
}

READINGS = {
    "CI": "above 0: the sensitive group has fewer rows than the others",
    "DPL": "above 0: the sensitive group has the positive label less often",
    "JS": "0: both groups have the same labels",
    "KL": "0: both groups have the same labels",
    "KS": "0: both groups have the same labels",
    "LP": "0: both groups have the same labels",
    "TVD": "0: both groups have the same labels",
    "CDDL": "above 0: within the strata, the sensitive group is more of the rejected than of the accepted",
    "AD": "above 0: the model is right less often for the sensitive group",
    "CDDPL": "above 0: within the strata, the sensitive group is more of the rejected than of the accepted",
    "DAR": "above 0: positive predictions are right less often for the sensitive group",
    "DCA": "observed to predicted positives, the others' less the sensitive group's",
    "DCR": "observed to predicted negatives, the sensitive group's less the others'",
    "DI": "below 1: the sensitive group is predicted positive less often",
    "DPPL": "above 0: the sensitive group is predicted positive less often",
    "DRR": "above 0: negative predictions are right more often for the sensitive group",
    "FT": "above 0: rows of the sensitive group would rather be positive among the others",
    "GE": "0: everybody benefits alike from the predictions",
    "RD": "above 0: positives of the sensitive group are found less often",
    "SD": "above 0: negatives of the sensitive group are found more often",
    "TE": "above 0: misses to false alarms, more for the sensitive group",
}


def write_report(config: ReportConfig, analysis: Section, violations: Section | None, output: Path) -> Path:
    """`violations` is the content of constraint_violations.json, None where nothing was compared."""
    path = output / f"{config.name}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    body = "\n".join(_body(config.title, analysis, violations))
    page = f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(config.title)}</title>'
    path.write_text(f"{page}<style>\n{STYLE}\n</style></head><body>\n{body}\n</body></html>\n", encoding="utf-8")
    return path


def _body(title: str, analysis: Section, violations: Section | None) -> Iterator[str]:
    yield f"<h1>{escape(title)}</h1>"
    found: Sequence[Section] = () if violations is None else violations["violations"]
    if violations is not None:
        yield f"<h2>Compared with the baseline</h2><p>{len(found)} violation{'' if len(found) == 1 else 's'}.</p>"
        yield from (f'<p class="bad">{escape(each["description"])}</p>' for each in found)
    for name, heading in STAGES.items():
        if name in analysis:
            yield from _bias(heading, analysis[name], found)
    explanations = analysis.get("explanations", {})
    for label, section in explanations.get("kernel_shap", {}).items():
        yield from _shap(label, section)
    if "pdp" in explanations:
        yield "<h2>Partial dependence</h2><p class='note'>The mean prediction when every row gets the same value.</p>"
        for entry in explanations["pdp"]:
            yield from _dependence(entry)
    yield "<p class='note'>report.pdf and report.ipynb are not made on this machine.</p>"


def _bias(heading: str, section: Section, violations: Sequence[Section]) -> Iterator[str]:
    yield f"<h2>{heading}</h2>"
    positive = f"{section['label']} = {section['label_value_or_threshold']}"
    yield f"<p>Positive outcome: <b>{escape(positive)}</b>. The sensitive group is compared with all other rows.</p>"
    violated = {(each.get("facet"), each.get("facet_value"), each.get("metric_name")) for each in violations}
    for facet, groups in section["facets"].items():
        for group in groups:
            value = group["value_or_threshold"]
            yield f"<h3>Sensitive group: {escape(facet)} = {escape(value)}</h3>"
            yield "<table><tr><th>Metric</th><th>Value</th><th>Reading</th></tr>"
            for metric in group["metrics"]:
                mark = ' class="violated"' if (facet, value, metric["name"]) in violated else ""
                reading = metric.get("error") or READINGS[metric["name"]]
                yield (
                    f"<tr{mark}><td>{escape(metric['description'])}</td>"
                    f'<td class="number">{_short(metric["value"])}</td><td>{escape(reading)}</td></tr>'
                )
            yield "</table>"


def _shap(label: str, section: Section) -> Iterator[str]:
    values = section["global_shap_values"]
    ranked = sorted(values, key=lambda name: -abs(values[name]))
    yield f"<h2>What the predictions rest on ({escape(label)})</h2>"
    yield f"<p>Expected value without any feature: {_short(section['expected_value'])}.</p>"
    yield "<table><tr><th>Feature</th><th>Global SHAP value</th><th></th></tr>"
    longest = max((abs(value) for value in values.values()), default=0.0) or 1.0
    for name in ranked[:MOST_BARS]:
        share = 100 * abs(values[name]) / longest
        yield (
            f'<tr><td>{escape(name)}</td><td class="number">{_short(values[name])}</td>'
            f'<td style="width:55%"><div class="bar" style="width:{share:.1f}%"></div></td></tr>'
        )
    yield "</table>"
    if len(ranked) > MOST_BARS:
        yield f"<p class='note'>{len(ranked) - MOST_BARS} more features are in analysis.json.</p>"


def _dependence(entry: Section) -> Iterator[str]:
    yield f"<h3>{escape(entry['feature_name'])}</h3>"
    if "error" in entry:
        yield f"<p class='note'>{escape(entry['error'])}</p>"
        return
    numerical = entry["data_type"] == "numerical"
    values = entry["feature_values"]
    for number, means in enumerate(entry["model_predictions"]):
        name = entry.get("label_headers", [f"label{number}"] * (number + 1))[number]
        yield _plot(str(name), values if numerical else list(range(len(values))), means, line=numerical)
    if not numerical:
        shown = ", ".join(f"{place + 1} = {value}" for place, value in enumerate(values[:MOST_BARS]))
        yield f"<p class='note'>{escape(shown)}</p>"


def _plot(name: str, xs: Sequence[float], ys: Sequence[float], *, line: bool) -> str:
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)
    points = [
        (
            PAD + (WIDTH - 2 * PAD) * (_within(x, left, right)),
            HEIGHT - PAD - (HEIGHT - 2 * PAD) * _within(y, low, high),
        )
        for x, y in zip(xs, ys, strict=True)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    drawn = f'<polyline points="{path}" fill="none" stroke="#3b6ea5" stroke-width="2"/>' if line else ""
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#3b6ea5"/>' for x, y in points)
    ends = [
        (PAD, HEIGHT - 8, _short(left) if line else "1"),
        (WIDTH - PAD, HEIGHT - 8, _short(right) if line else str(len(xs))),
    ]
    ends += [(PAD, PAD - 10, f"{_short(high)} at most"), (WIDTH - PAD, PAD - 10, f"{_short(low)} at least")]
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(name)}">{drawn}{dots}{_texts(ends)}'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" font-size="11" text-anchor="middle">{escape(name)}</text></svg>'
    )


def _texts(ends: Iterable[tuple[float, float, str]]) -> str:
    drawn = []
    for x, y, text in ends:
        anchor = "start" if x < WIDTH / 2 else "end"
        drawn.append(f'<text x="{x}" y="{y}" font-size="11" text-anchor="{anchor}">{escape(text)}</text>')
    return "".join(drawn)


def _within(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def _short(value: float | str | None) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:.4g}"
