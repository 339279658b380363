"""Measurements; never tests. See `make bench`."""
