"""The figures of a report, as SVG: one function each, from the series of one record."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from contender.report.drawing import MARK, colour_of, drawn, drawn_side_by_side
from contender.report.series import Series


def shares(series: Series) -> str:
    """Who was asked how often, over time."""

    def draw(axes: Axes) -> None:
        lines = series.shares()
        times = next(iter(lines.values())).times_s
        axes.stackplot(
            times,
            [lines[variant].values for variant in series.record.variants],
            labels=series.record.variants,
            colors=[colour(series, variant) for variant in series.record.variants],
            step="post",
            alpha=0.85,
        )
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        _over_time(axes, series)

    return drawn(draw)


def reward_rate(series: Series) -> str:
    """Reward per request: so far as a line, and of each tenth of the time as dots."""

    def draw(axes: Axes) -> None:
        recent = series.recent_rates()
        for variant, line in series.reward_rates().items():
            axes.plot(line.times_s, line.values, color=colour(series, variant), label=variant)
            dots = recent[variant]
            axes.plot(dots.times_s, dots.values, "o", ms=3, color=colour(series, variant), alpha=0.5)
        _over_time(axes, series)

    return drawn(draw)


def cumulative_reward(series: Series) -> str:
    def draw(axes: Axes) -> None:
        for variant, line in series.cumulative_rewards().items():
            axes.step(line.times_s, line.values, where="post", color=colour(series, variant), label=variant)
        _over_time(axes, series)

    return drawn(draw)


def confidence_sequence(series: Series) -> str:
    """The challenger's reward minus the champion's; the verdict falls when the band leaves zero."""

    def draw(axes: Axes) -> None:
        band = series.band()
        shade = colour(series, series.record.challenger)
        axes.axhline(0, color="black", lw=0.8)
        axes.fill_between(band.times_s, band.lower, band.upper, color=shade, alpha=0.2, lw=0)
        axes.plot(band.times_s, band.estimates, color=shade, label="estimate")
        seen = [bound for bound in (*band.lower, *band.upper) if abs(bound) <= 1.05]
        if seen and series.record.goal.kind == "binary":
            axes.set_ylim(max(min(seen), -1.0) - 0.05, min(max(seen), 1.0) + 0.05)
        _over_time(axes, series)

    return drawn(draw)


def posteriors(series: Series) -> str:
    """Where the mean reward plausibly lies, at four moments: the later, the darker."""

    def draw(axes: Axes) -> None:
        looks = series.posteriors()
        for number, look in enumerate(looks, 1):
            for variant, found in look.items():
                latest = number == len(looks)
                label = f"{variant}, {found.requests:,} requests" if latest else None
                strength = number / len(looks)
                shade = colour(series, variant)
                axes.plot(found.rewards, found.density, color=shade, alpha=strength, label=label, lw=0.6 + strength)
                if latest:
                    axes.fill_between(found.rewards, found.density, color=shade, alpha=0.12, lw=0)
        axes.set_yticks([])
        axes.set_xlabel("reward per request")
        axes.legend(loc="upper left")

    return drawn(draw)


def confusion(series: Series) -> str:
    """What each variant said against what was true, in shares of its requests."""
    rankings = series.rankings()

    def draw(places: Sequence[Axes]) -> None:
        for axes, (variant, found) in zip(places, rankings.items(), strict=True):
            cells = [[found.true_negative, found.false_positive], [found.false_negative, found.true_positive]]
            axes.imshow([[cell / found.n for cell in row] for row in cells], cmap="Blues", vmin=0, vmax=0.7)
            for row, values in enumerate(cells):
                for column, count in enumerate(values):
                    share = count / found.n
                    ink = "white" if share > 0.4 else "black"
                    axes.text(column, row, f"{count:,}\n{share:.0%}", ha="center", va="center", color=ink)
            axes.set_xticks([0, 1], ["no", "yes"])
            axes.set_yticks([0, 1], ["no", "yes"])
            axes.set_xlabel("said")
            axes.set_ylabel("true")
            axes.set_title(f"{variant}: {found.accuracy:.1%} right", color=colour(series, variant), fontsize=9)
            axes.grid(visible=False)

    return drawn_side_by_side(draw, len(rankings))


def roc(series: Series) -> str:
    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=MARK, lw=0.8, ls="--")
        for variant, found in series.rankings().items():
            label = f"{variant}, AUC {found.auc:.3f}"
            axes.plot(found.false_rates, found.true_rates, color=colour(series, variant), label=label)
        axes.set_xlabel("share of the negative called positive")
        axes.set_ylabel("share of the positive found")
        axes.legend(loc="lower right")

    return drawn(draw)


def _over_time(axes: Axes, series: Series) -> None:
    """Seconds along the axis, decisions as vertical lines with their numbers, and who is who."""
    for number, mark in enumerate(series.record.marks, 1):
        at = series.since(mark.at)
        if 0 <= at <= series.end_s:
            axes.axvline(at, color=MARK, lw=0.8, ls=":")
            axes.annotate(str(number), (at, 1), xycoords=("data", "axes fraction"), fontsize=7, color="#555555")
    axes.set_xlim(0, series.end_s)
    axes.set_xlabel("seconds")
    axes.legend(loc="best", fontsize=8)


def colour(series: Series, variant: str) -> str:
    return colour_of(series.record.variants.index(variant))
