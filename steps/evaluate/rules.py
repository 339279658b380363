"""Judge a challenger by the rules of contender.yaml (gates): each with its figure, its limit and a sentence.

    auc             reaches the floor
    possible_loss   cannot be worse than the champion by more than a margin
    latency_ms, size_mb, bias    where the settings limit them

The Gate step compares the same figures with the same limits, so every figure is a number, also where nothing was
compared. A verdict is passed, failed, not shown (too few rows to tell) or not compared (there is nothing to compare
with); only passed and not compared let a challenger through.
"""

import math

from delong import normal_quantile

LETS_THROUGH = ("passed", "not compared")
POWER = 0.9


def floor(auc, least):
    if auc >= least:
        return rule(auc, least, "passed", f"AUC {auc:.4f} reaches the floor of {least:g} (gates.min_auc)")
    return rule(
        auc, least, "failed", f"AUC {auc:.4f} is {least - auc:.4f} below the floor of {least:g} (gates.min_auc)"
    )


def no_loss_possible(margin, why):
    """The rule where there is nobody to lose against."""
    return rule(0.0, margin, "not compared", f"not compared with a champion: {why}")


def possible_loss(difference, margin, champion, champion_auc, rows):
    """Non-inferiority: even the lowest plausible difference must be above minus the margin."""
    gap, loss = difference["auc"], -difference["lower"]
    sure = f"{100 * difference['confidence']:g} % sure"
    side = "above" if gap >= 0 else "below"
    than = f"AUC {champion_auc + gap:.4f}, {abs(gap):.4f} {side} {champion}'s {champion_auc:.4f}"
    if loss < margin:
        worst = f"at most {loss:.4f} below, within the {margin:g} allowed" if loss > 0 else "not below"
        return rule(loss, margin, "passed", f"{than}, and {sure} to be {worst} (gates.margin)")
    if -gap >= margin:
        text = f"{than}, {-gap - margin:.4f} more than the {margin:g} allowed (gates.margin)"
        return rule(loss, margin, "failed", text)
    needed = rows_for_an_equal(difference, margin, rows)
    text = f"not shown to be within {margin:g} of {champion} (gates.margin): {than}, but it may be {loss:.4f} below. "
    if needed > rows:
        text += f"{rows} held-out rows are too few: of an equally good challenger about {needed} would show it. "
        text += "Upload more rows, or allow a wider margin"
    else:
        text += f"{rows} held-out rows would show it of an equally good challenger, so this one is probably worse. "
        text += "Train on more or better data, or allow a wider margin"
    return rule(loss, margin, "not shown", text)


def rows_for_an_equal(difference, margin, rows):
    """Held-out rows with which an equally good challenger passes nine times in ten, at the reach seen on these."""
    reach = difference["auc"] - difference["lower"]
    z = normal_quantile(difference["confidence"])
    return math.ceil(rows * (reach / margin * (1 + normal_quantile(POWER) / z)) ** 2)


def latency(milliseconds, most):
    text = f"a single row is answered in {milliseconds:.3g} ms (median)"
    return at_most(milliseconds, most, text, "ms", "gates.max_latency_ms")


def size(megabytes, most):
    return at_most(megabytes, most, f"the artifact has {megabytes:.3g} MB", "MB", "gates.max_size_mb")


def at_most(figure, most, text, unit, setting):
    if figure <= most:
        return rule(figure, most, "passed", f"{text}, within the {most:g} allowed ({setting})")
    return rule(
        figure, most, "failed", f"{text}, {figure - most:.3g} {unit} more than the {most:g} allowed ({setting})"
    )


def bias(metric, value, limit, group):
    """`limit` is how far a difference may be from 0 either way, or how far the smaller share may be below the larger.

    The figure is that distance: the metric without its sign, or for DI 1 minus the smaller share over the larger.
    """
    if math.isnan(value):
        text = f"{metric} cannot be measured on {group}: one side has no such held-out rows, upload more of them"
        return rule(1.0, limit, "not shown", text)
    figure = abs(value) if metric != "DI" else 1 - (min(value, 1 / value) if value > 0 else 0.0)
    text = f"{metric} of {group} is {value:.4f}, {figure:.4f} away from {1 if metric == 'DI' else 0}"
    if figure <= limit:
        return rule(figure, limit, "passed", f"{text}, within the {limit:g} allowed (gates.bias)")
    return rule(figure, limit, "failed", f"{text}, {figure - limit:.4f} more than the {limit:g} allowed (gates.bias)")


def rule(figure, limit, verdict, sentence):
    return {"figure": float(figure), "limit": float(limit), "verdict": verdict, "sentence": sentence}


def verdict(rules):
    """The gate's part of the report."""
    broken = [each["sentence"] for each in rules.values() if each["verdict"] not in LETS_THROUGH]
    said = broken or [each["sentence"] for each in rules.values()]
    return {
        "passed": not broken,
        "reason": ("Refused: " if broken else "Passed: ") + "; ".join(said),
        "rules": rules,
    }
