"""The charts of an endpoint's traffic: a line for each variant, in the same order and so in the same colour in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from contender.studio.charts.chart import Chart, Row, Series
from contender.studio.charts.lines import lines
from contender.studio.reading.traffic import ERRORS, PERCENTILES, Flow, Traffic

NOBODY = "Nobody asked in this time."
NO_ERROR = "No request failed in this time."


def charts(flow: Flow) -> tuple[Chart, ...]:
    """Invocations, errors, latencies by percentile; without rows where there were none."""
    about = flow.window.words
    return (
        lines(
            "invocations",
            "Invocations",
            Series(
                _rows(flow, "invocations", lambda each: each.invocations) if flow.requests else (),
                "at",
                "invocations",
                "variant",
            ),
            x_title="time (UTC)",
            about=about,
            empty=NOBODY,
        ),
        lines(
            "errors",
            "Errors",
            Series(tuple(_errors(flow)), "at", "errors", "of"),
            x_title="time (UTC)",
            about=f"requests that failed, {about}",
            empty=NO_ERROR if flow.requests else NOBODY,
        ),
        *(_latency(flow, percentile) for percentile in PERCENTILES),
    )


def _latency(flow: Flow, percentile: str) -> Chart:
    share = percentile.removeprefix("p")
    return lines(
        f"latency-{percentile}",
        f"Latency {percentile}",
        Series(
            _rows(flow, "latency", lambda each: each.latency_ms[percentile]) if flow.requests else (),
            "at",
            "latency",
            "variant",
        ),
        x_title="time (UTC)",
        y_title="ms",
        about=f"the model answered {share} of 100 requests within this, {flow.window.words}",
        empty=NOBODY,
    )


def _rows(flow: Flow, name: str, of: Callable[[Traffic], Sequence[float | None]]) -> tuple[Row, ...]:
    """Of every variant in every period, so that a line breaks where nothing was measured."""
    return tuple(
        {"at": at, "variant": each.variant, name: value}
        for each in flow.variants.values()
        for at, value in zip(flow.times, of(each), strict=True)
    )


def _errors(flow: Flow) -> Iterator[Row]:
    """Of each variant and kind of error that there was at all."""
    for each in flow.variants.values():
        for kind in ERRORS:
            if each.failed(kind):
                for at, value in zip(flow.times, each.errors[kind], strict=True):
                    yield {"at": at, "of": f"{each.variant} {kind}", "errors": value}
