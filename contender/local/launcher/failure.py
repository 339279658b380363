"""What goes wrong with the laptop itself."""

from __future__ import annotations


class LaptopFailure(Exception):
    """AWS on this machine could not start or stop; the message says what to do."""
