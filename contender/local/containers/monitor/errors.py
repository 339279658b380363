"""The one error of the monitor image: what cannot be analysed, in a line for the user."""


class MonitorError(Exception):
    """The settings, the dataset or the baseline that cannot be used; the message says which and what to do."""
