"""What a cell of a raw file holds, and which rows a facet's group is made of, by the rules of SageMaker Clarify.

Beside the scripts that ask in their containers; needs nothing beyond the standard library.
"""

MISSING = ("", "na", "n/a", "nan", "null", "none", "?")
FLOAT32_MAX = 3.4028234e38


def facet_sides(values, wanted):
    """The side that each value is on, as Clarify decides it; without any wanted each value is a side of its own."""
    numbers = all(is_number_or_missing(value) for value in values)
    known = [number_text(value) if numbers else value for value in values]
    if not wanted:
        return known
    if is_bound(values, wanted):
        return [bool(value) and float(value) > float(wanted[0]) for value in known]
    chosen = {number_text(value) or value if numbers else value for value in wanted}
    return [value in chosen for value in known]


def is_bound(values, wanted):
    """Whether Clarify takes what is wanted for the number above which a value belongs to the group.

    It does for one number and a quantity: decimals, or whole numbers of which a twentieth differ.
    """
    if len(wanted) != 1 or not number_text(wanted[0]) or not all(is_number_or_missing(value) for value in values):
        return False
    present = [value for value in values if number_text(value)]
    if len(present) < len(values):  # then it reads all of them as decimals
        whole = all(float(value).is_integer() for value in present)
    else:
        whole = all(value.lstrip("+-").isdigit() for value in present)
    different = len({number_text(value) for value in present})
    return not whole or (different > 2 and different >= 0.05 * len(present))


def is_number_or_missing(text):
    try:
        return -FLOAT32_MAX <= float(text) <= FLOAT32_MAX or text.lower() in MISSING
    except ValueError:
        return text.lower() in MISSING


def number_text(value):
    try:
        text = repr(float(value))
    except ValueError:
        return ""
    return "" if text == "nan" else text
