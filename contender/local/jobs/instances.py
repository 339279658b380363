"""What an instance type offers a job: its memory, because a job that outgrows it fails on AWS."""

from __future__ import annotations

import os

MEMORY_VARIABLE = "CONTENDER_LOCAL_JOB_MEMORY_MB"
"""Overrides every instance type's memory, in MB."""

DEFAULT_GIB = 16.0

GIB_OF_LARGE = {"t3": 8.0, "m4": 8.0, "c4": 3.75, "c5": 4.0, "c5n": 5.25, "r5": 16.0, "r5d": 16.0, "m5": 8.0}
FAMILY_GIB = {"m": 8.0, "c": 4.0, "r": 16.0, "g": 8.0, "p": 30.5, "t": 8.0}
SIZES = {"medium": 0.5, "large": 1.0, "xlarge": 2.0}


def memory_mb(instance_type: str | None) -> int:
    """Memory of an instance type such as `ml.m5.large` (8,192); the usual shape of its family where it is not known."""
    if override := os.environ.get(MEMORY_VARIABLE):
        return int(override)
    parts = (instance_type or "").split(".")
    if len(parts) != 3:
        return int(DEFAULT_GIB * 1024)
    _, family, size = parts
    per_large = GIB_OF_LARGE.get(family) or FAMILY_GIB.get(family[:1], DEFAULT_GIB)
    if size.endswith("xlarge") and size[:-6].isdigit():
        return int(per_large * 2 * int(size[:-6]) * 1024)
    return int(per_large * SIZES.get(size, 1.0) * 1024)
